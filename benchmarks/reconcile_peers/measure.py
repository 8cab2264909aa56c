"""One method over two files in a process of its own: {"seconds", "cpu", "peak_mb", "found"} on the last line.

    python measure.py METHOD LEFT RIGHT

seconds: without starting Python and importing. found: how many of each kind the method tells apart, where it does.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

COLUMNS = (
    "setl_id",
    "mdtrt_id",
    "psn_no",
    "insutype",
    "clr_type",
    "setl_optins",
    "medfee",
    "fund",
    "acct",
    "refd",
    "setl_time",
)
MONEY = ("medfee", "fund", "acct")
THREADS = 2


def scan(path: str) -> str:
    if path.endswith(".csv"):
        types = ", ".join(f"'{c}': '{_type(c)}'" for c in COLUMNS)
        return (
            f"read_csv('{path}', header = true, delim = ',', quote = '\"', auto_detect = false, columns = {{{types}}})"
        )
    return f"read_parquet('{path}')"


def _type(column: str) -> str:
    return "DECIMAL(18,2)" if column in MONEY else "TIMESTAMP" if column == "setl_time" else "VARCHAR"


def duck() -> Any:
    import duckdb

    con = duckdb.connect()
    con.execute(f"SET threads = {THREADS}; SET preserve_insertion_order = false; SET enable_progress_bar = false")
    return con


def floor(left: str, right: str) -> dict[str, int]:
    """Decode every column of both files and do the least with it that keeps DuckDB from leaving it out."""
    con = duck()
    least = ", ".join(
        f"sum({c})" if c in MONEY else f"max(epoch_us({c}))" if c == "setl_time" else f"sum(strlen({c}))"
        for c in COLUMNS
    )
    con.execute(f"SELECT {least} FROM {scan(left)} UNION ALL SELECT {least} FROM {scan(right)}").fetchall()
    return {}


def duckdb_join(left: str, right: str) -> dict[str, int]:
    """By hand: a full join of all columns, and the numbers that are there twice."""
    con = duck()
    differs = " OR ".join(f"l.{c} IS DISTINCT FROM r.{c}" for c in COLUMNS[1:])
    rows = con.execute(
        f"SELECT CASE WHEN l.setl_id IS NULL THEN 'only_right' WHEN r.setl_id IS NULL THEN 'only_left' ELSE 'differs' END,"
        f" count(*) FROM {scan(left)} l FULL JOIN {scan(right)} r ON l.setl_id = r.setl_id"
        f" WHERE l.setl_id IS NULL OR r.setl_id IS NULL OR {differs} GROUP BY 1"
    ).fetchall()
    found = {kind: int(count) for kind, count in rows}
    for kind, path in (("duplicate_left", left), ("duplicate_right", right)):
        twice = con.execute(
            f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {scan(path)} GROUP BY setl_id HAVING count(*) > 1)"
        ).fetchone()
        found[kind] = int(twice[0])
    return found


def polars_join(left: str, right: str) -> dict[str, int]:
    import polars as pl

    read = pl.scan_csv if left.endswith(".csv") else pl.scan_parquet
    a, b = (read(p).with_columns(pl.lit(True).alias("here")) for p in (left, right))
    joined = a.join(b, on="setl_id", how="full", suffix="_r")
    differs = pl.any_horizontal([pl.col(c).ne_missing(pl.col(f"{c}_r")) for c in COLUMNS[1:]])
    kinds = joined.filter(differs | pl.col("here").is_null() | pl.col("here_r").is_null()).select(
        pl.col("here").is_null().sum().alias("only_right"),
        pl.col("here_r").is_null().sum().alias("only_left"),
        pl.len().alias("all"),
    )
    found = kinds.collect(engine="streaming").row(0, named=True)
    twice = [
        f.group_by("setl_id").len().select((pl.col("len") - 1).sum()).collect(engine="streaming").item() for f in (a, b)
    ]
    return {
        "only_left": found["only_left"], "only_right": found["only_right"],
        "differs": found["all"] - found["only_left"] - found["only_right"],
        "duplicate_left": int(twice[0]), "duplicate_right": int(twice[1]),
    }  # fmt: skip


def _pandas(path: str) -> Any:
    import pandas as pd

    made = (
        pd.read_csv(path, dtype={c: str for c in COLUMNS if c not in MONEY})
        if path.endswith(".csv")
        else pd.read_parquet(path)
    )
    return made.astype(dict.fromkeys(MONEY, "float64"))


def pandas_merge(left: str, right: str) -> dict[str, int]:
    a, b = _pandas(left), _pandas(right)
    both = a.merge(b, on="setl_id", how="outer", suffixes=("", "_r"), indicator=True)
    matched = both[both["_merge"] == "both"]
    unequal = sum((matched[c] != matched[f"{c}_r"]) for c in COLUMNS[1:]) > 0
    return {
        "only_left": int((both["_merge"] == "left_only").sum()), "only_right": int((both["_merge"] == "right_only").sum()),
        "differs": int(unequal.sum()), "duplicate_left": int(a.setl_id.duplicated().sum()),
        "duplicate_right": int(b.setl_id.duplicated().sum()),
    }  # fmt: skip


def datacompy_pandas(left: str, right: str) -> dict[str, int]:
    from datacompy import PandasCompare

    return _compared(PandasCompare(_pandas(left), _pandas(right), join_columns="setl_id"))


def datacompy_polars(left: str, right: str) -> dict[str, int]:
    import polars as pl
    from datacompy import PolarsCompare

    read = pl.read_csv if left.endswith(".csv") else pl.read_parquet
    a, b = (read(p).with_columns(pl.col(MONEY).cast(pl.Float64)) for p in (left, right))
    return _compared(PolarsCompare(a, b, join_columns="setl_id"))


def _compared(done: Any) -> dict[str, int]:
    return {
        "only_left": len(done.df1_unq_rows), "only_right": len(done.df2_unq_rows),
        "differs": len(done.all_mismatch(ignore_matching_cols=True)),
    }  # fmt: skip


def sqlmesh_diff(left: str, right: str) -> dict[str, int]:
    """Its tables have to be in the database first; that is counted, as reading is for all others."""
    import duckdb
    from sqlmesh.core.engine_adapter.duckdb import DuckDBEngineAdapter
    from sqlmesh.core.table_diff import TableDiff

    con = duckdb.connect()
    con.execute(f"SET threads = {THREADS}; SET enable_progress_bar = false")
    con.execute(f"CREATE TABLE l AS FROM {scan(left)}; CREATE TABLE r AS FROM {scan(right)}")
    adapter = DuckDBEngineAdapter(lambda *_a, **_k: con)
    rows = TableDiff(
        adapter=adapter, source="l", target="r", source_alias="l", target_alias="r", on=["setl_id"]
    ).row_diff()
    stats = rows.stats
    return {
        "only_left": int(stats["s_only_count"]), "only_right": int(stats["t_only_count"]),
        "differs": int(stats["join_count"] - stats["full_match_count"]),
    }  # fmt: skip


METHODS: dict[str, Callable[[str, str], dict[str, int]]] = {
    f.__name__: f
    for f in (floor, duckdb_join, polars_join, pandas_merge, datacompy_pandas, datacompy_polars, sqlmesh_diff)
}
_IMPORTS = {
    "polars_join": "polars", "pandas_merge": "pandas", "datacompy_pandas": "datacompy", "datacompy_polars": "datacompy",
    "sqlmesh_diff": "sqlmesh",
}  # fmt: skip


def main() -> None:
    method, left, right = sys.argv[1:]
    __import__(_IMPORTS.get(method, "duckdb"))
    wall, cpu = time.perf_counter(), time.process_time()
    found = METHODS[method](left, right)
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "found": found}))


if __name__ == "__main__":
    main()
