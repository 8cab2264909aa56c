"""What a plan of PostgreSQL (EXPLAIN, FORMAT JSON) gives away. Nothing is run here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

BIG_TABLE = 2_000  # rows; below it a scan is the right way
SELECTIVE = 0.05  # share of the table that the filter leaves, above which an index does not help
_DEEP = 30


class Cause(StrEnum):
    MISSING_INDEX = "missing_index"
    WHOLE_TABLE = "whole_table"  # most of a big table is wanted: growth
    SORT = "sort"
    REPEATED_SCAN = "repeated_scan"  # a scan inside a loop
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Weakness:
    """One thing in a plan. columns: those on which an index would help, the most telling first; cost: of the part."""

    cause: Cause
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: float = 0.0
    share: float = 1.0
    cost: float = 0.0

    @property
    def index(self) -> str:
        """The index that would help, as SQL; "" where none would."""
        if self.cause is not Cause.MISSING_INDEX or not self.columns:
            return ""
        columns = ", ".join(_quoted(c) for c in self.columns)
        table = ".".join(_quoted(part) for part in self.table.split("."))
        return f"CREATE INDEX CONCURRENTLY ON {table} ({columns})"


def total_cost(plan: Mapping[str, Any]) -> float:
    return float(plan.get("Total Cost", 0.0))


def weaknesses(plan: Mapping[str, Any], sizes: Mapping[str, float]) -> list[Weakness]:
    """The costly things, the costliest first. sizes: rows by table, as the statistics of the copy have them."""
    found: list[Weakness] = []
    for node, loops in _walk(plan, 1.0, 0):
        if (weak := _of_scan(node, loops, sizes)) is not None:
            found.append(weak)
        elif str(node.get("Node Type", "")).endswith("Sort") and total_cost(node) > 0.5 * total_cost(plan):
            keys = tuple(str(k) for k in node.get("Sort Key", []))
            found.append(
                Weakness(Cause.SORT, columns=keys, cost=total_cost(node), rows=float(node.get("Plan Rows", 0)))
            )
    return sorted(found, key=lambda w: -w.cost)


def _walk(node: Mapping[str, Any], loops: float, depth: int) -> Iterator[tuple[Mapping[str, Any], float]]:
    yield node, loops
    if depth > _DEEP:
        return
    children: Sequence[Mapping[str, Any]] = node.get("Plans", [])
    outer = next((c for c in children if c.get("Parent Relationship") == "Outer"), None)
    for child in children:
        inner = node.get("Node Type") == "Nested Loop" and child.get("Parent Relationship") == "Inner"
        times = loops * max(1.0, float(outer.get("Plan Rows", 1))) if inner and outer else loops
        yield from _walk(child, times, depth + 1)


def _of_scan(node: Mapping[str, Any], loops: float, sizes: Mapping[str, float]) -> Weakness | None:
    if node.get("Node Type") not in ("Seq Scan", "Parallel Seq Scan"):
        return None
    table = ".".join(str(node[k]) for k in ("Schema", "Relation Name") if node.get(k))
    size = sizes.get(table, float(node.get("Plan Rows", 0)))
    if size < BIG_TABLE:
        return None
    share = min(1.0, float(node.get("Plan Rows", 0)) * (2.5 if "Workers Planned" in node else 1.0) / size)
    cost = total_cost(node) * loops
    columns = filter_columns(str(node.get("Filter", "")))
    if columns and share <= SELECTIVE:
        return Weakness(Cause.MISSING_INDEX, table, columns[:3], size, share, cost)
    if loops > 1:
        return Weakness(Cause.REPEATED_SCAN, table, columns[:3], size, share, cost)
    return Weakness(Cause.WHOLE_TABLE, table, columns[:3], size, share, cost)


def filter_columns(condition: str) -> tuple[str, ...]:
    """Columns that a filter compares: with equality first, then ranges; no column under a function or an OR.

    An index cannot serve what is hidden in an expression, and half of an OR does not narrow.
    """
    if not condition:
        return ()
    text = re.sub(r"\$\d+", "'x'", condition)
    try:
        tree = sqlglot.parse_one(text, read="postgres")
    except SqlglotError:
        return ()
    equal: list[str] = []
    ranged: list[str] = []
    for part in _conjuncts(tree):
        column, kind = _compared(part)
        if column and column not in equal + ranged:
            (equal if kind == "=" else ranged).append(column)
    return (*equal, *ranged[:1])


def _conjuncts(tree: exp.Expr) -> Iterator[exp.Expr]:
    tree = tree.unnest()
    if isinstance(tree, exp.And):
        yield from _conjuncts(tree.this)
        yield from _conjuncts(tree.expression)
    else:
        yield tree


def _compared(part: exp.Expr) -> tuple[str, str]:
    if isinstance(part, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        kind = "=" if isinstance(part, exp.EQ) else "<"
        for side, other in ((part.this, part.expression), (part.expression, part.this)):
            column = _bare(side)
            if column and not list(other.find_all(exp.Column)):
                return column, kind
    return "", ""


def _bare(side: exp.Expr) -> str:
    """The name of a column, whatever it is cast to; "" for anything else."""
    side = side.unnest()
    while isinstance(side, exp.Cast):
        side = side.this.unnest()
    return side.name if isinstance(side, exp.Column) else ""


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
