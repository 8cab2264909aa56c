"""One way to ask the datasets: a session on DuckDB here, on Spark where a region outgrows one machine.

    with session.opened(memory_mb=512) as lake:
        lake.sql("SELECT department, sum(amount) FROM charge WHERE charged_at >= $since GROUP BY ALL", {"since": …})

Text is judged and rewritten by `engine.compile`; the same text runs on Spark (`session_spark.over`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from .engine import compile
from .engine.datasets import ZONE, Dataset, datasets
from .queries.parts import parts

FIRST, LAST = dt.date(1990, 1, 1), dt.date(2100, 1, 1)


class Session:
    """DuckDB over the committed files, in memory, shut off from everything else. Not for several threads at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, since: dt.date, until: dt.date) -> None:
        self.connection = connection
        self.since, self.until = since, until
        self._known: set[str] = set()

    def sql(self, text: str, params: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyRelation:
        """The answer to one SELECT over datasets, $name for parameters. Raises compile.Misunderstood."""
        tree = compile.read(text)
        for name in compile.tables(tree):
            self._know(datasets()[name])
        try:
            return self.connection.sql(compile.write(tree, "duckdb"), params=dict(params or {}))
        except duckdb.Error as error:
            raise compile.Misunderstood(f"查询不能执行：{str(error).strip().splitlines()[0][:300]}") from None

    def relation(
        self, dataset: str, since: dt.date | None = None, until: dt.date | None = None
    ) -> duckdb.DuckDBPyRelation:
        """All rows of a dataset's days. Raises KeyError for an unknown dataset."""
        paths = [p.path for p in parts(dataset, since or self.since, until or self.until)]
        return self.connection.sql(scan(datasets()[dataset], paths))

    def _know(self, dataset: Dataset) -> None:
        if dataset.code not in self._known:
            paths = [p.path for p in parts(dataset.code, self.since, self.until)]
            self.connection.execute(f'CREATE VIEW "{dataset.code}" AS {scan(dataset, paths)}')
            self._known.add(dataset.code)


def scan(dataset: Dataset, paths: Iterable[Path]) -> str:
    """DuckDB's SELECT over the files, with the dataset's columns and types also where there is no file."""
    listed = ", ".join("'" + str(p).replace("'", "''") + "'" for p in paths)
    columns = dataset.columns
    if not listed:
        return "SELECT " + ", ".join(f'CAST(NULL AS {t}) AS "{n}"' for n, t in columns.items()) + " LIMIT 0"
    names = ", ".join(f'"{n}"' for n in columns)
    return f"SELECT {names} FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"  # noqa: S608 - own names


@contextmanager
def opened(
    *, memory_mb: int = 1024, threads: int = 2, since: dt.date = FIRST, until: dt.date = LAST
) -> Iterator[Session]:
    """A session whose datasets hold the days since ≤ day ≤ until. memory_mb: what DuckDB may take; more spills."""
    with engine(memory_mb=memory_mb, threads=threads) as connection:
        yield Session(connection, since, until)


@contextmanager
def engine(*, memory_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB as the lake uses it: bounded, in the hospital's time zone, unable to fetch extensions."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        connection.execute(f"SET TimeZone = '{ZONE}'")
        yield connection
    finally:
        connection.close()
