"""Every trap that other desks fell into (with where it is known from), each as a case; and what holds for any history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.calendar.engine import Hours, WorkCalendar, Year, parse_windows, parse_year
from xingwei.service.contract.engine.model import Arrival
from xingwei.service.desk.engine.clocks import Clock, ClockError, Event, Terms, compute, load, remind_at

CHINA = ZoneInfo("Asia/Shanghai")
REPO = Path(__file__).parents[6]
DATA = yaml.safe_load((Path(__file__).parents[2] / "data/clocks.yaml").read_text(encoding="utf-8"))
RULES = load(DATA, {"desk.confirm.hours": 24})
KINDS = yaml.safe_load((Path(__file__).parents[2] / "data/kinds.yaml").read_text(encoding="utf-8"))
YEARS = {
    y: parse_year(yaml.safe_load((REPO / f"calendars/{y}.yaml").read_text(encoding="utf-8"))) for y in (2025, 2026)
}
CALENDAR = WorkCalendar("t", YEARS, Hours(parse_windows(["08:00-12:00", "14:00-17:30"])))
TERMS = Terms(
    version="t",
    response=dt.timedelta(minutes=30),
    arrive={
        1: Arrival(hours=dt.timedelta(hours=2)),
        2: Arrival(hours=dt.timedelta(hours=3)),
        3: Arrival(workdays=1, or_by_agreement=True),
    },
)


def at(text: str) -> dt.datetime:
    """ "03-18 09:41" of 2026, in China."""
    return dt.datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


def story(*lines: str) -> list[Event]:
    """Lines like "03-18 09:41 opened severity=2 state=new"."""
    out = []
    for line in lines:
        day, time, kind, *facts = line.split()
        data: dict[str, object] = {}
        for fact in facts:
            name, _, value = fact.partition("=")
            data[name] = int(value) if value.isdigit() else True if value == "yes" else value
        if "until" in data:
            data["until"] = at(str(data["until"]).replace("T", " ")).isoformat()
        out.append(Event(at(f"{day} {time}"), kind, data))
    return out


def clock(key: str, events: Sequence[Event], *, kind: str = "incident", terms: Terms = TERMS) -> Clock:
    found = [c for c in compute(RULES[kind], events, terms, CALENDAR) if c.key == key]
    assert found, f"no {key} clock runs"
    return found[-1]


def due(key: str, *lines: str, kind: str = "incident", terms: Terms = TERMS) -> dt.datetime | None:
    return clock(key, story(*lines), kind=kind, terms=terms).due


@pytest.mark.clause("9.2a")
def test_a_fault_is_answered_within_half_an_hour_by_night_and_on_holidays_too() -> None:
    assert due("response", "10-01 03:10 opened severity=3") == at("10-01 03:40")


@pytest.mark.clause("9.2b")
@pytest.mark.parametrize(
    ("severity", "opened", "expected"),
    [
        (1, "03-18 09:41", "03-18 11:41"),
        (2, "03-18 09:41", "03-18 12:41"),
        (2, "03-21 23:00", "03-22 02:00"),  # around the clock, on a Saturday
        (3, "03-18 09:41", "03-19 09:41"),
        (3, "03-20 16:00", "03-23 16:00"),  # over a weekend
        (3, "03-20 20:00", "03-24 08:00"),  # after hours: counted from Monday morning
        (3, "02-13 10:00", "02-14 10:00"),  # the Saturday before 春节 is a make-up workday
        (3, "02-14 10:00", "02-24 10:00"),  # the whole of 春节 in between
        (3, "09-30 15:00", "10-08 15:00"),
    ],
)
def test_arrival_by_level_on_the_chinese_calendar(severity: int, opened: str, expected: str) -> None:
    assert due("arrival", f"{opened} opened severity={severity}") == at(expected)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [("03-18 09:41", "03-19 17:30"), ("03-20 20:00", "03-23 17:30"), ("03-21 10:00", "03-23 17:30")],
)
def test_the_other_reading_of_a_workday_is_the_close_of_the_next_one(opened: str, expected: str) -> None:
    """GLPI offers both; the contract names neither."""
    terms = Terms(**{**_fields(TERMS), "workday": "close_of_day"})
    assert due("arrival", f"{opened} opened severity=3", terms=terms) == at(expected)


def test_whether_two_hours_run_around_the_clock_is_a_reading_of_the_contract() -> None:
    terms = Terms(**{**_fields(TERMS), "arrival_clock": "working_hours"})
    assert due("arrival", "03-18 16:30 opened severity=1", terms=terms) == at("03-19 09:00")


def test_changing_the_level_loses_no_pause() -> None:
    """GLPI #6902, #15605."""
    lines = [
        "03-18 09:00 opened severity=2",
        "03-18 09:10 responded",
        "03-18 09:30 paused waiting=third",
        "03-18 10:00 resumed",
        "03-18 10:10 graded severity=1",
    ]
    # raised at 10:10: two hours from then would be 12:10; the old deadline 12:00 was nearer; both plus the half hour
    assert due("arrival", *lines) == at("03-18 12:30")


