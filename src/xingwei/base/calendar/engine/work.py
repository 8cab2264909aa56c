"""The working calendar of the hospital, 调休 included. Pure, immutable, versioned.

A year is published (by the State Council) or provisional (statutory days only, or weekdays alone): what is computed
over a provisional year is marked, never silently taken as right. Working time is counted over prefix sums, so one
deadline costs two binary searches whatever the distance.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

HORIZON_YEARS = 3
_DAY = dt.timedelta(days=1)
_CHINA = ZoneInfo("Asia/Shanghai")


class CalendarError(ValueError):
    """The calendar cannot answer; the message is Chinese."""


class DayKind(StrEnum):
    WORKDAY = "workday"
    REST = "rest"
    HOLIDAY = "holiday"
    MAKEUP = "makeup"

    @property
    def label(self) -> str:
        return {"workday": "工作日", "rest": "休息日", "holiday": "节假日", "makeup": "调休工作日"}[self.value]

    @property
    def works(self) -> bool:
        return self in (DayKind.WORKDAY, DayKind.MAKEUP)


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    kind: DayKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """One year's arrangement: holidays and make-up workdays by date, with the name of the feast."""

    number: int
    published: bool
    source: str = ""
    holidays: Mapping[dt.date, str] = field(default_factory=dict)
    makeup: Mapping[dt.date, str] = field(default_factory=dict)


Window = tuple[dt.time, dt.time]
MonthDay = tuple[int, int]


