"""Months, quarters and years of a contract: they tile its term without gap or overlap, whatever the reading."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from .readings import Readings

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """first and last day, both included. number: counted from 1 within the contract."""

    number: int
    first: dt.date
    last: dt.date
    label: str

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Term:
    """First and last day of a contract, both included."""

    starts_on: dt.date
    ends_on: dt.date

    def __post_init__(self) -> None:
        if self.ends_on < self.starts_on:
            raise ValueError("合同终止日早于起始日")

    def __contains__(self, day: dt.date) -> bool:
        return self.starts_on <= day <= self.ends_on

    @property
    def months(self) -> int:
        """Months of the term, a begun one counted as one: what a month's fee is a share of."""
        return sum(1 for _ in _steps(self, 1))


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last of that month where it has no such day (民法典 202 条)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def contract_quarters(term: Term) -> list[Period]:
    """Every three months from the first day of the contract (九（十）)."""
    return [Period(n, first, last, f"第 {n} 季度") for n, first, last in _steps(term, 3)]


def quarters(term: Term, readings: Readings) -> list[Period]:
    """The quarters of everything but the assessment, which 九（十） counts from the contract's first day."""
    if readings["quarter"] == "contract":
        return contract_quarters(term)
    found = _clipped(term, 3)
    return [Period(n, a, b, f"{f.year} 年第 {(f.month + 2) // 3} 季度") for n, (f, a, b) in enumerate(found, 1)]


def months(term: Term, readings: Readings) -> list[Period]:
    """Months, counted as quarters are."""
    if readings["quarter"] == "contract":
        return [Period(n, first, last, f"第 {n} 个月") for n, first, last in _steps(term, 1)]
    found = _clipped(term, 1)
    return [Period(n, a, b, f"{f.year} 年 {f.month} 月") for n, (f, a, b) in enumerate(found, 1)]


def shares_of_years(term: Term, times: int, readings: Readings) -> list[Period]:
    """Each year in `times` equal shares: four inspections a year are one in each quarter of that year."""
    out: list[Period] = []
    for number, start in enumerate(_years(term, readings), start=1):
        name = f"{start.year} 年" if readings["year"] == "calendar" else f"第 {number} 合同年"
        for share in range(times):
            first, end = _share(start, share, times), _share(start, share + 1, times)
            a, b = max(first, term.starts_on), min(end - _DAY, term.ends_on)
            if a <= b:
                nth = f"第 {share + 1} 次" if times > 1 else ""
                out.append(Period(len(out) + 1, a, b, f"{name}{nth}"))
    return out


def once_due(term: Term, readings: Readings) -> dt.date:
    """By when what is due once is due, which the text does not say."""
    return term.starts_on if readings["once-due"] == "start" else contract_quarters(term)[0].last


def current(periods: list[Period], day: dt.date) -> Period | None:
    """The period that holds the day."""
    return next((p for p in periods if day in p), None)


def year_of(day: dt.date, term: Term, readings: Readings) -> int:
    """A number that two days share when they lie in the same year, as the years are read."""
    if readings["year"] == "calendar":
        return day.year
    return sum(1 for start in _years(term, readings) if start <= day)


def _steps(term: Term, months: int) -> Iterator[tuple[int, dt.date, dt.date]]:
    number = 0
    while (first := add_months(term.starts_on, months * number)) <= term.ends_on:
        number += 1
        yield number, first, min(add_months(term.starts_on, months * number) - _DAY, term.ends_on)


def _clipped(term: Term, months: int) -> Iterator[tuple[dt.date, dt.date, dt.date]]:
    """Calendar months or quarters that touch the term: (their own first day, first and last day within it)."""
    index = (term.starts_on.month - 1) // months * months
    first = dt.date(term.starts_on.year, index + 1, 1)
    while first <= term.ends_on:
        following = add_months(first, months)
        yield first, max(first, term.starts_on), min(following - _DAY, term.ends_on)
        first = following


def _years(term: Term, readings: Readings) -> Iterator[dt.date]:
    if readings["year"] == "calendar":
        yield from (dt.date(year, 1, 1) for year in range(term.starts_on.year, term.ends_on.year + 1))
        return
    number = 0
    while (first := add_months(term.starts_on, 12 * number)) <= term.ends_on:
        yield first
        number += 1


def _share(start: dt.date, share: int, times: int) -> dt.date:
    if 12 % times == 0:
        return add_months(start, 12 // times * share)
    days = (add_months(start, 12) - start).days
    return start + dt.timedelta(days=days * share // times)