def test_raising_a_level_never_makes_a_clock_late_at_once() -> None:
    assert due("arrival", "03-18 09:00 opened severity=3", "03-18 16:00 graded severity=2") == at("03-18 19:00")


def test_lowering_a_level_counts_from_the_report() -> None:
    assert due("arrival", "03-18 09:00 opened severity=1", "03-18 10:00 graded severity=3") == at("03-19 09:00")


def test_a_pause_over_a_weekend_costs_a_workdays_clock_nothing() -> None:
    """GLPI #10594, PR #14937: the pause was counted in calendar days."""
    lines = ["03-20 10:00 opened severity=3", "03-20 17:30 paused waiting=third", "03-23 08:00 resumed"]
    assert due("arrival", *lines) == at("03-23 10:00")


def test_a_pause_in_working_time_moves_the_deadline_by_working_time() -> None:
    lines = ["03-20 10:00 opened severity=3", "03-20 16:00 paused waiting=hospital", "03-23 09:00 resumed"]
    assert due("arrival", *lines) == at("03-23 14:30")  # 1.5 h on Friday, 1 h on Monday; lunch is no working time


def test_a_hold_is_not_added_to_the_time_of_creation() -> None:
    """frappe PR #2449: a hold before nothing ran counted all the same."""
    lines = [
        "03-18 09:00 opened severity=2 it_first=yes",
        "03-18 09:10 paused waiting=hospital",
        "03-18 11:00 resumed",
        "03-18 11:05 handed_over",
    ]
    assert due("arrival", *lines) == at("03-18 14:05")


def test_it_diagnosis_first_is_not_the_vendors_time() -> None:
    lines = ["03-18 09:00 opened severity=3 it_first=yes state=it_first", "03-18 11:00 handed_over state=new"]
    assert due("response", *lines) == at("03-18 11:30")
    assert compute(RULES["incident"], story(lines[0]), TERMS, CALENDAR) == []


def test_handing_to_somebody_else_does_not_start_the_clock_anew() -> None:
    """GLPI #1911: restart or from creation? From the report."""
    lines = ["03-18 09:00 opened severity=2", "03-18 09:20 assigned", "03-18 10:20 assigned"]
    assert due("arrival", *lines) == at("03-18 12:00")


def test_no_clock_runs_on_after_the_resolution() -> None:
    """chatwoot #10178."""
    events = story("03-18 09:00 opened severity=2 state=new", "03-18 09:20 resolved state=resolved")
    for c in compute(RULES["incident"], events, TERMS, CALENDAR):
        if c.key != "confirm":
            assert c.state(at("04-18 09:00")) == "done"
            assert not c.missed(at("04-18 09:00"))


def test_a_bulletin_does_not_count_as_the_response() -> None:
    """zammad #5177: the update clock overrode the first response."""
    lines = ["03-18 09:00 opened severity=2", "03-18 09:20 bulletin"]
    assert clock("response", story(*lines)).stopped is None


