"""From the copy to committed Parquet files: one a day, written aside, synced, renamed; a file counts by its row alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from . import files
from .engine import mapping as maps
from .engine.datasets import ROW, ZONE
from .stage import Stage

TABLE = "ready"
_FOR_EMPTY = ("DATE", "TIMESTAMP", "BIGINT", "VARCHAR")


class UnreadableValue(Exception):
    """A value cannot be taken as its field's type; the text is Chinese and names field and value."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that lies where it belongs, not yet committed. sums: of the money fields, as text."""

    day: dt.date | None
    path: str
    rows: int
    bytes: int
    digest: str
    sums: Mapping[str, str]


def transform(stage: Stage, spec: maps.Spec) -> None:
    """Make table `ready` of the copy: the dataset's fields with their types, and lineage. Raises UnreadableValue."""
    fields = {f.name: f for f in spec.dataset.fields}
    if not stage.rows:
        columns = ", ".join(f'"{n}" {t}' for n, t in spec.dataset.columns.items())
        stage.db.execute(f"CREATE OR REPLACE TABLE {TABLE} ({columns})")
        return
    chosen, kinds = _bound(stage, spec)
    typed = {n: maps.typed(e, kinds[n], fields[n], spec.zone) if n in fields else e for n, e in chosen.items()}
    select = ", ".join(f'{e} AS "{n}"' for n, e in typed.items())
    try:
        stage.db.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT {select} FROM raw")  # noqa: S608 - checked
    except duckdb.Error as error:
        raise UnreadableValue(_which(stage.db, typed, error)) from None


def _bound(stage: Stage, spec: maps.Spec) -> tuple[dict[str, str], dict[str, str]]:
    """The expressions and their types in DuckDB. Where one needs the type of a column that is empty throughout, it
    gets the first that fits."""
    chosen = maps.expressions(spec, stage.types, empty=stage.empty)
    try:
        return chosen, _types(stage, chosen)
    except duckdb.Error:
        pass
    others = [maps.expressions(spec, stage.types, empty=stage.empty, empty_as=t) for t in _FOR_EMPTY]
    kinds: dict[str, str] = {}
    for name, first in chosen.items():
        problem: duckdb.Error | None = None
        for expression in (first, *(o[name] for o in others)):
            try:
                kinds |= _types(stage, {name: expression})
            except duckdb.Error as error:
                problem = problem or error
                continue
            chosen[name] = expression
            break
        else:
            assert problem is not None
            raise UnreadableValue(f"字段 {name} 的表达式不能执行：{_line(problem)}")
    return chosen, kinds


def _types(stage: Stage, chosen: Mapping[str, str]) -> dict[str, str]:
    listed = ", ".join(f'{e} AS "{n}"' for n, e in chosen.items())
    return {str(row[0]): str(row[1]) for row in stage.db.execute(f"DESCRIBE SELECT {listed} FROM raw").fetchall()}  # noqa: S608


def write_days(db: duckdb.DuckDBPyConnection, spec: maps.Spec) -> Iterator[Written]:
    """Write each day of `ready` beside the others; the same rows give the same file and the same name."""
    if not spec.dataset.day:
        yield _write(db, spec, None, "true")
        return
    day = _day_of(spec)
    found = db.execute(f"SELECT DISTINCT {day} FROM {TABLE} ORDER BY 1").fetchall()  # noqa: S608 - own names
    for (one,) in found:
        yield _write(db, spec, one, f"{day} = DATE '{one.isoformat()}'")


def days_of(db: duckdb.DuckDBPyConnection, spec: maps.Spec) -> list[dt.date | None]:
    """Days that `ready` has rows of; None: rows without a day."""
    return [row[0] for row in db.execute(f"SELECT DISTINCT {_day_of(spec)} FROM {TABLE}").fetchall()]  # noqa: S608


def sweep(known: set[str], *, older_than_s: float, now: float) -> int:
    """Remove files of the lake that no row knows and nobody can be writing any more; returns how many."""
    root, removed = files.root(), 0
    for path in root.glob("*/*/*"):
        if str(path.relative_to(root)) in known:
            continue
        try:
            if now - path.stat().st_mtime > older_than_s:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


def _day_of(spec: maps.Spec) -> str:
    one = spec.dataset.field(spec.dataset.day)
    return f"CAST(timezone('{ZONE}', \"{one.name}\") AS DATE)" if one.type == "time" else f'"{one.name}"'


def _write(db: duckdb.DuckDBPyConnection, spec: maps.Spec, day: dt.date | None, where: str) -> Written:
    root = files.root()
    folder = root / files.folder(spec.dataset.code, day)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{spec.code}.{os.getpid()}.{secrets.token_hex(4)}"
    order = ", ".join(f'"{n}"' for n in (*spec.dataset.key, ROW))
    quoted = str(aside).replace("'", "''")
    try:
        db.execute(
            f"COPY (SELECT * FROM {TABLE} WHERE {where} ORDER BY {order})"  # noqa: S608 - own names
            f" TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)"
        )
        digest, size = _sync(aside)
        path = folder / f"{spec.code}-{digest[:16]}.parquet"
        aside.replace(path)
        _sync_folder(folder)
    finally:
        aside.unlink(missing_ok=True)
    sums = ", ".join(f'coalesce(sum("{f.name}"), 0)' for f in spec.dataset.money)
    counted = db.execute(f"SELECT count(*){', ' + sums if sums else ''} FROM {TABLE} WHERE {where}").fetchall()[0]  # noqa: S608
    amounts = {f.name: str(Decimal(v)) for f, v in zip(spec.dataset.money, counted[1:], strict=True)}
    return Written(day, str(path.relative_to(root)), counted[0], size, digest, amounts)


def _sync(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file that is now on the disk for good."""
    digest = hashlib.sha256()
    with path.open("rb+") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
        os.fsync(file.fileno())
        size = file.tell()
    return digest.hexdigest(), size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _which(db: duckdb.DuckDBPyConnection, typed: Mapping[str, str], error: duckdb.Error) -> str:
    """Which field it is whose values cannot be taken."""
    for name, expression in typed.items():
        try:
            db.execute(f"SELECT count({expression}) FROM raw").fetchall()  # noqa: S608 - checked expressions
        except duckdb.Error as found:
            return f"字段 {name} 有读不成的值：{_line(found)}"
    return f"读不成的值：{_line(error)}"


def _line(error: duckdb.Error) -> str:
    text = str(error).strip().splitlines()[0]
    return text.partition(": ")[2][:200] or text[:200]
