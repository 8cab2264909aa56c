from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.calendar.engine import (
    CalendarError,
    DayKind,
    Hours,
    WorkCalendar,
    Year,
    changes,
    hours_data,
    parse_hours,
    parse_windows,
    parse_year,
)

DATA = Path(__file__).parents[5] / "calendars"
YEARS = {y.number: y for y in (parse_year(yaml.safe_load(p.read_text("utf-8"))) for p in DATA.glob("2*.yaml"))}
HOURS = Hours(parse_windows(["08:00-12:00", "14:00-17:30"]))
CALENDAR = WorkCalendar("t", YEARS, HOURS)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MOMENTS = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2027, 12, 31)).map(lambda m: m.replace(tzinfo=SHANGHAI))
SPANS = st.timedeltas(dt.timedelta(0), dt.timedelta(hours=400))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(("year", "workdays"), [(2024, 251), (2025, 248), (2026, 248)])
def test_the_published_years_have_the_workdays_of_the_notice(year: int, workdays: int) -> None:
    days = [dt.date(year, 1, 1) + dt.timedelta(n) for n in range(366)]
    assert sum(CALENDAR.is_workday(d) for d in days if d.year == year) == workdays


@pytest.mark.clause("9.2b")
def test_the_makeup_workdays_of_2026_are_worked() -> None:
    made_up = set(YEARS[2026].makeup)
    assert {f"{d:%m-%d}" for d in made_up} == {"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}
    assert all(CALENDAR.day(d).kind is DayKind.MAKEUP and d.weekday() >= 5 for d in made_up)


def test_a_year_not_yet_published_is_known_to_be_provisional() -> None:
    assert not CALENDAR.provisional(dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert CALENDAR.provisional(dt.date(2026, 12, 31), dt.date(2027, 1, 1))
    assert CALENDAR.provisional(dt.date(2029, 1, 1), dt.date(2029, 1, 2))


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-18T10:00", 1, "2026-03-18T11:00"),
        ("2026-03-18T11:30", 1, "2026-03-18T14:30"),  # lunch does not count
        ("2026-03-18T17:00", 1, "2026-03-19T08:30"),
        ("2026-02-14T17:00", 1, "2026-02-24T08:30"),  # make-up Saturday, then nine days of 春节
        ("2026-09-30T17:00", 1, "2026-10-08T08:30"),
        ("2026-10-09T17:00", 1, "2026-10-10T08:30"),  # Saturday, worked for 国庆
        ("2026-03-21T03:00", 1, "2026-03-23T09:00"),  # asked on a Saturday night
        ("2026-03-18T12:30", 0, "2026-03-18T12:30"),
    ],
)
def test_working_time_is_added_over_nights_lunch_and_feasts(start: str, hours: int, end: str) -> None:
    assert CALENDAR.add(at(start), dt.timedelta(hours=hours)) == at(end)


@given(MOMENTS, SPANS)
def test_what_is_added_lies_between(start: dt.datetime, span: dt.timedelta) -> None:
    end = CALENDAR.add(start, span)
    assert end >= start
    assert abs(CALENDAR.between(start, end) - span) < dt.timedelta(milliseconds=1)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_working_time_is_additive_and_never_more_than_time(a: dt.datetime, b: dt.datetime, c: dt.datetime) -> None:
    a, b, c = sorted((a, b, c))
    whole = CALENDAR.between(a, c)
    assert abs(whole - CALENDAR.between(a, b) - CALENDAR.between(b, c)) < dt.timedelta(milliseconds=1)
    assert dt.timedelta(0) <= whole <= c - a


def test_an_empty_calendar_says_so_and_does_not_hang() -> None:
    empty = WorkCalendar("e", {}, Hours(()))
    with pytest.raises(CalendarError, match="没有任何工作时间"):
        empty.add(at("2026-03-18T10:00"), dt.timedelta(hours=1))
    never = {dt.date(2026, 1, 1) + dt.timedelta(n): "休" for n in range(365 * 5)}
    closed = WorkCalendar("c", {y: Year(y, True, holidays=never) for y in range(2026, 2031)}, HOURS)
    with pytest.raises(CalendarError, match="没有工作日"):
        closed.next_workday(dt.date(2026, 1, 1))


def test_beyond_the_horizon_is_an_error_not_a_guess() -> None:
    with pytest.raises(CalendarError, match="只排"):
        CALENDAR.add(at("2030-12-31T17:00"), dt.timedelta(hours=900))


def test_a_zone_with_summer_time_loses_nothing() -> None:
    berlin = WorkCalendar(
        "b", {2026: Year(2026, True)}, Hours(parse_windows(["00:00-06:00"])), ZoneInfo("Europe/Berlin")
    )
    start = dt.datetime(2026, 3, 27, 0, 0, tzinfo=berlin.zone)
    assert berlin.between(start, dt.datetime(2026, 3, 31, 0, 0, tzinfo=berlin.zone)) == dt.timedelta(hours=12)
    autumn = WorkCalendar("b", {2026: Year(2026, True, makeup={dt.date(2026, 10, 25): "x"})}, berlin.hours, berlin.zone)
    day = autumn.windows(dt.date(2026, 10, 25))[0]
    assert (day[1].timestamp() - day[0].timestamp()) == 7 * 3600  # the hour that comes twice is worked twice


