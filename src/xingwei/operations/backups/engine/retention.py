"""Which copies are kept: the newest of each of the last days, weeks and months (grandfather, father, son)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .schedule import SHANGHAI


@dataclass(frozen=True, slots=True)
class Rule:
    """How many days, weeks and months with a copy are kept; days at least 1."""

    days: int = 7
    weeks: int = 4
    months: int = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A copy as far as this decision goes. proven: restored and row-checked."""

    id: int
    taken_at: dt.datetime
    proven: bool = False


def to_drop(copies: Iterable[Held], rule: Rule) -> list[int]:
    """Ids of the copies that no rule keeps, oldest first. The newest of all, and the newest proven one, always stay."""
    ordered: Sequence[Held] = sorted(copies, key=lambda c: (c.taken_at, c.id), reverse=True)
    kept = {c.id for c in ordered[:1]} | {c.id for c in [c for c in ordered if c.proven][:1]}
    for count, period in ((max(rule.days, 1), _day), (rule.weeks, _week), (rule.months, _month)):
        seen: set[tuple[int, ...]] = set()
        for copy in ordered:
            key = period(copy.taken_at.astimezone(SHANGHAI).date())
            if key not in seen and len(seen) < count:
                seen.add(key)
                kept.add(copy.id)
    return [c.id for c in reversed(ordered) if c.id not in kept]


def _day(day: dt.date) -> tuple[int, ...]:
    return day.year, day.month, day.day


def _week(day: dt.date) -> tuple[int, ...]:
    return day.isocalendar()[:2]


def _month(day: dt.date) -> tuple[int, ...]:
    return day.year, day.month
