"""Watching: how many probes a minute one process manages, what asking a database costs it, how long a page of charts over
a year takes.

probes_per_min: looks that one process really did, results in the database, far more being due than it can do; 60 % ports,
25 % HTTP, 10 % HL7, 5 % SQL. db_share: per cent of a database's time (of one connection) that a look every 30 s takes,
counted at the client, the way included. chart_s: p95 of a probe's page over a year, ten series each, out of all series.
--rows N: that many series instead of 10,000 (300).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.table import Table

from .frame import REPO, Bench, Database, Outcome, Timings, measured, migrate, timing_table, use

SERIES, QUICK = 10_000, 300
DAYS = 365
OF_A_PAGE = 10
PAGES, QUICK_PAGES = 40, 15
SECONDS, QUICK_SECONDS = 40.0, 10.0
PROBES = 1_800
EVERY_S = 2
ASKED = 40

_I4 = ">i4"


def _array(name: str, element: str) -> list[Any]:
    one = np.dtype([("l", _I4), ("v", element)])
    return [(f"{name}_l", _I4), (f"{name}_h", _I4, 5), (name, one, 24)]


_ROLL = np.dtype([("k", ">i2"), ("sl", _I4), ("series", _I4), ("dl", _I4), ("day", _I4), *_array("n", ">i2"),
                  *(f for name in ("lo", "mid", "hi", "avg") for f in _array(name, ">f4"))])  # fmt: skip


def run(bench: Bench) -> Outcome:
    count = bench.options.rows or (QUICK if bench.options.quick else SERIES)
    database = Database(bench, f"watch_{count}_v2")
    _prepare(bench, database, count)
    charts = _charts(bench, count)
    cost_ms = asyncio.run(_cost(bench))
    rate, cpu, late = _rate(bench, database)
    numbers = {
        "benchmark": "watch",
        "probes_per_min": round(rate), "db_share": round(100 * cost_ms / 30_000, 4), "chart_s": round(charts.p95 / 1000, 4),
        "series": count, "days": DAYS, "probe_cpu_ms": round(cpu, 3), "db_ms_a_look": round(cost_ms, 2), "late": late,
        "size_mb": round(database.size() / 1e6),
    }  # fmt: skip
    table = Table(title="拨测", title_justify="left")
    for name in ("每分钟拨测", "每次拨测的处理器 ms", "看一次数据库 ms", "每 30 秒看一次占数据库时间 %"):
        table.add_column(name, justify="right")
    table.add_row(f"{rate:,.0f}", f"{cpu:.2f}", f"{cost_ms:.1f}", f"{100 * cost_ms / 30_000:.3f}")
    notes = [f"{count:,} 条序列 × {DAYS} 天，按小时汇总，共 {database.size() / 1e9:.2f} GB；每页 {OF_A_PAGE} 张图，画一年。",
             "被拨测的一方与数据库在同一台机器上，同占处理器。"]  # fmt: skip
    return Outcome(numbers, [table, timing_table("画一年的页面", [charts], goal=1000)], notes)


def _prepare(bench: Bench, database: Database, count: int) -> None:
    if database.ready():
        use(database)
        return
    database.create()
    use(database)
    with bench.timed("建表"):
        migrate()
    from django.utils import timezone

    from xingwei.operations.watch.services import measurements

    today = timezone.localdate()
    with database.connect() as db:
        db.execute("SELECT watch_make_partitions(%s, %s)", [today - dt.timedelta(days=1), today + dt.timedelta(days=2)])
        for back in range(0, DAYS + 31, 28):  # roll-ups need the months only; a day each makes them
            day = today - dt.timedelta(days=back)
            db.execute("SELECT watch_make_partitions(%s, %s)", [day, day])
        db.execute(
            "INSERT INTO watch_probe (code, name, kind, node, settings, limits, every_s, timeout_s, fails, severity, active,"
            " note, version, updated_at) SELECT 'p' || n, '拨测 ' || n, 'figures', 'component:X', '{}', '[]', 60, 5, 2, 3,"
            " false, '', 1, now() FROM generate_series(1, %s) n", [-(-count // OF_A_PAGE)],
        )  # fmt: skip
        db.execute(
            "INSERT INTO watch_series (key, probe_id, node, signal, title, unit, worse, created_at)"
            " SELECT p.code || '/s' || k, p.id, p.node, 's' || k, '数字 ' || k, '毫秒', 'high', now()"
            " FROM watch_probe p, generate_series(1, %s) k ORDER BY p.id, k LIMIT %s", [OF_A_PAGE, count],
        )  # fmt: skip
        ids = np.array([r[0] for r in db.execute("SELECT id FROM watch_series ORDER BY id")], dtype=np.int32)
        with bench.progress(f"写入 {count:,} 条序列一年的数字", DAYS) as done:
            for number in range(DAYS, 0, -1):
                with db.cursor() as cursor, cursor.copy("COPY watch_roll FROM STDIN (FORMAT BINARY)") as into:
                    into.write(_day(ids, today - dt.timedelta(days=number)))
                done(DAYS - number + 1)
        db.execute("VACUUM ANALYZE watch_roll")
    with bench.timed("算出平常值"):
        measurements.learn()
    database.mark_ready()


def _day(ids: np.ndarray[Any, Any], day: dt.date) -> bytes:
    """One day of all series in COPY's binary form, in the order in which a hospital would write it."""
    rng = np.random.default_rng(day.toordinal())
    rows = np.zeros(len(ids), dtype=_ROLL)
    rows["k"], rows["sl"], rows["dl"] = 7, 4, 4
    rows["series"], rows["day"] = ids, (day - dt.date(2000, 1, 1)).days
    busy = 1 + 0.8 * np.exp(-(((np.arange(24) - 10) / 3.0) ** 2)) * (0.4 if day.weekday() >= 5 else 1.0)
    middle = (10 + ids[:, None] % 90) * busy[None, :] * rng.normal(1, 0.05, (len(ids), 24))
    for name, oid, width, values in (
        ("n", 21, 2, np.full(middle.shape, 60)), ("lo", 700, 4, middle * 0.8), ("mid", 700, 4, middle),
        ("hi", 700, 4, middle * 1.4), ("avg", 700, 4, middle * 1.02),
    ):  # fmt: skip
        rows[f"{name}_l"] = 20 + 24 * (4 + width)
        rows[f"{name}_h"] = (1, 0, oid, 24, 1)
        rows[name]["l"], rows[name]["v"] = width, values
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _charts(bench: Bench, count: int) -> Timings:
    """The whole page: reading, thinning, drawing, rendering."""
    from django.template.loader import render_to_string
    from django.utils import timezone

    from xingwei.operations.watch.models import Probe
    from xingwei.operations.watch.views.probes import drawn

    timings = Timings("一页十张图，一年")
    rng = random.Random(1)
    codes = [
        f"p{rng.randint(1, max(count // OF_A_PAGE, 1))}" for _ in range(QUICK_PAGES if bench.options.quick else PAGES)
    ]

    def page(code: str) -> None:
        now = timezone.now()
        probe = Probe.objects.select_related("now", "system", "function").get(code=code)
        found = drawn(probe, now - dt.timedelta(days=DAYS), now)
        assert len(found) == OF_A_PAGE
        assert not found[0]["empty"]
        render_to_string("watch/parts/charts.html", {"charts": found})

    page(codes[0])
    for code in codes:
        measured(timings, lambda code=code: page(code))
    return timings


