"""What the shifts leave open, and where they collide. Pure.

A gap of NOBODY is a time in which no one answers, on site or by phone (clause 9.2a: 7×24); a gap of ON_SITE is
working time of a workday with fewer people on site than the contract asks (clause 9.5).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

from xingwei.base.calendar.engine import WorkCalendar

from .patterns import DutyKind, Slot

_DAY = dt.timedelta(days=1)


class GapKind(StrEnum):
    NOBODY = "nobody"
    ON_SITE = "on_site"


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """start ≤ time < end; have of need people are there."""

    start: dt.datetime
    end: dt.datetime
    kind: GapKind
    have: int = 0
    need: int = 1

    @property
    def key(self) -> str:
        """The same for the same gap whenever it is computed: what is told once a gap is told by this key."""
        return f"{self.kind}:{self.start:%Y%m%dT%H%M}"


@dataclass(frozen=True, slots=True, order=True)
class Clash:
    """One person in two places at once."""

    start: dt.datetime
    end: dt.datetime
    person: int
    first: Slot
    second: Slot


@dataclass(frozen=True, slots=True, order=True)
class Overlap:
    """Several people on call at once: no harm, but who is called first is left to chance."""

    start: dt.datetime
    end: dt.datetime
    people: tuple[int, ...]


def gaps(slots: Sequence[Slot], calendar: WorkCalendar, first: dt.date, last: dt.date, *, on_site: int) -> list[Gap]:
    """All gaps between the beginning of one day and the end of another, in order of time."""
    start = dt.datetime.combine(first, dt.time(), calendar.zone)
    end = dt.datetime.combine(last + _DAY, dt.time(), calendar.zone)
    found = [Gap(a, b, GapKind.NOBODY) for a, b in uncovered(slots, start, end)]
    present = [s for s in slots if s.kind is DutyKind.ON_SITE]
    day = first
    while day <= last:
        for a, b in calendar.windows(day):
            found += _too_few(present, a, b, on_site)
        day += _DAY
    return sorted(found)


def uncovered(slots: Iterable[Slot], start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """The times between two moments at which no one answers."""
    open_: list[tuple[dt.datetime, dt.datetime]] = []
    reached = start
    for slot in sorted(s for s in slots if s.kind.answers and s.overlaps(start, end)):
        if slot.start > reached:
            open_.append((reached, slot.start))
        reached = max(reached, slot.end)
    if reached < end:
        open_.append((reached, end))
    return open_


def clashes(slots: Iterable[Slot]) -> list[Clash]:
    """Every pair of shifts in which one person stands twice at once; support stands beside anything."""
    by_person: dict[int, list[Slot]] = {}
    for slot in sorted(s for s in slots if s.kind.answers):
        by_person.setdefault(slot.person, []).append(slot)
    return sorted(
        Clash(max(a.start, b.start), min(a.end, b.end), person, a, b)
        for person, own in by_person.items()
        for a, b in combinations(own, 2)
        if a.overlaps(b.start, b.end)
    )


def overlaps(slots: Iterable[Slot]) -> list[Overlap]:
    """The times at which more than one person is on call."""
    on_call = [s for s in slots if s.kind is DutyKind.ON_CALL]
    found: list[Overlap] = []
    for a, b in _pieces(on_call):
        people = tuple(sorted({s.person for s in on_call if s.overlaps(a, b)}))
        if len(people) < 2:
            continue
        if found and found[-1].end == a and found[-1].people == people:
            found[-1] = Overlap(found[-1].start, b, people)
        else:
            found.append(Overlap(a, b, people))
    return found


def _too_few(present: Sequence[Slot], start: dt.datetime, end: dt.datetime, need: int) -> Iterator[Gap]:
    """Within one working window: the stretches with fewer than `need` persons, neighbours of one count joined."""
    inside = [s for s in present if s.overlaps(start, end)]
    last: Gap | None = None
    for a, b in _pieces(inside, start, end):
        have = len({s.person for s in inside if s.overlaps(a, b)})
        if have >= need:
            continue
        if last is not None and last.end == a and last.have == have:
            last = Gap(last.start, b, GapKind.ON_SITE, have, need)
            continue
        if last is not None:
            yield last
        last = Gap(a, b, GapKind.ON_SITE, have, need)
    if last is not None:
        yield last


def _pieces(
    slots: Iterable[Slot], start: dt.datetime | None = None, end: dt.datetime | None = None
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The stretches between two moments in which the set of shifts does not change."""
    edges = {e for s in slots for e in (s.start, s.end)}
    if start is not None and end is not None:
        edges = {start, end} | {e for e in edges if start < e < end}
    ordered = sorted(edges)
    yield from pairwise(ordered)
