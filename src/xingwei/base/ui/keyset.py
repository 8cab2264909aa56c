"""Paging by keyset: the cursor holds the last row's sort values, so page 20,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models import F, Func, Q, Value

COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True)
class KeysetPage:
    rows: list[Any]
    next: str | None
    previous: str | None


def page(
    queryset: models.QuerySet[Any], order: Sequence[str], *, after: str = "", before: str = "", size: int = 50
) -> KeysetPage:
    """One page of queryset in `order` (field or annotation names, "-" for descending; the last one unique).

    The ordering columns must not be null. A cursor that cannot be read is treated as none.
    """
    backwards = bool(before)
    cursor = values_at(before or after)
    if cursor is not None and len(cursor) != len(order):
        cursor = None
    steps = [_flip(o) for o in order] if backwards else list(order)
    rows_wanted = queryset.order_by(*steps)
    if cursor is not None:
        rows_wanted = _from(rows_wanted, steps, cursor, size + 1)
    found = list(rows_wanted[: size + 1])
    more = len(found) > size
    rows = found[:size]
    if backwards:
        rows.reverse()
    # Walking back, what we came from lies ahead; walking on, what we came from lies behind.
    has_next = bool(rows) and (backwards or more)
    has_previous = bool(rows) and (more if backwards else cursor is not None)
    return KeysetPage(
        rows=rows,
        next=cursor_of(order, rows[-1]) if has_next else None,
        previous=cursor_of(order, rows[0]) if has_previous else None,
    )


def capped_count(queryset: models.QuerySet[Any], cap: int = COUNT_CAP) -> tuple[int, str]:
    """Count up to cap; (number, text), the text being "10,000+" beyond it."""
    n = queryset.order_by()[: cap + 1].count()
    return (cap, f"{cap:,}+") if n > cap else (n, f"{n:,}")


def _from(rows: models.QuerySet[Any], order: Sequence[str], values: Sequence[Any], n: int) -> models.QuerySet[Any]:
    """The rows after the cursor; the first n of them are right.

    In an order of one direction the index is entered at the cursor. PostgreSQL believes then that hardly a row is left
    and would rather join and sort them all, so the keys of the page are found first, without the joins.
    """
    plain = not rows.query.annotations and not rows.query.distinct
    if not plain or len({name.startswith("-") for name in order}) > 1:
        return rows.filter(_beyond(order, values))
    keys = rows.select_related(None).filter(_RowBeyond(order, values)).values("pk")[:n]
    return rows.filter(pk__in=keys)


def before(order: Sequence[str], row: Any) -> Q | Func:
    """The condition that a row stands before this one in that order."""
    back = [_flip(name) for name in order]
    values = [attrgetter(name.lstrip("-").replace("__", "."))(row) for name in order]
    return _beyond(back, values) if len({name.startswith("-") for name in order}) > 1 else _RowBeyond(back, values)


class _RowBeyond(Func):
    """(a, b) > (x, y) as one comparison of rows: an index on (a, b) is entered exactly there, however many rows share
    the same a. Only for orders of one direction."""

    output_field = models.BooleanField()

    def __init__(self, order: Sequence[str], values: Sequence[Any]) -> None:
        super().__init__(*(F(name.lstrip("-")) for name in order), *(Value(value) for value in values))
        self.operator = "<" if order[0].startswith("-") else ">"

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        parts = [compiler.compile(e) for e in self.get_source_expressions()]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.operator} ({right})", tuple(p for _, params in parts for p in params)


def _beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows after the cursor: a OR-chain of prefixes, plus a bound on the first column for the index."""
    condition = Q(pk__in=[])
    equal = Q()
    for name, value in zip(order, values, strict=True):
        operator = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name.lstrip('-')}__{operator}": value})
        equal &= Q(**{name.lstrip("-"): value})
    first = order[0]
    bound = "lte" if first.startswith("-") else "gte"
    return Q(**{f"{first.lstrip('-')}__{bound}": values[0]}) & condition


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def cursor_of(order: Sequence[str], row: Any) -> str:
    """The cursor that stands at this row: its sort values."""
    values = []
    for name in order:
        value = row
        for step in name.lstrip("-").split("__"):
            value = getattr(value, step)
        values.append({"t": value.isoformat()} if isinstance(value, (dt.datetime, dt.date)) else value)
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def values_at(cursor: str) -> list[Any] | None:
    """What cursor_of wrote down; None for no cursor, or one that cannot be read."""
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list):
            return None
        return [dt.datetime.fromisoformat(v["t"]) if isinstance(v, dict) else v for v in values]
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