async def _cost(bench: Bench) -> float:
    """Milliseconds of a database's time that one look takes, everything asked that the product asks."""
    from xingwei.base.runtime import embedded
    from xingwei.operations.watch.probes.base import Task, kind

    settings = _sql_settings(embedded.uri(bench.pgdata, "postgres"))
    task = Task("bench", settings, 5.0)
    look = kind("sql").look
    assert look is not None
    costs = []
    for _ in range(ASKED):
        looked = await look(task)
        assert looked.ok, looked.said
        costs.append(looked.values["db.cost_ms"])
    task.memory["database"].close()
    return sum(costs[5:]) / len(costs[5:])


def _sql_settings(uri: str) -> dict[str, Any]:
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(uri)
    found = {"engine": "postgresql", "host": str(parts.get("host", "")), "database": str(parts["dbname"])}
    return (
        found
        | ({"user": str(parts["user"])} if parts.get("user") else {})
        | ({"port": int(str(parts["port"]))} if parts.get("port") else {})
    )


def _rate(bench: Bench, database: Database) -> tuple[float, float, int]:
    """(looks a minute, processor milliseconds a look, looks that began late)."""
    from xingwei.base.runtime import embedded

    seconds = QUICK_SECONDS if bench.options.quick else SECONDS
    answering = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.wire.answering"], cwd=REPO, stdout=subprocess.PIPE, text=True
    )
    try:
        assert answering.stdout is not None
        http, mllp = json.loads(answering.stdout.readline())
        _furnish(database, http, mllp, _sql_settings(embedded.uri(bench.pgdata, "postgres")))
        with bench.timed(f"拨测 {seconds:g} 秒"):
            return asyncio.run(_watch(database.uri, seconds))
    finally:
        answering.kill()
        answering.wait()
        with database.connect() as db:
            db.execute("DELETE FROM watch_series WHERE key LIKE 'bench-%%'")
            db.execute("DELETE FROM watch_probechange; DELETE FROM watch_probestate")
            db.execute("DELETE FROM watch_probe WHERE code LIKE 'bench-%%'")
            db.execute(
                "UPDATE watch_lease SET process_id = NULL, expires_at = NULL; DELETE FROM watch_process; DELETE FROM watch_blind"
            )


