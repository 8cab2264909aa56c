"""On which days inspections are due, and how one compares with the last: pure."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.calendar.engine import Hours, WorkCalendar
from xingwei.base.calendar.engine.arrangement import parse_windows, parse_year
from xingwei.base.runtime.config import REPO

from ..engine.comparing import Change, compare, count
from ..engine.occasions import holidays, occasions

YEAR = yaml.safe_load((REPO / "calendars" / "2026.yaml").read_text("utf-8"))  # as the State Council published it


def made() -> WorkCalendar:
    return WorkCalendar("t", {2026: parse_year(YEAR)}, Hours(parse_windows(["08:00-12:00"])))


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return made()


FIRST, LAST = dt.date(2026, 1, 5), dt.date(2026, 12, 31)


@pytest.mark.clause("6.2b")
def test_before_each_long_holiday_so_many_workdays(calendar: WorkCalendar) -> None:
    found = occasions({"every": "holiday", "least": 3, "workdays_before": 3}, calendar, FIRST, LAST)
    assert [(f"{o.on:%m-%d}", o.label) for o in found] == [
        ("02-12", "2026 年春节前巡检"),  # the 14th is a make-up Saturday and counts
        ("04-01", "2026 年清明节前巡检"),
        ("04-28", "2026 年劳动节前巡检"),
        ("06-16", "2026 年端午节前巡检"),
        ("09-22", "2026 年中秋节前巡检"),
        ("09-28", "2026 年国庆节前巡检"),
    ]


def test_only_the_longest_holidays_where_that_is_asked(calendar: WorkCalendar) -> None:
    assert [(h.name, h.days) for h in holidays(calendar, FIRST, LAST) if h.days >= 7] == [("春节", 9), ("国庆节", 7)]
    found = occasions({"every": "holiday", "least": 7}, calendar, FIRST, LAST)
    assert [o.label for o in found] == ["2026 年春节前巡检", "2026 年国庆节前巡检"]


@pytest.mark.clause("9.4", "9.2d")
def test_four_times_a_year_on_workdays(calendar: WorkCalendar) -> None:
    found = occasions({"every": "quarter", "month": 2, "day": 15}, calendar, dt.date(2026, 1, 1), LAST)
    assert [(f"{o.on:%m-%d}", o.label) for o in found] == [
        ("02-24", "2026 年第一季度巡检"),  # the 15th to the 23rd is the Spring Festival
        ("05-15", "2026 年第二季度巡检"),
        ("08-17", "2026 年第三季度巡检"),
        ("11-16", "2026 年第四季度巡检"),
    ]


def test_an_unpublished_year_is_said_to_be_provisional(calendar: WorkCalendar) -> None:
    (found,) = occasions(
        {"every": "quarter", "month": 1, "day": 8}, calendar, dt.date(2027, 1, 1), dt.date(2027, 3, 31)
    )
    assert found.provisional


@given(
    st.integers(1, 3), st.integers(1, 28),
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)), st.integers(0, 500),
)  # fmt: skip
def test_one_a_quarter_whatever_the_window(month: int, day: int, since: dt.date, length: int) -> None:
    calendar = made()
    until = since + dt.timedelta(days=length)
    rule = {"every": "quarter", "month": month, "day": day}
    found = occasions(rule, calendar, since, until)
    assert all(calendar.is_workday(o.on) and since <= o.on <= until for o in found)
    quarters = [(o.on.year, (o.on.month - 1) // 3) for o in found]
    assert len(set(quarters)) == len(quarters)
    everything = occasions(rule, calendar, dt.date(2025, 1, 1), dt.date(2028, 12, 31))
    assert found == [o for o in everything if since <= o.on <= until]


def test_what_became_of_each_item() -> None:
    now = {("a", "", "1"): "hazard", ("a", "", "2"): "hazard", ("a", "", "3"): "ok", ("a", "", "4"): "ok",
           ("a", "", "5"): "", ("a", "", "6"): "hazard", ("a", "", "7"): "ok"}  # fmt: skip
    last = {("a", "", "1"): "ok", ("a", "", "2"): "hazard", ("a", "", "3"): "hazard", ("a", "", "4"): "ok",
            ("a", "", "7"): "skipped"}  # fmt: skip
    assert [c.value for c in compare(now, last).values()] == [
        "new", "stays", "mended", "same", "unknown", "new", "unknown",
    ]  # fmt: skip
    assert compare(now, last)[("a", "", "3")] is Change.MENDED
    assert (count(now.values()).ok, count(now.values()).hazard, count(now.values()).open) == (3, 3, 1)
