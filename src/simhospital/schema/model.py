"""What the business databases consist of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

ORDER = ("his", "cis", "lis", "emr", "finance")
_COLUMN = re.compile(
    r"(?P<type>[a-z]+)(?P<size>\d*)(?:\.(?P<scale>\d+))?(?P<required>!?)(?: >(?P<ref>\w+))? ?(?P<text>.*)"
)


class SchemaError(Exception):
    """A description of a table cannot be read; says which."""


@dataclass(frozen=True, slots=True)
class Column:
    """kind: n number, v varchar, c char, i integer, d moment, day date, t long text. refers: a table, not enforced."""

    name: str
    kind: str
    size: int
    scale: int
    required: bool
    refers: str
    title: str


@dataclass(frozen=True, slots=True)
class Table:
    database: str
    name: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True, slots=True)
class Database:
    name: str
    title: str
    house: str
    tables: tuple[Table, ...]


@cache
def databases() -> tuple[Database, ...]:
    """All five, in the order in which they are made. Raises SchemaError."""
    directory = resources.files("simhospital") / "data" / "schema"
    return tuple(_database(yaml.safe_load((directory / f"{name}.yaml").read_text("utf-8"))) for name in ORDER)


def _database(document: dict[str, Any]) -> Database:
    tables = tuple(_table(document["name"], name, body) for name, body in document["tables"].items())
    return Database(document["name"], document["title"], document["house"], tables)


def _table(database: str, name: str, body: dict[str, Any]) -> Table:
    columns = tuple(_column(f"{database}.{name}", n, text) for n, text in body["columns"].items())
    known = {c.name for c in columns}
    key, indexes = tuple(body["key"]), tuple(tuple(i) for i in body.get("index", ()))
    if lost := {n for names in (key, *indexes) for n in names} - known:
        raise SchemaError(f"{database}.{name}: no column {sorted(lost)}")
    return Table(database, name, body["title"], columns, key, indexes)


def _column(where: str, name: str, text: str) -> Column:
    found = _COLUMN.fullmatch(text)
    if found is None or found["type"] not in {"n", "v", "c", "i", "d", "day", "t"}:
        raise SchemaError(f"{where}.{name}: {text!r} cannot be read")
    return Column(
        name,
        found["type"],
        int(found["size"] or 0),
        int(found["scale"] or 0),
        bool(found["required"]),
        found["ref"] or "",
        found["text"],
    )
