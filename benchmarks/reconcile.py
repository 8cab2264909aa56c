"""./bench reconcile: two books with all kinds of differences, beside other tools and the floor (decoding the columns).

Every run is a process of its own; what is compared runs in turns, so that a busy machine slows all alike. The truth is
written with the data: `wrong` counts planted rows that were missed, invented or misnamed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
from rich.table import Table

from .frame import HOME, REPO, Bench, Outcome

PEERS = Path(__file__).with_name("reconcile_peers")
MEASURE = PEERS / "measure.py"
DATA = HOME / "reconcile"
FORM = 2  # of the data; another one makes them anew
PARTS = 100
_KINDS = ("only_left", "only_right", "differs", "duplicate_left", "duplicate_right")
_TITLES = {
    "floor": "下限：解开各列", "xingwei": "杏维", "duckdb_join": "手写 DuckDB 全连接", "polars_join": "Polars 全连接",
    "pandas_merge": "pandas merge", "datacompy_pandas": "datacompy（pandas）", "datacompy_polars": "datacompy（Polars）",
    "sqlmesh_diff": "sqlmesh table diff",
}  # fmt: skip
_BOOK = """SELECT i, 'S' || lpad((hash(i, 1) % 1000000000000000000)::VARCHAR, 18, '0') || lpad(i::VARCHAR, 11, '0') AS setl_id,
 'M' || lpad((hash(i // 2, 2) % 1000000000000)::VARCHAR, 29, '0') AS mdtrt_id,
 'P' || lpad((hash(i % 300000, 3) % 1000000000000)::VARCHAR, 29, '0') AS psn_no,
 ['310', '390', '340'][1 + (hash(i, 4) % 3)::INTEGER] AS insutype, ['11', '14', '21', '9909'][1 + (hash(i, 5) % 4)::INTEGER] AS clr_type,
 '430100' AS setl_optins, ((hash(i, 6) % 1000000) / 100.0)::DECIMAL(18,2) AS medfee,
 ((hash(i, 7) % 500000) / 100.0)::DECIMAL(18,2) AS fund, ((hash(i, 8) % 100000) / 100.0)::DECIMAL(18,2) AS acct, '0' AS refd,
 TIMESTAMP '2026-03-01' + to_seconds((i * 2592000.0 / {rows})::BIGINT) AS setl_time, (hash(i, 9) % 4000)::INTEGER AS c,
 (hash(i, 10) % 20000)::INTEGER AS d FROM range({since}, {until}) t(i)"""
_KIND = """CASE WHEN c = 0 THEN 'only_left' WHEN c = 1 THEN 'only_right' WHEN c = 2 OR (c = 3 AND d % 2 = 0) THEN 'differs'
 WHEN d = 4 THEN 'duplicate_left' WHEN d = 5 THEN 'duplicate_right' END"""
_COLUMNS = "setl_id, mdtrt_id, psn_no, insutype, clr_type, setl_optins, medfee, fund, acct, refd, setl_time"


def run(bench: Bench) -> Outcome:
    quick = bench.options.quick
    if bench.options.rows:
        return _one_size(bench, bench.options.rows)
    small, large = (200_000, 2_000_000) if quick else (1_000_000, 10_000_000)
    environments = {} if bench.options.alone else _environments(bench)
    book = _book(bench, small, csv=not quick)
    peers = ["duckdb_join", *(m for m in _TITLES if m in environments)]
    one = _rounds(bench, book, ["floor", "xingwei", *peers], 3 if quick else 5, environments, slow=1 if quick else 3)
    ten = _rounds(bench, _book(bench, large), ["floor", "xingwei"], 1 if quick else 3, environments)
    numbers = _numbers(one, ten)
    numbers |= {
        "wrong": one["xingwei"]["wrong"] + ten["xingwei"]["wrong"], "rerun_share": _rerun(bench, small if quick else large),
        "linear": round(ten["xingwei"]["seconds"] / one["xingwei"]["seconds"] / (large / small), 2),
        "rows_1m": small, "rows_10m": large,
    }  # fmt: skip
    tables = [_table(f"{small:,} 行一侧，Parquet", one), _table(f"{large:,} 行一侧，Parquet", ten)]
    if not quick:
        csv = _rounds(
            bench, {k: v.replace(".parquet", ".csv") for k, v in book.items()}, ["floor", "xingwei"], 3, environments
        )
        numbers["floor_ratio_csv_1m"] = _ratio(csv, "floor")
        tables.append(_table(f"{small:,} 行一侧，CSV", csv))
    return Outcome(numbers, tables, _notes(numbers, quick))


def _notes(numbers: dict[str, Any], quick: bool) -> list[str]:
    notes = ["时间不含启动 Python 和装入程序库；每次一个进程，轮流跑，取中位数。文件的摘要由湖给出，不在其中。"]
    notes += ["小数据的倍数偏大：固定的几十毫秒占得多。"] if quick else []
    ratio = max(numbers["floor_ratio_1m"], numbers["floor_ratio_10m"])
    return [*notes, f"目标：下限的 3 倍以内，{'达到' if ratio <= 3 else '没有达到'}。"]


def _one_size(bench: Bench, rows: int) -> Outcome:
    """Any size, the product and the floor alone: for 100 million on disk."""
    done = _rounds(bench, _book(bench, rows), ["floor", "xingwei"], 1, {})
    ours = done["xingwei"]
    numbers = {
        "rows": rows, "floor_ratio": _ratio(done, "floor"), "seconds": round(ours["seconds"], 2),
        "peak_gb": round(ours["peak_mb"] / 1024, 2), "wrong": ours["wrong"],
    }  # fmt: skip
    return Outcome(numbers, [_table(f"{rows:,} 行一侧", done)])


def _numbers(one: dict[str, Any], ten: dict[str, Any]) -> dict[str, Any]:
    best = [m for m in ("datacompy_pandas", "datacompy_polars") if m in one]
    compy = min((one[m]["seconds"] for m in best), default=None)
    return {
        "floor_ratio_1m": _ratio(one, "floor"),
        "floor_ratio_10m": _ratio(ten, "floor"),
        "vs_datacompy_1m": round(compy / one["xingwei"]["seconds"], 2) if compy else None,
        "vs_duckdb_join_1m": round(one["duckdb_join"]["seconds"] / one["xingwei"]["seconds"], 2),
        "peak_gb_10m": round(ten["xingwei"]["peak_mb"] / 1024, 2),
        "floor_ratio_cpu_1m": round(one["xingwei"]["cpu"] / one["floor"]["cpu"], 2),
        "floor_ratio_cpu_10m": round(ten["xingwei"]["cpu"] / ten["floor"]["cpu"], 2),
    }


def _ratio(done: dict[str, Any], to: str) -> float:
    return round(float(done["xingwei"]["seconds"] / done[to]["seconds"]), 2)


def _rounds(
    bench: Bench,
    book: dict[str, str],
    methods: list[str],
    rounds: int,
    environments: dict[str, Path],
    slow: int | None = None,
) -> dict[str, Any]:
    """Median of each method. slow: rounds of the peers, which take long."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with bench.progress("对账", rounds * len(methods)) as tick:
        for n in range(rounds):
            for k, method in enumerate(methods):
                if method in {"floor", "xingwei", "duckdb_join"} or slow is None or n < slow:
                    runs[method].append(_process(method, book, environments))
                tick(n * len(methods) + k + 1)
    out = {}
    for method, done in runs.items():
        out[method] = {key: statistics.median(d[key] for d in done) for key in ("seconds", "cpu", "peak_mb")} | {
            "found": done[-1]["found"], "least": min(d["seconds"] for d in done), "most": max(d["seconds"] for d in done)
        }  # fmt: skip
        out[method]["wrong"] = _wrong(book, done[-1]) if method == "xingwei" else _miscounted(book, done[-1]["found"])
    return out


def _process(method: str, book: dict[str, str], environments: dict[str, Path]) -> dict[str, Any]:
    if method == "xingwei":
        return _ours(DATA / "out", "-", [book["left"]], [book["right"]])
    python = str(environments.get(method, Path(sys.executable)))
    return _last_line([python, str(MEASURE), method, book["left"], book["right"]])


def _ours(out: Path, cache: str, left: list[str], right: list[str]) -> dict[str, Any]:
    return _last_line(
        [sys.executable, "-m", "benchmarks.reconcile_run", str(out), cache, ",".join(left), ",".join(right)]
    )


def _last_line(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        command, check=False, cwd=REPO, capture_output=True, text=True, env={**os.environ, "POLARS_MAX_THREADS": "2"}
    )
    if done.returncode:
        raise SystemExit(f"{command[1]} {command[2]} 没有跑成：{done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _wrong(book: dict[str, str], ours: dict[str, Any]) -> int:
    """Planted rows missed, invented or misnamed."""
    with duckdb.connect() as con:
        row = con.execute(
            "SELECT count(*) FROM (SELECT coalesce(fields->'left'->>'setl_id', fields->'right'->>'setl_id') AS setl_id, kind,"
            f" count(*) AS n FROM '{ours['differences']}' GROUP BY ALL) o"
            f" FULL JOIN (SELECT setl_id, kind, count(*) AS n FROM '{book['truth']}' GROUP BY ALL) t"
            " USING (setl_id, kind, n) WHERE o.n IS NULL OR t.n IS NULL"
        ).fetchone()
    assert row is not None
    return int(row[0]) + (ours["residual"] not in {"0", "0.00"})


def _miscounted(book: dict[str, str], found: dict[str, int]) -> int | None:
    """By how much the counts of the kinds are off, for those that cannot say which rows; None for the floor."""
    if not found:
        return None
    with duckdb.connect() as con:
        truth = dict(con.execute(f"SELECT kind, count(*) FROM '{book['truth']}' GROUP BY kind").fetchall())
    return sum(abs(truth.get(kind, 0) - found.get(kind, 0)) for kind in _KINDS)


def _book(bench: Bench, rows: int, *, csv: bool = False) -> dict[str, str]:
    """Two files and the truth, made once."""
    place = DATA / f"{FORM}-{rows}"
    made = {name: str(place / f"{name}.parquet") for name in ("left", "right", "truth")}
    if not (place / "ready").exists():
        place.mkdir(parents=True, exist_ok=True)
        with bench.timed(f"两本账各 {rows:,} 行（只生成一次）"), duckdb.connect() as con:
            con.execute(
                f"SET threads = 2; SET memory_limit = '4GB'; SET temp_directory = '{place / 'spill'}'; SET enable_progress_bar = false"
            )
            _write(con, rows, made)
        (place / "ready").touch()
    if csv and not (place / "left.csv").exists():
        with duckdb.connect() as con:
            for name in ("right", "left"):
                con.execute(f"COPY (FROM '{made[name]}') TO '{place / f'{name}.csv'}' (FORMAT csv, HEADER)")
    return made


def _write(con: duckdb.DuckDBPyConnection, rows: int, made: dict[str, str]) -> None:
    book = f"(SELECT *, {_KIND} AS kind FROM ({_BOOK.format(rows=rows, since=0, until=rows)}))"
    con.execute(f"COPY (SELECT setl_id, kind FROM {book} WHERE kind IS NOT NULL) TO '{made['truth']}' (FORMAT parquet)")
    con.execute(f"COPY ({_side(book, 'left')}) TO '{made['left']}' (FORMAT parquet)")
    order = " ORDER BY hash(setl_id)" if rows <= 20_000_000 else ""
    con.execute(f"COPY ({_side(book, 'right')}{order}) TO '{made['right']}' (FORMAT parquet)")


def _side(book: str, side: str) -> str:
    """The rows of a side: without those that only the other has, its duplicates twice, the right's amounts changed."""
    other = "only_right" if side == "left" else "only_left"
    columns = _COLUMNS
    if side == "right":
        changed = (
            "CASE WHEN kind = 'differs' THEN medfee + CASE WHEN i % 2 = 0 THEN 0.01 ELSE 12.34 END ELSE medfee END"
        )
        columns = columns.replace("medfee", f"({changed})::DECIMAL(18,2) AS medfee")
    return (
        f"SELECT {columns} FROM (SELECT *, unnest(range(CASE WHEN kind = 'duplicate_{side}' THEN 2 ELSE 1 END)) AS again FROM {book}"
        f" WHERE kind IS DISTINCT FROM '{other}')"
    )


def _rerun(bench: Bench, rows: int) -> float:
    """A repeated run over sides of a hundred files, of which one changed: its share of the time of the first run."""
    place, cache = DATA / f"{FORM}-{rows}-parts", DATA / "cache"
    _parts(bench, rows, place)
    left, right = (sorted(str(p) for p in place.glob(f"{side}-*.parquet")) for side in ("left", "right"))
    shares = []
    for n in range(1 if bench.options.quick else 3):
        subprocess.run(["rm", "-rf", str(cache)], check=True)
        first = _ours(DATA / "out", str(cache), left, right)
        changed = place / f"changed-{n}.parquet"
        with duckdb.connect() as con:
            con.execute(
                f"COPY (SELECT * REPLACE ((medfee + (hash(setl_id, {n}) % 1000 = 0)::INTEGER)::DECIMAL(18,2) AS medfee)"
                f" FROM '{right[7]}')"
                f" TO '{changed}' (FORMAT parquet)"
            )
        again = _ours(DATA / "out", str(cache), left, [str(changed), *right[:7], *right[8:]])
        plain = _ours(DATA / "plain", "-", left, [str(changed), *right[:7], *right[8:]])
        if again["found"] != plain["found"]:
            raise SystemExit("重跑的结果与从头算的不同。")
        shares.append(again["seconds"] / min(first["seconds"], plain["seconds"]))
        changed.unlink()
    return round(statistics.median(shares), 3)


def _parts(bench: Bench, rows: int, place: Path) -> None:
    if (place / "ready").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    with bench.timed(f"两本账各 {PARTS} 个文件（只生成一次）"), duckdb.connect() as con:
        con.execute("SET threads = 2; SET enable_progress_bar = false")
        for part in range(PARTS):
            since, until = part * rows // PARTS, (part + 1) * rows // PARTS
            book = f"(SELECT *, {_KIND} AS kind FROM ({_BOOK.format(rows=rows, since=since, until=until)}))"
            for side in ("left", "right"):
                con.execute(f"COPY ({_side(book, side)}) TO '{place / f'{side}-{part:03}.parquet'}' (FORMAT parquet)")
    (place / "ready").touch()


def _environments(bench: Bench) -> dict[str, Path]:
    """method → Python of the environment that has it; made once, again when the pinned versions change."""
    compare = _environment(bench, HOME / "reconcile-peers", PEERS / "requirements.txt")
    sqlmesh = _environment(bench, HOME / "reconcile-sqlmesh", PEERS / "sqlmesh.txt")
    out = {m: compare for m in ("polars_join", "pandas_merge", "datacompy_polars", "datacompy_pandas") if compare}
    return {m: p for m, p in {**out, "sqlmesh_diff": sqlmesh}.items() if p}


def _environment(bench: Bench, place: Path, wanted: Path) -> Path | None:
    python, stamp = place / "bin" / "python", place / "made-from.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return python
    with bench.timed(f"对照程序的环境 {wanted.stem}（从 PyPI 安装）"):
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True, capture_output=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "-q", "--no-deps", "-r", str(wanted)],
                check=True,
                capture_output=True,
                text=True,
            )
        except subprocess.CalledProcessError as error:
            bench.say(f"没有装上，不比较：{str(error.stderr)[-300:]}")
            return None
    stamp.write_text(wanted.read_text())
    return python


def _table(title: str, done: dict[str, Any]) -> Table:
    table = Table(title=title)
    for column in ("", "秒（中位）", "最快至最慢", "处理器秒", "下限的倍数", "内存 MB", "错多少"):
        table.add_column(column, justify="right" if column else "left")
    for method, d in sorted(done.items(), key=lambda item: item[1]["seconds"]):
        wrong = "—" if d["wrong"] is None else f"{d['wrong']:,}"
        table.add_row(
            _TITLES[method], f"{d['seconds']:.3f}", f"{d['least']:.3f} – {d['most']:.3f}", f"{d['cpu']:.3f}",
            f"{d['seconds'] / done['floor']['seconds']:.2f}", f"{d['peak_mb']:,.0f}", wrong,
        )  # fmt: skip
    return table