def test_a_season_may_run_over_the_new_year() -> None:
    hours = Hours(parse_windows(["08:00-12:00"]), (((11, 1), (3, 31), parse_windows(["08:30-12:00"])),))
    assert hours.of(dt.date(2026, 12, 31)) == hours.of(dt.date(2027, 3, 31)) == ((dt.time(8, 30), dt.time(12)),)
    assert hours.of(dt.date(2026, 4, 1)) == ((dt.time(8), dt.time(12)),)


def test_long_holidays_are_named() -> None:
    found = CALENDAR.long_holidays(dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert [(str(a), str(b), n) for a, b, n in found][1] == ("2026-02-15", "2026-02-23", "春节")
    assert len(found) == 7


def test_hours_are_read_as_people_type_them_and_written_plainly() -> None:
    data = {
        "default": ["8:00—12:00", "14：00 至 17：30"],
        "seasons": [{"from": "5月1日", "to": "9-30", "windows": ["08:00-12:00"]}],
    }
    assert hours_data(parse_hours(data)) == {
        "default": ["08:00-12:00", "14:00-17:30"],
        "seasons": [{"from": "05-01", "to": "09-30", "windows": ["08:00-12:00"]}],
    }


@pytest.mark.parametrize(
    ("seasons", "said"),
    [
        ([("05-01", "09-30"), ("09-30", "10-31")], "9 月 30 日落在两个季节里"),
        ([("05-01", "02-30")], "不是月和日"),
        ([("11-01", "03-31"), ("01-01", "01-02")], "1 月 1 日落在两个季节里"),
    ],
)
def test_seasons_that_overlap_are_refused(seasons: list[tuple[str, str]], said: str) -> None:
    data = [{"from": a, "to": b, "windows": ["08:00-12:00"]} for a, b in seasons]
    with pytest.raises(CalendarError, match=said):
        parse_hours({"default": ["08:00-12:00"], "seasons": data})


def test_the_difference_of_two_calendars_names_the_days() -> None:
    without = WorkCalendar("b", YEARS | {2026: Year(2026, True)}, HOURS)
    found = changes(without, CALENDAR, dt.date(2026, 2, 14), dt.date(2026, 2, 16))
    assert [(c.date.day, c.before.kind.value, c.after.kind.value) for c in found] == [
        (14, "rest", "makeup"),
        (15, "rest", "holiday"),
        (16, "workday", "holiday"),
    ]
    assert changes(CALENDAR, CALENDAR, dt.date(2026, 1, 1), dt.date(2026, 12, 31)) == []


@pytest.mark.parametrize("texts", [["12:00-08:00"], ["08:00-12:00", "11:00-13:00"], ["八点"], [], ["08:00"]])
def test_bad_hours_are_refused_in_words(texts: list[str]) -> None:
    with pytest.raises(CalendarError, match="上班时间"):
        parse_windows(texts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"holidays": [{"name": "元旦", "from": "2026-01-03", "to": "2026-01-01"}]}, "结束早于开始"),
        ({"makeup": [{"date": "2026-01-05", "for": "元旦"}]}, "本来就是工作日"),
        ({"makeup": [{"date": "2025-01-04", "for": "元旦"}]}, "不在 2026 年"),
        ({"makeup": [{"date": "2026-01-03", "for": "元旦"}]}, "既是节假日又是调休"),
        ({"makeup": [{"date": "2026-01-04", "for": "元旦"}] * 2}, "写了两遍"),
        ({"holidays": [{"name": "假", "from": "2026-01-01", "to": "2026-12-31"}]}, "放假超过 31 天"),
        ({"holidays": [{"name": n, "from": "2026-01-01", "to": "2026-01-03"} for n in "甲乙"]}, "写在两个节日里"),
    ],
)
def test_a_year_that_contradicts_itself_is_refused(change: dict[str, object], said: str) -> None:
    data = {
        "year": 2026,
        "status": "published",
        "holidays": [{"name": "元旦", "from": "2026-01-01", "to": "2026-01-03"}],
    }
    with pytest.raises(CalendarError, match=said):
        parse_year(data | change)


def test_many_workdays_on_is_one_workday_on_as_often() -> None:
    work = WorkCalendar("1", {}, Hours(((dt.time(8), dt.time(12)),)))
    date = dt.date(2026, 3, 19)
    assert [work.workday_after(date, n) for n in (0, 1, 2, 5)] == [
        date, dt.date(2026, 3, 20), dt.date(2026, 3, 23), dt.date(2026, 3, 26),
    ]  # fmt: skip
    assert work.workday_after(date, 5) == dt.date(2026, 3, 26)
