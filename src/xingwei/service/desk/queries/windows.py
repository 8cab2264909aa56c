"""Ids in order from an index that knows no order: of the newest thousand cases first, of more only where those do
not hold enough.

How many more follows from how many were found. Where nothing was, hardly anything is to be found: then all the rest is
asked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import models
from django.db.models import F

from ..models import Case

WINDOW = 1_000  # cases that are looked through first, and at least at a time
_AMPLE = 1.5  # how much wider than it would just do


def walk(
    found: models.QuerySet[Case], start: int | None = None, *, back: bool = False, enough: int, bounds: Sequence[str] = ("pk",)
) -> list[int]:  # fmt: skip
    """The first ids of the rows, at most `enough`, newest first from start (exclusive) on; back: oldest first.

    bounds: the columns that hold the id. PostgreSQL does not carry a range over from one table to another.
    """
    newest = Case.objects.order_by("-id").values_list("id", flat=True).first() or 0
    at, end = (start or 0, newest) if back else (newest if start is None else start - 1, 0)
    hits: list[int] = []
    seen, width = 0, WINDOW
    while (at < end if back else at > end) and len(hits) < enough:
        low, high = (at, at + width) if back else (at - width, at)
        window = found
        for name in bounds:
            window = window.filter(**{f"{name}__gt": low, f"{name}__lte": high})
        hits += ids(window, back=back, enough=enough - len(hits))
        at, seen = (high if back else low), seen + width
        wanted = _AMPLE * seen * (enough - len(hits)) / len(hits) if hits else newest
        width = max(WINDOW, min(int(wanted), newest))
    return hits


def ids(found: models.QuerySet[Case], *, back: bool = False, enough: int) -> list[int]:
    """The ids of the rows, at most `enough`, newest first; back: oldest first."""
    # by the id as a value, which no index has: else the rows are walked in order where another index is better
    ordered = found.order_by(F("pk") + 0 if back else (F("pk") + 0).desc())
    return list(ordered.values_list("pk", flat=True)[:enough])


def having(rows: models.QuerySet[Case], path: str, one_of: Iterable[Sequence[int | str]]) -> models.QuerySet[Case]:
    """Rows whose array at the path holds at least one of each."""
    lists = [list(values) for values in one_of]
    if every := [values[0] for values in lists if len(values) == 1]:
        rows = rows.filter(**{f"{path}__contains": every})
    for values in lists:
        if len(values) > 1:
            rows = rows.filter(**{f"{path}__overlap": values})
    return rows