def in_season(day: MonthDay, first: MonthDay, last: MonthDay) -> bool:
    """Whether a month-day lies between two, both included; a season may run over the new year."""
    return first <= day <= last if first <= last else day >= first or day <= last


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours of a day; seasons override the default between two month-days, both included."""

    default: tuple[Window, ...]
    seasons: tuple[tuple[MonthDay, MonthDay, tuple[Window, ...]], ...] = ()

    def of(self, date: dt.date) -> tuple[Window, ...]:
        for first, last, windows in self.seasons:
            if in_season((date.month, date.day), first, last):
                return windows
        return self.default


@dataclass(frozen=True)
class WorkCalendar:
    """years: those that are arranged; others are provisional by weekday. zone: where the clocks on the wall hang."""

    version: str
    years: Mapping[int, Year]
    hours: Hours
    zone: ZoneInfo = _CHINA

    def day(self, date: dt.date) -> Day:
        year = self.years.get(date.year)
        if year is not None:
            if name := year.makeup.get(date):
                return Day(date, DayKind.MAKEUP, name)
            if name := year.holidays.get(date):
                return Day(date, DayKind.HOLIDAY, name)
        return Day(date, DayKind.REST if date.weekday() >= 5 else DayKind.WORKDAY)

    def is_workday(self, date: dt.date) -> bool:
        works = self._works.get(date)
        if works is None:
            works = self._works[date] = self.day(date).kind.works
        return works

    def provisional(self, first: dt.date, last: dt.date) -> bool:
        """Whether any year touched has no published arrangement."""
        found = self._provisional.get((first.year, last.year))
        if found is None:
            years = [self.years.get(n) for n in range(first.year, last.year + 1)]
            found = self._provisional[first.year, last.year] = any(y is None or not y.published for y in years)
        return found

    def windows(self, date: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
        """The working windows of a date as moments; empty on days off."""
        if not self.is_workday(date):
            return []
        return [(self._at(date, a), self._at(date, b)) for a, b in self.hours.of(date)]

    def next_workday(self, date: dt.date) -> dt.date:
        """The first workday after the date; CalendarError when there is none within the horizon."""
        for n in range(1, 366 * HORIZON_YEARS):
            if self.is_workday(date + n * _DAY):
                return date + n * _DAY
        raise CalendarError(f"{date:%Y-%m-%d} 之后 {HORIZON_YEARS} 年内没有工作日，请检查日历")

    def workday_after(self, date: dt.date, days: int) -> dt.date:
        """The n-th workday after the date; CalendarError when there is none within the horizon."""
        found = self._workdays.get((date, days))
        if found is None:
            found = date
            for _ in range(days):
                found = self.next_workday(found)
            self._workdays[date, days] = found
        return found

    def working_start(self, moment: dt.datetime) -> dt.datetime:
        """The moment itself where it is working time, else the start of the next working window."""
        starts, ends, _ = self._table
        at = moment.timestamp()
        i = bisect_right(ends, at)
        self._inside(i)
        return moment if at >= starts[i] else self._moment(starts[i])

    def close_of(self, date: dt.date) -> dt.datetime:
        """The end of the last working window of a workday."""
        windows = self.windows(date)
        if not windows:
            raise CalendarError(f"{date:%Y-%m-%d} 不是工作日")
        return windows[-1][1]

    def add(self, start: dt.datetime, span: dt.timedelta) -> dt.datetime:
        """The moment when `span` of working time has passed since start. Never hangs: CalendarError instead."""
        starts, _, passed = self._table
        before = self._passed(start)
        target = before + span.total_seconds()
        if target <= before:
            return start
        i = bisect_left(passed, target) - 1
        self._inside(i)
        if i + 1 >= len(passed):
            raise CalendarError(f"日历只排到 {self._last} 年，时限算不出来，请导入新的一年")
        return self._moment(starts[i] + target - passed[i])

    def back(self, end: dt.datetime, span: dt.timedelta) -> dt.datetime:
        """The moment since which `span` of working time has passed until end; the latest one."""
        starts, ends, passed = self._table
        target = self._passed(end) - span.total_seconds()
        i = bisect_right(passed, target) - 1
        if target < 0 or i >= len(starts):
            raise CalendarError(f"日历只排了 {self._first} 到 {self._last} 年，这个时间不在其中")
        return self._moment(min(starts[i] + target - passed[i], ends[i]))

    def between(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """The working time between two moments; zero where end is not after start."""
        if end <= start:
            return dt.timedelta(0)
        return dt.timedelta(seconds=self._passed(end) - self._passed(start))

    def long_holidays(self, first: dt.date, last: dt.date, *, days: int = 3) -> list[tuple[dt.date, dt.date, str]]:
        """Runs of at least `days` days off that hold a feast: (first day, last day, name)."""
        out: list[tuple[dt.date, dt.date, str]] = []
        for run in self._runs_off(first, last):
            names = dict.fromkeys(d.name for d in run if d.name)
            if names and len(run) >= days:
                out.append((run[0].date, run[-1].date, "、".join(names)))
        return out

    def _runs_off(self, first: dt.date, last: dt.date) -> Iterator[list[Day]]:
        run: list[Day] = []
        for n in range((last - first).days + 1):
            day = self.day(first + n * _DAY)
            if not day.kind.works:
                run.append(day)
            elif run:
                yield run
                run = []
        if run:
            yield run

    @property
    def _first(self) -> int:
        return min(self.years, default=2024) - 1

    @property
    def _last(self) -> int:
        return max(self.years, default=2024) + HORIZON_YEARS

    # What was asked for already: recomputing every clock of a desk asks for the same few dates and years.
    @cached_property
    def _works(self) -> dict[dt.date, bool]:
        return {}

    @cached_property
    def _workdays(self) -> dict[tuple[dt.date, int], dt.date]:
        return {}

    @cached_property
    def _provisional(self) -> dict[tuple[int, int], bool]:
        return {}

    @cached_property
    def _table(self) -> tuple[list[float], list[float], list[float]]:
        """Starts and ends of all working windows as timestamps, and the working seconds before each."""
        starts: list[float] = []
        ends: list[float] = []
        passed = [0.0]
        date, last = dt.date(self._first, 1, 1), dt.date(self._last, 12, 31)
        while date <= last:
            for a, b in self.windows(date):
                starts.append(a.timestamp())
                ends.append(b.timestamp())
                passed.append(passed[-1] + ends[-1] - starts[-1])
            date += _DAY
        if not starts:
            raise CalendarError("日历里没有任何工作时间，请检查工作日与上班时间")
        return starts, ends, passed

    def _passed(self, moment: dt.datetime) -> float:
        """Working seconds from the beginning of the table to the moment."""
        starts, ends, passed = self._table
        at = moment.timestamp()
        i = bisect_right(starts, at) - 1
        return 0.0 if i < 0 else passed[i] + min(at, ends[i]) - starts[i]

    def _inside(self, i: int) -> None:
        if not 0 <= i < len(self._table[0]):
            raise CalendarError(f"日历只排了 {self._first} 到 {self._last} 年，这个时间不在其中")

    def _at(self, date: dt.date, time: dt.time) -> dt.datetime:
        return dt.datetime.combine(date, time, self.zone)

    def _moment(self, timestamp: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(timestamp, self.zone)
