"""The copy of what a business database gave, in DuckDB, until it is written as Parquet.

Types are taken from the values, so that the same mapping reads any driver: a column is a number, a text, a moment …
by its first value, and grows from whole to decimal numbers where one comes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

_DECIMAL = pa.decimal128(38, 10)
_KINDS: dict[str, tuple[str, pa.DataType]] = {
    "bool": ("BOOLEAN", pa.bool_()),
    "int": ("BIGINT", pa.int64()),
    "decimal": ("DECIMAL(38,10)", _DECIMAL),
    "float": ("DOUBLE", pa.float64()),
    "text": ("VARCHAR", pa.string()),
    "day": ("DATE", pa.date32()),
    "moment": ("TIMESTAMP", pa.timestamp("us")),
    "zoned": ("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC")),
    "time": ("TIME", pa.time64("us")),
}
_WIDER = {
    ("int", "decimal"): "decimal",
    ("int", "float"): "float",
    ("decimal", "float"): "float",
    ("bool", "int"): "int",
    ("day", "moment"): "moment",
}
TABLE = "raw"
_MIDNIGHT = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - only its time is used


class StageProblem(Exception):
    """A column's values do not go together; the text is Chinese."""


class Stage:
    """One table `raw` in a DuckDB connection of its own."""

    def __init__(self, db: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
        self.db = db
        self.columns = list(columns)
        self.kinds: dict[str, str] = {}
        self.rows = 0
        db.execute(f"CREATE OR REPLACE TABLE {TABLE} ({', '.join(f'{_name(c)} VARCHAR' for c in self.columns)})")

    @property
    def types(self) -> dict[str, str]:
        return {c: _KINDS[k][0] for c, k in self.kinds.items()}

    @property
    def empty(self) -> list[str]:
        """Columns without a single value."""
        return [c for c in self.columns if c not in self.kinds]

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Raises StageProblem."""
        listed = list(rows)
        if not listed:
            return
        arrays = [
            self._array(c, [_plain(v) for v in vs])
            for c, vs in zip(self.columns, zip(*listed, strict=True), strict=True)
        ]
        self.db.register("batch", pa.table(dict(zip(self.columns, arrays, strict=True))))
        self.db.execute(f"INSERT INTO {TABLE} SELECT * FROM batch")  # noqa: S608 - own names
        self.db.unregister("batch")
        self.rows += len(listed)

    def _array(self, column: str, values: list[Any]) -> pa.Array:
        was = kind = self.kinds.get(column)
        for found in {_kind_of(v) for v in values if v is not None}:
            kind = self._together(column, kind, found)
        if kind is None:
            return pa.nulls(len(values), pa.string())
        if kind != was:
            self.db.execute(f"ALTER TABLE {TABLE} ALTER {_name(column)} SET DATA TYPE {_KINDS[kind][0]}")
            self.kinds[column] = kind
        try:
            return pa.array(_fitting(kind, values), _KINDS[kind][1])
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
            raise StageProblem(f"{column} 列有放不下的值（{_KINDS[kind][0]}）") from None

    def _together(self, column: str, one: str | None, other: str) -> str:
        if one is None or one == other:
            return other
        wider = _WIDER.get((one, other)) or _WIDER.get((other, one))
        if wider is None:
            raise StageProblem(f"{column} 列的值种类不一：既有 {_KINDS[one][0]} 又有 {_KINDS[other][0]}")
        return wider


def _plain(value: Any) -> Any:
    """What some drivers give, as what all mean."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value.as_tuple().exponent >= 0 else value  # type: ignore[operator]
    if isinstance(value, dt.timedelta):  # MySQL's TIME
        return (_MIDNIGHT + value).time() if dt.timedelta(0) <= value < dt.timedelta(days=1) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace") if not (len(value) == 1 and value[0] < 2) else value[0]
    return value


_KNOWN: dict[type, str] = {
    bool: "bool",
    int: "int",
    Decimal: "decimal",
    float: "float",
    str: "text",
    dt.date: "day",
    dt.time: "time",
}


def _kind_of(value: Any) -> str:
    known = _KNOWN.get(type(value))
    if known is None:
        return "text" if not isinstance(value, dt.datetime) else "zoned" if value.tzinfo else "moment"
    return known


def _fitting(kind: str, values: list[Any]) -> list[Any]:
    if kind == "decimal":
        return [v if v is None or isinstance(v, Decimal) else Decimal(v) for v in values]
    if kind == "float":
        return [None if v is None else float(v) for v in values]
    if kind == "text":
        return [None if v is None else str(v) for v in values]
    if kind == "moment":
        return [_moment(v) for v in values]
    return values


def _moment(value: Any) -> dt.datetime | None:
    if value is None or isinstance(value, dt.datetime):
        return value
    return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the source's own clock


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
