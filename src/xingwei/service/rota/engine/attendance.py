"""Attendance counted against the contract: at least so many people on site on each workday (clause 9.5). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xingwei.base.calendar.engine import WorkCalendar

GRACE = dt.timedelta(minutes=30)  # after the beginning of work, until a missing sign-in is one


@dataclass(frozen=True, slots=True)
class Stay:
    """One sign-in with its sign-out, None while it lasts or when it was forgotten."""

    person: int
    start: dt.datetime
    end: dt.datetime | None


class Mark(StrEnum):
    """PRESENT counts as one person; SHORT was there but too briefly; ABSENT was planned and did not sign in."""

    PRESENT = "present"
    SHORT = "short"
    ABSENT = "absent"
    AHEAD = "ahead"

    @property
    def label(self) -> str:
        return {"present": "出勤", "short": "在岗不足", "absent": "未签到", "ahead": "未到时间"}[self.value]


@dataclass(frozen=True, slots=True)
class PersonDay:
    """worked: time inside the day's working windows. forgot: no sign-out; counted until the planned end."""

    mark: Mark
    arrived: dt.datetime | None = None
    left: dt.datetime | None = None
    worked: dt.timedelta = dt.timedelta(0)
    forgot: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    people: Mapping[int, PersonDay]
    need: int
    over: bool

    @property
    def present(self) -> int:
        return sum(p.mark is Mark.PRESENT for p in self.people.values())

    @property
    def short_of(self) -> int:
        """How many persons fewer than the contract asks; 0 while the day is not over."""
        return max(0, self.need - self.present) if self.over else 0


def month(
    days: Iterable[dt.date],
    calendar: WorkCalendar,
    planned: Mapping[dt.date, Sequence[int]],
    stays: Sequence[Stay],
    *,
    need: int,
    hours: float,
    now: dt.datetime,
) -> list[Day]:
    """One Day for each workday among `days`. hours: the presence from which a person counts."""
    by_day: dict[tuple[dt.date, int], list[Stay]] = {}
    for stay in stays:
        by_day.setdefault((stay.start.astimezone(calendar.zone).date(), stay.person), []).append(stay)
    out = []
    for day in days:
        windows = calendar.windows(day)
        if not windows:
            continue
        people = dict.fromkeys([*planned.get(day, ()), *(p for d, p in by_day if d == day)])
        over = now >= windows[-1][1]
        marks = {p: _person(by_day.get((day, p), []), windows, hours, now, over) for p in people}
        out.append(Day(day, marks, need, over))
    return out


def _person(
    stays: Sequence[Stay],
    windows: Sequence[tuple[dt.datetime, dt.datetime]],
    hours: float,
    now: dt.datetime,
    over: bool,
) -> PersonDay:
    if not stays:
        return PersonDay(Mark.ABSENT if now >= windows[0][0] + GRACE else Mark.AHEAD)
    close = windows[-1][1]
    ends = [s.end or min(now, close) for s in stays]
    worked = dt.timedelta(0)
    for a, b in windows:
        for stay, end in zip(stays, ends, strict=True):
            worked += max(dt.timedelta(0), min(b, end) - max(a, stay.start))
    forgot = over and any(s.end is None for s in stays)
    enough = worked >= dt.timedelta(hours=hours)
    mark = Mark.PRESENT if enough or not over else Mark.SHORT
    left = None if any(s.end is None for s in stays) else max(ends)
    return PersonDay(mark, min(s.start for s in stays), left, worked, forgot)