def test_bulletins_are_due_every_half_hour_until_business_goes_on() -> None:
    lines = ["03-18 09:41 opened severity=2", "03-18 09:44 responded", "03-18 10:00 bulletin"]
    assert due("bulletin", *lines) == at("03-18 10:30")
    ended = clock("bulletin", story(*lines, "03-18 10:20 restored"))
    assert ended.stopped == at("03-18 10:20")


def test_a_warning_before_a_workdays_deadline_comes_in_working_time() -> None:
    """GLPI PR #22678: "1 hour before" fired at 00:00; zammad #2157: reminders at midnight."""
    c = clock("arrival", story("03-20 20:00 opened severity=3"))  # due on Tuesday at 08:00
    assert remind_at(c, CALENDAR) == at("03-23 16:30")
    night = clock("response", story("03-20 23:00 opened severity=3"))
    assert remind_at(night, CALENDAR) == at("03-20 23:00")


def test_an_empty_calendar_says_so_and_does_not_hang() -> None:
    """OCA/project #73; frappe's while-loop has the same risk."""
    nothing = WorkCalendar("e", {2026: Year(2026, True, holidays=_every_day(2026))}, CALENDAR.hours)
    only_rest = WorkCalendar("e", {y: Year(y, True, holidays=_every_day(y)) for y in range(2024, 2031)}, CALENDAR.hours)
    for calendar in (nothing, only_rest):
        found = compute(RULES["incident"], story("03-18 09:00 opened severity=3"), TERMS, calendar)
        arrival = next(c for c in found if c.key == "arrival")
        assert arrival.due is not None or arrival.trouble


def test_summer_time_elsewhere_neither_adds_nor_takes_an_hour() -> None:
    """OTRS PR #787, oncall #3261."""
    berlin = WorkCalendar("b", {2026: Year(2026, True)}, CALENDAR.hours, ZoneInfo("Europe/Berlin"))
    start = dt.datetime(2026, 3, 28, 23, 30, tzinfo=berlin.zone)
    found = compute(RULES["incident"], [Event(start, "opened", {"severity": 2})], TERMS, berlin)
    arrival = next(c for c in found if c.key == "arrival")
    assert arrival.due is not None
    assert (arrival.due.astimezone(dt.UTC) - start.astimezone(dt.UTC)) == dt.timedelta(hours=3)


def test_exactly_at_the_deadline_is_in_time() -> None:
    events = story("03-18 09:00 opened severity=2", "03-18 09:30 responded")
    assert not clock("response", events).missed(at("03-19 09:00"))
    late = story("03-18 09:00 opened severity=2", "03-18 09:31 responded")
    assert clock("response", late).missed(at("03-19 09:00"))


@pytest.mark.clause("9.2b")
def test_an_agreement_replaces_the_arrival_of_level_3_only_and_only_in_time() -> None:
    agreed = "agreed until=03-24T10:00"
    assert due("arrival", "03-18 09:00 opened severity=3", f"03-18 10:00 {agreed}") == at("03-24 10:00")
    assert due("arrival", "03-18 09:00 opened severity=2", f"03-18 10:00 {agreed}") == at("03-18 12:00")
    assert due("arrival", "03-18 09:00 opened severity=3", f"03-19 10:00 {agreed}") == at("03-19 09:00")


def test_while_others_must_act_the_clock_stands_and_says_what_is_left() -> None:
    events = story("03-18 09:00 opened severity=2", "03-18 09:10 responded", "03-18 10:00 paused waiting=third")
    c = clock("arrival", events)
    assert c.state(at("03-30 10:00")) == "pause"
    assert c.left == dt.timedelta(hours=2)
    assert not c.missed(at("03-30 10:00"))


def test_a_pause_that_begins_after_the_deadline_cures_nothing() -> None:
    lines = ["03-18 09:00 opened severity=1", "03-18 09:10 responded", "03-18 12:00 paused waiting=third"]
    assert clock("arrival", story(*lines)).missed(at("03-18 13:00"))