def _furnish(database: Database, http: int, mllp: int, sql: dict[str, Any]) -> None:
    kinds = [("tcp", {"host": "127.0.0.1", "port": http})] * 12 + [
        ("http", {"url": f"http://127.0.0.1:{http}/", "expect": {"json": {"ok": True}}})
    ] * 5
    kinds += [("mllp", {"host": "127.0.0.1", "port": mllp})] * 2 + [("sql", sql)]
    rows = []
    for number in range(PROBES):
        kind, settings = kinds[number % len(kinds)]
        every = 60 if kind == "sql" else EVERY_S  # one connection each, asked as often as in life
        rows.append((f"bench-{number}", kind, json.dumps(settings), every))
    rows = [r for n, r in enumerate(rows) if r[1] != "sql" or n < 40 * len(kinds)]
    with database.connect() as db, db.cursor() as cursor:
        cursor.execute("DELETE FROM watch_probe WHERE code LIKE 'bench-%%'")
        cursor.executemany(
            "INSERT INTO watch_probe (code, name, kind, node, settings, limits, every_s, timeout_s, fails, severity, active,"
            " note, version, updated_at) VALUES (%s, '拨测', %s, 'component:X', %s, '[]', %s, 1.5, 2, 3, true, '', 1, now())",
            rows,
        )


async def _watch(uri: str, seconds: float) -> tuple[float, float, int]:
    from xingwei.operations.watch.runner.process import Watcher

    stop = asyncio.Event()
    watcher = Watcher(uri, "bench")
    running = asyncio.create_task(watcher.run(stop))
    await watcher.ready.wait()
    for _ in range(100):
        if watcher.probes and watcher.done > len(watcher.probes) // 2:
            break
        await asyncio.sleep(0.1)
    began, done, cpu = time.perf_counter(), watcher.done, time.process_time()
    await asyncio.sleep(seconds)
    took, looks, worked = time.perf_counter() - began, watcher.done - done, time.process_time() - cpu
    late = watcher._late
    stop.set()
    await running
    assert watcher.store.dropped == 0, "numbers were lost"
    return 60 * looks / took, 1000 * worked / max(looks, 1), late
