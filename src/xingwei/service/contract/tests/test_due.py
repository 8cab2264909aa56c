"""Periods tile a contract's term; obligations fall due in them, before holidays on the last workday."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.calendar.engine import Hours, WorkCalendar, parse_windows, parse_year
from xingwei.base.runtime.config import REPO
from xingwei.service.contract.engine.due import Done, Due, Standing, dues, standing
from xingwei.service.contract.engine.model import Obligation
from xingwei.service.contract.engine.periods import (
    Period,
    Term,
    add_months,
    contract_quarters,
    months,
    quarters,
    shares_of_years,
    year_of,
)
from xingwei.service.contract.engine.readings import Readings
from xingwei.service.contract.files import load_directory

from .conftest import GUANGYUAN

CONTRACT = load_directory(GUANGYUAN).contract
TERM = Term(dt.date(2025, 10, 15), dt.date(2026, 10, 14))
CALENDAR = WorkCalendar(
    "test",
    {y: parse_year(yaml.safe_load((REPO / f"calendars/{y}.yaml").read_text("utf-8"))) for y in (2025, 2026)},
    Hours(parse_windows(["08:00-12:00", "14:00-17:30"])),
)
d = dt.date


def obligation(ident: str) -> Obligation:
    return next(o for o in CONTRACT.obligations if o.id == ident)


def due_days(ident: str, term: Term = TERM, **chosen: str) -> list[dt.date]:
    under = Readings({k.replace("_", "-"): v for k, v in chosen.items()})
    return [due.due for due in dues(obligation(ident), term, CALENDAR, under)]


@pytest.mark.clause("9.10", "9.6")
def test_quarters_of_the_contract_and_of_the_calendar() -> None:
    ends = [d(2026, 1, 14), d(2026, 4, 14), d(2026, 7, 14), d(2026, 10, 14)]
    assert due_days("scorecard") == due_days("service-report") == ends
    assert due_days("scorecard", quarter="calendar") == ends  # 九（十） dates the assessment itself
    assert due_days("service-report", quarter="calendar") == [
        d(2025, 12, 31), d(2026, 3, 31), d(2026, 6, 30), d(2026, 9, 30), d(2026, 10, 14),
    ]  # fmt: skip


@pytest.mark.clause("9.4", "6.8", "6.9")
def test_four_inspections_a_year_and_once_a_year() -> None:
    assert due_days("inspection") == [d(2026, 1, 14), d(2026, 4, 14), d(2026, 7, 14), d(2026, 10, 14)]
    assert due_days("yearly-report") == [d(2026, 10, 14)]
    assert due_days("yearly-report", year="calendar") == [d(2025, 12, 31), d(2026, 10, 14)]
    three = replace(obligation("inspection"), times=5)
    assert [p.due for p in dues(three, TERM, CALENDAR, Readings())] == [
        d(2025, 12, 26), d(2026, 3, 9), d(2026, 5, 21), d(2026, 8, 2), d(2026, 10, 14),
    ]  # fmt: skip


@pytest.mark.clause("6.2b")
def test_before_each_holiday_on_its_last_workday() -> None:
    found = dues(obligation("holiday-inspection"), TERM, CALENDAR, Readings())
    assert [(x.label, x.due) for x in found] == [
        ("元旦前", d(2025, 12, 31)),
        ("春节前", d(2026, 2, 14)),  # a make-up Saturday is worked
        ("清明节前", d(2026, 4, 3)),
        ("劳动节前", d(2026, 4, 30)),
        ("端午节前", d(2026, 6, 18)),
        ("中秋节前", d(2026, 9, 24)),
        ("国庆节前", d(2026, 9, 30)),
    ]
    assert not any(x.provisional for x in found)
    assert [
        x.due for x in dues(obligation("holiday-inspection"), TERM, CALENDAR, Readings({"major-holidays": "long"}))
    ] == [
        d(2026, 2, 14),
        d(2026, 9, 30),
    ]


def test_a_holiday_that_has_begun_before_the_contract_needs_no_inspection() -> None:
    golden_week = Term(d(2025, 10, 3), d(2025, 12, 30))
    assert due_days("holiday-inspection", golden_week) == []
    first_day = Term(d(2025, 10, 1), d(2026, 1, 1))  # no workday of the term lies before 国庆节
    assert due_days("holiday-inspection", first_day) == [d(2025, 12, 31)]


def test_a_year_without_published_holidays_is_marked() -> None:
    beyond = Term(d(2026, 10, 15), d(2027, 10, 14))
    guessed = parse_year(
        {
            "year": 2027,
            "status": "provisional",
            "holidays": [{"name": "元旦", "from": "2027-01-01", "to": "2027-01-01"}],
        }
    )
    calendar = replace(CALENDAR, years={**CALENDAR.years, 2027: guessed})
    found = dues(obligation("holiday-inspection"), beyond, calendar, Readings())
    assert [(x.due, x.provisional) for x in found] == [(d(2026, 12, 31), True)]


def test_what_has_no_dates_has_none() -> None:
    for ident in ("onsite-two", "response-7x24", "respond"):
        assert not obligation(ident).dated
        assert due_days(ident) == []


def test_what_is_due_once() -> None:
    assert due_days("confidentiality") == [d(2025, 10, 15)]
    assert due_days("confidentiality", once_due="first_quarter") == [d(2026, 1, 14)]


STANDINGS = [
    ("not begun", [], d(2026, 1, 14), "future"),
    ("open", [], d(2026, 2, 1), "open"),
    ("two weeks before", [], d(2026, 3, 31), "soon"),
    ("a day more", [], d(2026, 3, 30), "open"),
    ("on the last day", [], d(2026, 4, 14), "soon"),
    ("a day late", [], d(2026, 4, 15), "late"),
    ("done", [Done(d(2026, 4, 14))], d(2026, 4, 15), "done"),
    ("done in the period before", [Done(d(2026, 1, 14))], d(2026, 4, 15), "late"),
    ("done late, and said for which", [Done(d(2026, 4, 20), due=d(2026, 4, 14))], d(2026, 4, 21), "done_late"),
    ("said for another", [Done(d(2026, 4, 10), due=d(2026, 7, 14))], d(2026, 4, 15), "late"),
]


@pytest.mark.parametrize(("name", "done", "today", "state"), STANDINGS, ids=[s[0] for s in STANDINGS])
def test_how_it_stands_on_a_day(name: str, done: list[Done], today: dt.date, state: str) -> None:
    second = dues(obligation("service-report"), TERM, CALENDAR, Readings())[1]
    assert standing(second, done, today).state == state


@pytest.mark.clause("9.4")
def test_an_inspection_that_left_a_system_out_is_not_done() -> None:
    second = dues(obligation("inspection"), TERM, CALENDAR, Readings())[1]
    nine = [Done(d(2026, 3, 1), s) for s in second.obligation.systems if s != "ESB"]
    assert standing(second, nine, d(2026, 3, 18)) == Standing(second, "partly", ("ESB",))
    assert standing(second, nine, d(2026, 4, 15)) == Standing(second, "late", ("ESB",))
    assert standing(second, [*nine, Done(d(2026, 4, 1), "ESB")], d(2026, 4, 15)).state == "done"
    assert standing(second, [Done(d(2026, 4, 1))], d(2026, 4, 15)).state == "done"  # recorded for all at once


def test_what_is_done_once_counts_whenever_it_was_done() -> None:
    once = dues(obligation("confidentiality"), TERM, CALENDAR, Readings())[0]
    assert standing(once, [Done(d(2025, 9, 1))], d(2026, 1, 1)).state == "done"
    assert standing(once, [Done(d(2025, 11, 1))], d(2026, 1, 1)).state == "done_late"


def test_months_later_is_never_a_day_that_does_not_exist() -> None:
    assert add_months(d(2025, 11, 30), 3) == d(2026, 2, 28)
    assert add_months(d(2023, 11, 30), 3) == d(2024, 2, 29)
    assert add_months(d(2026, 3, 31), -1) == d(2026, 2, 28)
    assert Term(d(2025, 10, 15), d(2026, 10, 14)).months == 12


days = st.dates(d(2020, 1, 1), d(2030, 12, 31))
terms = st.builds(lambda start, length: Term(start, start + dt.timedelta(days=length)), days, st.integers(0, 1200))
under = st.fixed_dictionaries(
    {"quarter": st.sampled_from(["contract", "calendar"]), "year": st.sampled_from(["contract", "calendar"])}
).map(Readings)
SOME = settings(max_examples=100, deadline=None)


def tiles(periods: list[Period], term: Term) -> None:
    assert periods[0].first == term.starts_on
    assert periods[-1].last == term.ends_on
    for one, next_ in pairwise(periods):
        assert next_.first == one.last + dt.timedelta(days=1)
    assert [p.number for p in periods] == list(range(1, len(periods) + 1))


@SOME
@given(terms, under, st.integers(1, 13))
def test_periods_tile_the_term_whatever_the_reading(term: Term, readings: Readings, times: int) -> None:
    for periods in (
        contract_quarters(term),
        quarters(term, readings),
        months(term, readings),
        shares_of_years(term, times, readings),
    ):
        tiles(periods, term)


@SOME
@given(terms, under, st.sampled_from([o for o in CONTRACT.obligations if o.dated]))
def test_due_days_lie_in_the_term_in_order_and_once_each(term: Term, readings: Readings, what: Obligation) -> None:
    found: list[Due] = dues(what, term, CALENDAR, readings)
    assert all(x.first <= x.due and x.due in term for x in found)
    assert [x.due for x in found] == sorted({x.due for x in found})


@SOME
@given(terms, under, st.integers(0, 1200))
def test_every_day_of_the_term_lies_in_one_year(term: Term, readings: Readings, offset: int) -> None:
    day = min(term.starts_on + dt.timedelta(days=offset), term.ends_on)
    years = shares_of_years(term, 1, readings)
    holding = [p.number for p in years if day in p]
    assert len(holding) == 1
    assert year_of(day, term, readings) == year_of(years[holding[0] - 1].first, term, readings)
