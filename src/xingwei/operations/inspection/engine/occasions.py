"""On which days a plan is due: a workday of each quarter, before each long holiday, a day of each month (9.4, 6.2b)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xingwei.base.calendar.engine import WorkCalendar

_DAY = dt.timedelta(days=1)
_QUARTERS = "一二三四"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A day on which an inspection is due. provisional: the year's holidays are not published yet."""

    on: dt.date
    label: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Holiday:
    """A run of days off around a statutory holiday."""

    name: str
    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def occasions(rule: Mapping[str, Any], calendar: WorkCalendar, since: dt.date, until: dt.date) -> list[Occasion]:
    """Those from `since` to `until`, in order. rule: {"every": "quarter", "month": 1–3, "day": 1–28},
    {"every": "holiday", "least": days off, "workdays_before": n} or {"every": "month", "day": 1–28}.

    A day off is moved to the next workday; of a quarter or month never out of it.
    """
    match rule["every"]:
        case "quarter":
            found = _of_months(rule, calendar, since, until, step=3)
        case "month":
            found = _of_months(rule, calendar, since, until, step=1)
        case "holiday":
            found = _before_holidays(rule, calendar, since, until)
        case other:
            raise ValueError(f"不认识的周期：{other}")
    return sorted((o for o in found if since <= o.on <= until), key=lambda o: o.on)


def holidays(calendar: WorkCalendar, since: dt.date, until: dt.date) -> list[Holiday]:
    """Runs of days off that hold a statutory holiday and begin from `since` to `until`."""
    found: list[Holiday] = []
    day = since - 14 * _DAY
    while day <= until:
        if calendar.is_workday(day):
            day += _DAY
            continue
        last, name = day, ""
        while not calendar.is_workday(last):
            name = name or calendar.day(last).name
            last += _DAY
        if name and since <= day <= until:
            found.append(Holiday(name, day, last - _DAY))
        day = last
    return found


def _before_holidays(
    rule: Mapping[str, Any], calendar: WorkCalendar, since: dt.date, until: dt.date
) -> Iterator[Occasion]:
    for holiday in holidays(calendar, since, until + 40 * _DAY):
        if holiday.days < int(rule.get("least", 3)):
            continue
        on = holiday.first
        for _ in range(max(int(rule.get("workdays_before", 3)), 1)):
            on -= _DAY
            while not calendar.is_workday(on):
                on -= _DAY
        yield Occasion(on, f"{holiday.first.year} 年{holiday.name}前巡检", calendar.provisional(on, holiday.last))


def _of_months(
    rule: Mapping[str, Any], calendar: WorkCalendar, since: dt.date, until: dt.date, *, step: int
) -> Iterator[Occasion]:
    year, month = since.year - 1, 1
    while dt.date(year, month, 1) <= until:
        offset = int(rule.get("month", 1)) - 1 if step == 3 else 0
        on = dt.date(year, month + offset, int(rule.get("day", 15)))
        on = _workday(calendar, on)
        what = f"第{_QUARTERS[month // 3]}季度" if step == 3 else f" {month} 月"
        yield Occasion(on, f"{year} 年{what}巡检", calendar.provisional(on, on))
        year, month = (year + 1, 1) if month + step > 12 else (year, month + step)


def _workday(calendar: WorkCalendar, on: dt.date) -> dt.date:
    after = on
    while not calendar.is_workday(after):
        after += _DAY
    if after.month == on.month:
        return after
    while not calendar.is_workday(on):
        on -= _DAY
    return on
