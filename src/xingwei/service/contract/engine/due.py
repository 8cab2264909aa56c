"""When each obligation falls due within a contract, and how it stands on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from xingwei.base.calendar.engine import WorkCalendar

from .model import Obligation
from .periods import Period, Term, contract_quarters, months, once_due, quarters, shares_of_years
from .readings import Readings

SOON = dt.timedelta(days=14)
WEEK = dt.timedelta(days=7)
ASSESSMENT = "scorecard"  # the evidence kind of the quarterly assessment, which 九（十） dates itself
_LONG = ("春节", "国庆")
_DAY = dt.timedelta(days=1)
_LONGEST_HOLIDAY = dt.timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Due:
    """One time that an obligation falls due: done from `first`, at the latest on `due`, both included.

    provisional: the date hangs on a working calendar that is not published yet.
    """

    obligation: Obligation
    number: int
    label: str
    first: dt.date
    due: dt.date
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """That it was done, for one system or ("") for all: on which day, and for which due day where that was said."""

    on: dt.date
    system: str = ""
    due: dt.date | None = None

    def answers(self, due: Due) -> bool:
        if self.due is not None:
            return self.due == due.due
        return due.obligation.period == "once" or due.first <= self.on <= due.due


@dataclass(frozen=True, slots=True)
class Standing:
    """state: done, done_late, partly (some systems are missing), late, soon, open, future.

    missing: the systems for which nothing shows that it was done.
    """

    due: Due
    state: str
    missing: tuple[str, ...] = ()
    done_on: dt.date | None = None

    @property
    def is_done(self) -> bool:
        return self.state in {"done", "done_late"}


def dues(obligation: Obligation, term: Term, calendar: WorkCalendar, readings: Readings) -> list[Due]:
    """Every time that a dated obligation falls due in the term, in order; none for those without dates."""
    if obligation.period == "before_holidays":
        return _before_holidays(obligation, term, calendar, readings)
    if obligation.period == "once":
        return [Due(obligation, 1, "一次", term.starts_on, once_due(term, readings))]
    return [Due(obligation, p.number, p.label, p.first, p.last) for p in _periods(obligation, term, readings)]


def standing(due: Due, done: Iterable[Done], today: dt.date) -> Standing:
    """How one due time stands on a day, by what was recorded for its obligation."""
    found = [d for d in done if d.answers(due)]
    everywhere = any(d.system == "" for d in found)
    missing = () if everywhere else tuple(s for s in due.obligation.systems if s not in {d.system for d in found})
    if found and not missing:
        last = max(d.on for d in found)
        return Standing(due, "done_late" if last > due.due else "done", (), last)
    if today > due.due:
        state = "late"
    elif today < due.first:
        state = "future"
    elif due.due - today <= SOON:
        state = "soon"
    else:
        state = "partly" if found else "open"
    return Standing(due, state, missing if found else ())


def _periods(obligation: Obligation, term: Term, readings: Readings) -> list[Period]:
    match obligation.period:
        case "monthly":
            return months(term, readings)
        case "quarterly" if obligation.evidence_kind == ASSESSMENT:
            return contract_quarters(term)
        case "quarterly":
            return quarters(term, readings)
        case "yearly":
            return shares_of_years(term, obligation.times, readings)
    return []


def _before_holidays(obligation: Obligation, term: Term, calendar: WorkCalendar, readings: Readings) -> list[Due]:
    """Due on the last workday before each holiday that begins within the term (六2 系统巡检)."""
    out: list[Due] = []
    free_from = term.starts_on
    reach = term.starts_on - _LONGEST_HOLIDAY, term.ends_on + _LONGEST_HOLIDAY
    for first, last, name in calendar.long_holidays(*reach, days=1):
        if readings["major-holidays"] == "long" and not any(word in name for word in _LONG):
            continue
        eve = first - _DAY
        while eve >= term.starts_on and not calendar.is_workday(eve):
            eve -= _DAY
        if first in term and eve >= term.starts_on:
            opens = max(free_from, eve - WEEK + _DAY) if readings["holiday-lead"] == "week" else free_from
            provisional = calendar.provisional(first, first)
            out.append(Due(obligation, len(out) + 1, f"{name}前", min(opens, eve), eve, provisional))
        free_from = max(last + _DAY, term.starts_on)
    return out
