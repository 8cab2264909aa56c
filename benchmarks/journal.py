"""./bench journal: a million entries sealed, then the whole chain verified.

Entries go in by COPY, with the very fields that services.record() writes; the database's own trigger queues them, as it
does for any insert. They are sealed by sealing.seal() (SM3 chain, a signed head every thousand rows) and verified by
verifying.verify(), all with the product's settings. Beside that: what record() costs an act.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

from rich.table import Table

from .frame import AllProcessors, Bench, Outcome, Timings, machine, measured, migrate, timing_table, use

FULL, QUICK = 1_000_000, 100_000
GOAL_S = 60.0
ACTS = 500
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PEOPLE = [
    (n, f"{family}{given}")
    for n, (family, given) in enumerate(zip("王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋", strict=True), 1)
]
MOVES = ("accept", "respond", "arrive", "resolve", "confirm", "assign", "note", "edit")


def run(bench: Bench) -> Outcome:
    rows = bench.options.rows or (QUICK if bench.options.quick else FULL)
    database = bench.database("journal", rows, made_by="1")
    database.create()  # each run seals anew
    use(database)
    try:
        return _measure(bench, rows)
    finally:
        database.drop()


def _measure(bench: Bench, rows: int) -> Outcome:
    from django.db import connection

    from xingwei.base.journal import options, sealing, verifying

    migrate()
    shutil.rmtree(options.local_heads(), ignore_errors=True)  # those of an earlier run are of another chain
    with bench.timed(f"写入 {rows:,} 条") as written, connection.cursor() as cursor:
        _write(cursor, rows)
        cursor.execute("ANALYZE journal_entry")
    with bench.progress("封存", rows) as progress, Clock() as sealed:
        count = sealing.seal(progress=progress)
    processors = AllProcessors(bench)
    began = processors.seconds()
    with bench.progress("校验", rows) as progress, Clock() as verified:
        report = verifying.verify(progress=lambda done, total: progress(done))
    worked = processors.seconds() - began
    if not report.intact or report.verdict.checked != rows or count != rows:
        raise SystemExit(f"校验没有通过：{report.sentence}")
    caught = _tampering_is_found(rows)
    acts = _acts()
    table = Table(title="审计日志", title_justify="left")
    for name in ("做什么", "条", "秒", "条/秒"):
        table.add_column(name, justify="left" if name == "做什么" else "right")
    for label, seconds in (("写入（COPY）", written.seconds), ("封存", sealed.seconds), ("校验", verified.seconds)):
        table.add_row(label, f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}")
    numbers = {
        "benchmark": "journal", "entries": rows, "verify_s": round(verified.seconds, 2), "verify_cpu_s": round(worked, 2), "goal_s": GOAL_S,
        "seal_s": round(sealed.seconds, 2), "seal_per_s": round(rows / sealed.seconds), "heads": report.heads,
        "record_ms": round(acts[1].p50 - acts[0].p50, 3), "bytes_per_entry": round(database_size() / rows), **machine(),
    }  # fmt: skip
    notes = [
        f"校验时处理器一共工作了 {worked:.1f} 秒（本进程与数据库合计）。",
        f"校验对着 {report.heads:,} 个签了名的链头；改动第 {caught:,} 条的摘要后再校验，指出的正是这一条。",
        "record() 的代价 = 有它与没有它的同一个事务之差；事务提交时等磁盘（fsync 打开）。",
    ]
    return Outcome(numbers, [table, timing_table("一个动作的事务", acts)], notes)


def _write(cursor: Any, rows: int) -> None:
    """Straight into the table, a portion in each statement as a busy day would have them."""
    entries = _entries(rows)
    columns = "at, actor_id, actor_name, organisation, address, via, act, target_type, target_id, target_label, summary, before, after"
    while portion := list(islice(entries, 20_000)):
        with cursor.copy(f"COPY journal_entry ({columns}) FROM STDIN") as copy:
            copy.write("".join(portion))


def _entries(rows: int) -> Iterator[str]:
    random = Random(5)
    for n in range(rows):
        number = f"2603-{n % 90_000 + 100}"
        move = MOVES[n % len(MOVES)]
        pk, name = PEOPLE[n % len(PEOPLE)]
        at = (START + dt.timedelta(seconds=n * 15)).isoformat()
        before = json.dumps({"state": "待响应"}, ensure_ascii=False)
        after = json.dumps(
            {"state": "处理中", "note": f"已联系，{random.randrange(1, 60)} 分钟内到场"}, ensure_ascii=False
        )
        fields = (
            at, str(pk), name, "锦云医信", f"10.0.{n % 200}.8", "page", f"desk.case.{move}", "desk.case", str(n % 90_000 + 1),
            f"{number} 医保无法收费", f"响应：{number} 医保无法收费，返回“中心处理超时”", before, after,
        )  # fmt: skip
        yield "\t".join(fields).replace("\\", "\\\\") + "\n"


class Clock:
    """Seconds of a with block."""

    def __enter__(self) -> Clock:
        import time

        self._now = time.perf_counter
        self._start = self._now()
        self.seconds = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = self._now() - self._start


def _tampering_is_found(rows: int) -> int:
    """Change one entry as the database's superuser could, and have it found. A verification that finds nothing is fast."""
    from django.db import connection, transaction

    from xingwei.base.journal import verifying

    seq = rows // 2
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE journal_entry SET summary = summary || '。'"
            " WHERE id = (SELECT entry_id FROM journal_seal WHERE seq = %s)",
            [seq],
        )
        problem = verifying.verify(first=max(1, seq - 1_500), last=min(rows, seq + 1_500)).verdict.problem
        transaction.set_rollback(True)
    if problem is None or problem.seq != seq:
        raise SystemExit(f"改动第 {seq} 条没有被指出：{problem}")
    return seq


def _acts() -> list[Timings]:
    """The same small write without and with record()."""
    from django.db import connection, transaction

    from xingwei.base.journal.services import record
    from xingwei.base.policy.engine import system_actor

    actor = system_actor("bench")
    bare, recorded = Timings("只写一行"), Timings("写一行，并 record()")

    def act(*, with_record: bool) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO journal_bench (what) VALUES ('x')")
            if with_record:
                record(
                    actor, "desk.case.respond", ("desk.case", "1", "2603-187"), "响应：2603-187 医保无法收费",
                    before={"state": "待响应"}, after={"state": "处理中"},
                )  # fmt: skip

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE journal_bench (id bigserial PRIMARY KEY, what text)")
    for _ in range(ACTS):  # by turns, so that a busy moment of the machine meets both
        measured(bare, lambda: act(with_record=False))
        measured(recorded, lambda: act(with_record=True))
    return [bare, recorded]


def database_size() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(c)) FROM unnest(ARRAY['journal_entry', 'journal_seal']::regclass[]) c"
        )
        return int(cursor.fetchone()[0])
