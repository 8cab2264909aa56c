"""Sides and evidence inside DuckDB: what is where, by which expression a field is read."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from . import sql
from .outcome import BadInput, Period
from .readers.stage import FIRST, LINE, stage
from .spec import Column, Pair, Side, Spec, Type


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a side: files, or a relation (DuckDB relation, Arrow table or reader) that the run writes down first.

    format: csv, excel, parquet, 3202 …, or empty: seen by the reader. hash: digest of the content where it is known,
    by path for several.
    """

    paths: tuple[Path, ...] = ()
    format: str = ""
    hash: str | Mapping[str, str] = ""
    relation: Any = None


@dataclass(frozen=True, slots=True)
class Book:
    """A side that DuckDB can read. types: column → type. lines: whether a row has a number in its file."""

    side: Side
    paths: tuple[Path, ...]
    types: Mapping[str, str]
    rows: int
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """SQL: where a row stands in its file, as a person counts."""
        if LINE in self.types:
            return sql.name(LINE)
        return f"(file_row_number + {FIRST if FIRST in self.types else 1})"

    def scan(self, paths: Sequence[Path] | None = None, *, place: bool = False) -> str:
        """FROM this. place: with filename and file_row_number."""
        files = sql.texts([str(p) for p in (self.paths if paths is None else paths)])
        return f"read_parquet([{files}], union_by_name = true{', file_row_number = true, filename = true' if place else ''})"


class Reading:
    """Expressions of one pair's fields on one of its sides."""

    def __init__(self, spec: Spec, pair: Pair, book: Book, other: Book, period: Period | None, right: bool) -> None:
        self.spec, self.pair, self.book, self.other, self.period, self.right = spec, pair, book, other, period, right

    def column(self, field: str) -> Column:
        return self.book.side.fields[field]

    def kind(self, field: str) -> Type:
        return self.spec.fields[field].type

    def exact(self, field: str) -> str:
        return sql.exact(
            self.column(field), self.book.types, self.kind(field), self.spec.scale, self.spec.timezone_hours
        )

    def digest(self, field: str) -> str:
        there = sql.type_of(self.other.side.fields[field], self.other.types)
        if _turned(self.other.side.fields[field]):
            there = ""
        column, kind = self.column(field), self.kind(field)
        return sql.digest(column, self.book.types, kind, self.spec.scale, self.spec.timezone_hours, there)

    def stored(self, field: str) -> str:
        """The column of the field, empty where the side has none."""
        column = self.column(field)
        return sql.name(column.column) if column.constant is None and column.column in self.book.types else ""

    def summable(self) -> str:
        """The amount as it can be added up quickest; `minor` makes minor units of the sum."""
        return self.stored(self.pair.amount) if self._plain_amount() else self.exact(self.pair.amount)

    def minor(self, total: Any) -> int:
        return int(Decimal(total or 0).scaleb(self.spec.scale if self._plain_amount() else 0))

    def _plain_amount(self) -> bool:
        column = self.column(self.pair.amount)
        stored = self.book.types.get(column.column, "")
        fits = stored.startswith("DECIMAL") and int(stored.rstrip(")").split(",")[1]) <= self.spec.scale
        return fits and not _turned(column) and column.constant is None

    def texts(self, fields: Sequence[str]) -> list[str]:
        """Columns of the fields that are stored as text, as they stand."""
        columns = [self.column(name) for name in fields if self.kind(name) == "text"]
        return [sql.name(c.column) for c in columns if self.book.types.get(c.column) == "VARCHAR" and not c.codes]

    def day(self) -> str:
        """Days since 1970, NULL where the pair has no day."""
        if not self.pair.day:
            return "NULL::INTEGER"
        value = self.exact(self.pair.day)
        return value if self.kind(self.pair.day) == "date" else f"(({value}) // {sql.US_PER_DAY})::INTEGER"

    def inside(self, day: str = "") -> str:
        """Whether the row counts in this run."""
        if self.period is None or not self.pair.day:
            return "true"
        first, last = (_days(d) for d in (self.period.since, self.period.until))
        return f"coalesce({day or self.day()} BETWEEN {first} AND {last}, true)"

    def where(self) -> str:
        own = (self.pair.right_where if self.right else self.pair.left_where) or {}
        parts = [
            f"{self.exact(field)} IN ({sql.texts(list(values))})"
            for field, values in [*self.book.side.where.items(), *own.items()]
        ]
        return " AND ".join(parts) or "true"

    def refunded(self) -> str:
        refund = self.pair.refund
        if refund.flag:
            return f"coalesce({self.exact(refund.flag)} IN ({sql.texts(list(refund.values))}), false)"
        return f"coalesce({self.exact(self.pair.amount)} < 0, false)"


def shown_name(path: str) -> str:
    """The name that the user knows of a file: staged ones are called NNNN~NAME.parquet."""
    return re.sub(r"^[0-9]{4}~(.*)\.parquet$", r"\1", Path(path).name)


def shown_name_sql(column: str) -> str:
    return f"regexp_replace(parse_filename({column}), '^[0-9]{{4}}~(.*)\\.parquet$', '\\1')"


def _turned(column: Column) -> bool:
    return bool(column.codes or column.unit != "yuan" or column.negate)


def _days(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days


def bring(con: duckdb.DuckDBPyConnection, side: Side, source: Source, workdir: Path) -> Book:
    """The side as Parquet files that DuckDB reads. Raises BadInput."""
    paths = tuple(source.paths)
    if source.relation is not None:
        paths = (_written(source.relation, workdir / f"{side.name}.parquet"),)
    if not paths:
        raise BadInput(f"{side.title}：没有给文件。")
    if len(set(paths)) < len(paths):
        raise BadInput(f"{side.title}：同一个文件给了两次。")
    try:
        staged = stage(paths, workdir / "staged" / side.name, source.format or side.format)
    except BadInput as bad:
        raise BadInput(f"{side.title}：{bad}") from bad
    paths, notes = staged.paths, staged.notes
    try:
        scan = f"read_parquet([{sql.texts([str(p) for p in paths])}], union_by_name = true)"
        described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        counted = con.execute(f"SELECT count(*) FROM {scan}").fetchone()
    except duckdb.Error as error:
        raise BadInput(f"{side.title}：{'、'.join(p.name for p in paths[:3])} 读不出来：{error}") from error
    assert counted is not None
    return Book(side, paths, {row[0]: row[1] for row in described}, int(counted[0]), notes)


def _written(relation: Any, path: Path) -> Path:
    if hasattr(relation, "write_parquet"):
        relation.write_parquet(str(path))
        return path
    import pyarrow as pa
    from pyarrow import parquet

    batches = relation.to_reader() if isinstance(relation, pa.Table) else relation
    with parquet.ParquetWriter(path, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def digests(source: Source, paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file by its path, taken as given where it was given by path or name."""
    if isinstance(source.hash, str) and source.hash and len(paths) == 1:
        return {str(paths[0]): source.hash}
    given = source.hash if isinstance(source.hash, Mapping) else {}
    return {str(p): given.get(str(p)) or given.get(shown_name(str(p))) or _sha256(p) for p in paths}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