def test_a_reopened_fault_must_be_reached_again() -> None:
    lines = [
        "03-18 09:00 opened severity=2 state=new",
        "03-18 09:10 responded state=doing",
        "03-18 09:40 arrived state=doing",
        "03-18 10:00 resolved state=resolved",
        "03-18 15:00 reopened state=doing",
    ]
    assert due("arrival", *lines) == at("03-18 18:00")


@pytest.mark.clause("1.3")
def test_a_requirement_has_five_workdays_to_be_answered_and_rd_reports() -> None:
    opened = "09-28 10:00 opened state=new"
    assert due("answer", opened, kind="requirement") == at("10-10 10:00")  # 国庆 is out, the make-up Saturday counts
    lines = [opened, "09-29 10:00 answered state=rd"]
    assert due("progress", *lines, kind="requirement") is not None
    reported = clock("progress", story(*lines, "10-12 10:00 progress"), kind="requirement")
    assert reported.started == at("10-12 10:00")


def test_every_kind_has_clocks_and_every_state_named_by_them_exists() -> None:
    assert set(RULES) == set(KINDS["kinds"])
    for kind, rules in RULES.items():
        for rule in rules:
            if rule.during:
                assert rule.during & set(KINDS["kinds"][kind]["states"]), (kind, rule.key)


def test_a_clock_that_is_nowhere_described_is_refused() -> None:
    with pytest.raises(ClockError, match="incident"):
        load({"clocks": {}, "kinds": {"incident": {"response": None}}}, {})


_TYPES = [
    "responded",
    "arrived",
    "paused",
    "resumed",
    "bulletin",
    "restored",
    "resolved",
    "reopened",
    "graded",
    "agreed",
]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    start = dt.datetime(2026, 1, 1, tzinfo=CHINA) + dt.timedelta(minutes=draw(st.integers(0, 400_000)))
    events = [Event(start, "opened", {"severity": draw(st.integers(1, 3)), "state": "new"})]
    moment = start
    for _ in range(draw(st.integers(0, 12))):
        moment += dt.timedelta(minutes=draw(st.integers(1, 4000)))
        kind = draw(st.sampled_from(_TYPES))
        data: dict[str, object] = {}
        if kind == "paused":
            data["waiting"] = draw(st.sampled_from(["third", "hospital"]))
        if kind == "graded":
            data["severity"] = draw(st.integers(1, 3))
        if kind == "agreed":
            data["until"] = (moment + dt.timedelta(minutes=draw(st.integers(1, 9000)))).isoformat()
        events.append(Event(moment, kind, data))
    return events


@given(histories())
def test_whatever_happened_deadlines_lie_after_starts_and_nothing_remembers(events: list[Event]) -> None:
    once = compute(RULES["incident"], events, TERMS, CALENDAR)
    assert once == compute(RULES["incident"], events[::-1], TERMS, CALENDAR)
    for c in once:
        assert c.due is None or c.due >= c.started
        assert (c.due is None) == (c.paused is not None or bool(c.trouble))
        assert c.left is None or c.left >= dt.timedelta(0)


@given(histories(), st.integers(1, 5000))
def test_a_longer_pause_never_brings_a_deadline_nearer(events: list[Event], minutes: int) -> None:
    start = events[0].at
    base = [e for e in events if e.type not in {"paused", "resumed", "resolved", "arrived", "reopened"}]
    pause = [Event(start, "paused", {"waiting": "third"}), Event(start + dt.timedelta(minutes=minutes), "resumed", {})]
    without = {c.key: c.due for c in compute(RULES["incident"], base, TERMS, CALENDAR)}
    longer = {c.key: c.due for c in compute(RULES["incident"], [base[0], *pause, *base[1:]], TERMS, CALENDAR)}
    for key, before in without.items():
        if key == "arrival" and before is not None and any(e.type == "agreed" for e in base):
            continue  # an agreement is a moment of its own
        later = longer[key]
        assert before is None or later is None or later >= before


def _fields(terms: Terms) -> dict[str, object]:
    return {name: getattr(terms, name) for name in Terms.__dataclass_fields__}


def _every_day(year: int) -> dict[dt.date, str]:
    return {dt.date(year, 1, 1) + dt.timedelta(days=n): "放假" for n in range(365)}
