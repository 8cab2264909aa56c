"""A year as twelve months of weeks, ready for the template."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from .engine import Day, DayKind, WorkCalendar

_DAY = dt.timedelta(days=1)
MARKS = {DayKind.HOLIDAY: "休", DayKind.MAKEUP: "班"}
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Cell:
    """One date. mark: 休, 班 or nothing; changed: differs from the calendar that it is compared with."""

    day: Day
    mark: str
    text: str
    today: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Month:
    number: int
    weeks: list[list[Cell | None]]
    workdays: int


def year_picture(
    calendar: WorkCalendar, year: int, *, today: dt.date, other: WorkCalendar | None = None
) -> list[Month]:
    """Twelve months, weeks from Monday; other: the calendar before, whose different days are marked."""
    return [_month(calendar, year, n, today, other) for n in range(1, 13)]


def totals(calendar: WorkCalendar, year: int) -> dict[str, int]:
    """Number of days of each kind, and "working": workdays and make-up workdays together."""
    counts = {kind.value: 0 for kind in DayKind}
    date = dt.date(year, 1, 1)
    while date.year == year:
        counts[calendar.day(date).kind.value] += 1
        date += _DAY
    return counts | {"working": counts["workday"] + counts["makeup"]}


def spoken(day: Day) -> str:
    """The day as it is read out: "2026-02-14 周六 调休工作日（春节）"."""
    name = f"（{day.name}）" if day.name else ""
    return f"{day.date} 周{_WEEKDAYS[day.date.weekday()]} {day.kind.label}{name}"


def _month(calendar: WorkCalendar, year: int, number: int, today: dt.date, other: WorkCalendar | None) -> Month:
    date = dt.date(year, number, 1)
    cells: list[Cell | None] = [None] * date.weekday()
    workdays = 0
    while date.month == number:
        day = calendar.day(date)
        workdays += day.kind.works
        changed = other is not None and other.day(date) != day
        cells.append(Cell(day, MARKS.get(day.kind, ""), spoken(day), date == today, changed))
        if date == dt.date.max:
            break
        date += _DAY
    cells += [None] * (-len(cells) % 7)
    return Month(number, [cells[i : i + 7] for i in range(0, len(cells), 7)], workdays)
