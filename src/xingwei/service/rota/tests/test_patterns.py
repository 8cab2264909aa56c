from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.calendar.engine import DayKind, Hours, WorkCalendar, parse_windows, parse_year
from xingwei.service.rota.engine import coverage, patterns
from xingwei.service.rota.engine.patterns import Away, DutyKind, RotaError, Rotation, Rule, Slot

CASES = yaml.safe_load(Path(__file__).with_name("shifts.yaml").read_text(encoding="utf-8"))
DAY = dt.timedelta(days=1)


def calendar_of(spec: dict[str, Any]) -> WorkCalendar:
    hours = Hours(
        parse_windows(spec["hours"]),
        tuple((tuple(s["from"]), tuple(s["to"]), parse_windows(s["hours"])) for s in spec.get("seasons", ())),
    )
    return WorkCalendar("test", {2026: parse_year(spec["year"])}, hours)


CALENDAR = calendar_of(CASES["calendar"])
ZONE = CALENDAR.zone


def rule_of(key: str, **changes: Any) -> Rule:
    raw = CASES["rules"][key] | changes
    return Rule(
        key=key,
        label=raw.get("label", key),
        kind=DutyKind(raw["kind"]),
        days=frozenset(DayKind(d) for d in raw["days"]),
        start=raw["start"],
        end=raw["end"],
        people=tuple(raw["people"]),
        rotation=Rotation(raw.get("rotation", "all")),
        at_once=raw.get("at_once", 1),
        stand_ins=tuple(raw.get("stand_ins", ())),
        weekdays=frozenset(raw.get("weekdays", ())),
        anchor=raw.get("anchor", dt.date(2026, 1, 5)),
        valid_from=raw.get("valid_from"),
        valid_until=raw.get("valid_until"),
    )


def at(text: str) -> dt.datetime:
    return dt.datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def away_of(raw: dict[str, Any]) -> Away:
    start = dt.datetime.combine(raw["first"], dt.time(), ZONE)
    return Away(raw["person"], start, dt.datetime.combine(raw["last"], dt.time(), ZONE) + DAY)


def written(slot: Slot) -> str:
    stands = f" for {slot.instead_of}" if slot.instead_of else ""
    return f"{slot.person}{stands} {slot.kind} {slot.start:%m-%d %H:%M} {slot.end:%m-%d %H:%M}"


@pytest.mark.clause("9.5", "9.2a")
@pytest.mark.parametrize("case", CASES["cases"], ids=lambda c: c["name"])
def test_shifts_and_gaps(case: dict[str, Any]) -> None:
    rules = [rule_of(key) for key in case["rules"]]
    away = [away_of(a) for a in case.get("away", ())]
    # the day before is planned too: its night shift reaches into the first day
    slots = patterns.plan(rules, CALENDAR, case["first"] - DAY, case["last"], away)
    began = [s for s in slots if s.start.date() >= case["first"]]
    assert [written(s) for s in began] == case["shifts"]
    found = coverage.gaps(slots, CALENDAR, case["first"], case["last"], on_site=2)
    assert [f"{g.kind} {g.have}/{g.need} {g.start:%m-%d %H:%M} {g.end:%m-%d %H:%M}" for g in found] == case.get(
        "gaps", []
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": "8:00"}, "时间“8:00”不对"),
        ({"start": "24:00"}, "时间“24:00”不对"),
        ({"end": "24:30"}, "时间“24:30”不对"),
        ({"end": "25:00"}, "时间“25:00”不对"),
        ({"people": []}, "没有人员"),
        ({"people": [1, 1]}, "同一个人写了两次"),
        ({"days": []}, "没有选适用的日子"),
        ({"rotation": "weekly", "at_once": 3}, "每班 3 人"),
    ],
)
def test_a_rule_that_cannot_be_read_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RotaError, match=said):
        rule_of("day", **changes)


def test_a_shift_is_split_between_two_people() -> None:
    night = Slot(at("03-18 17:30"), at("03-19 08:00"), DutyKind.ON_CALL, 3)
    assert [written(s) for s in patterns.split(night, 4, at("03-18 20:00"), at("03-18 22:00"))] == [
        "3 on_call 03-18 17:30 03-18 20:00",
        "4 for 3 on_call 03-18 20:00 03-18 22:00",
        "3 on_call 03-18 22:00 03-19 08:00",
    ]
    assert [written(s) for s in patterns.split(night, 4, at("03-18 08:00"), at("03-20 08:00"))] == [
        "4 for 3 on_call 03-18 17:30 03-19 08:00"
    ]
    with pytest.raises(RotaError, match="不在这个班次之内"):
        patterns.split(night, 4, at("03-19 08:00"), at("03-19 09:00"))


def test_one_person_in_two_places_is_a_clash_and_support_is_not() -> None:
    day = Slot(at("03-18 08:00"), at("03-18 17:30"), DutyKind.ON_SITE, 1)
    call = Slot(at("03-18 17:00"), at("03-19 08:00"), DutyKind.ON_CALL, 1)
    behind = Slot(at("03-18 08:00"), at("03-18 17:30"), DutyKind.SUPPORT, 1)
    assert [(c.person, c.start, c.end) for c in coverage.clashes([day, call, behind])] == [
        (1, at("03-18 17:00"), at("03-18 17:30"))
    ]
    touching = Slot(at("03-18 17:30"), at("03-19 08:00"), DutyKind.ON_CALL, 1)
    assert coverage.clashes([day, touching]) == []


def test_two_people_on_call_at_once_are_an_overlap() -> None:
    a = Slot(at("03-18 17:30"), at("03-19 08:00"), DutyKind.ON_CALL, 1)
    b = Slot(at("03-19 06:00"), at("03-19 12:00"), DutyKind.ON_CALL, 2)
    c = Slot(at("03-19 07:00"), at("03-19 07:30"), DutyKind.ON_CALL, 2)
    assert coverage.overlaps([a, b, c]) == [coverage.Overlap(at("03-19 06:00"), at("03-19 08:00"), (1, 2))]


times = st.sampled_from([f"{h:02d}:{m:02d}" for h in range(24) for m in (0, 30)])
rules = st.builds(
    Rule,
    key=st.just("r"),
    label=st.just("r"),
    kind=st.sampled_from(DutyKind),
    days=st.sets(st.sampled_from(DayKind), min_size=1).map(frozenset),
    start=times | st.sampled_from(["open", "close"]),
    end=times | st.sampled_from(["open", "close", "24:00"]),
    people=st.lists(st.integers(1, 5), min_size=1, max_size=4, unique=True).map(tuple),
    rotation=st.sampled_from(Rotation),
    stand_ins=st.lists(st.integers(6, 7), max_size=2, unique=True).map(tuple),
)
days = st.dates(dt.date(2026, 1, 5), dt.date(2026, 12, 20))


@settings(max_examples=150, deadline=None)
@given(st.lists(rules, max_size=4), days, st.integers(0, 5))
def test_every_moment_is_covered_or_in_a_gap(chosen: list[Rule], first: dt.date, length: int) -> None:
    last = first + length * DAY
    slots = patterns.plan(chosen, CALENDAR, first - 2 * DAY, last)
    found = coverage.gaps(slots, CALENDAR, first, last, on_site=2)
    moment = dt.datetime.combine(first, dt.time(), ZONE)
    while moment < dt.datetime.combine(last + DAY, dt.time(), ZONE):
        answering = any(s.covers(moment) for s in slots if s.kind is not DutyKind.SUPPORT)
        nobody = any(g.start <= moment < g.end for g in found if g.kind is coverage.GapKind.NOBODY)
        assert answering != nobody, moment
        there = {s.person for s in slots if s.covers(moment) and s.kind is DutyKind.ON_SITE}
        working = any(a <= moment < b for a, b in CALENDAR.windows(moment.date()))
        thin = [g for g in found if g.kind is coverage.GapKind.ON_SITE and g.start <= moment < g.end]
        assert bool(thin) == (working and len(there) < 2), moment
        assert all(g.have == len(there) for g in thin)
        moment += dt.timedelta(minutes=30)


@settings(max_examples=100, deadline=None)
@given(rules, days, st.integers(1, 40))
def test_a_plan_does_not_depend_on_where_one_starts_to_look(rule: Rule, first: dt.date, length: int) -> None:
    last = first + length * DAY
    whole = patterns.plan([rule], CALENDAR, first, last)
    pieces = [s for n in range(length + 1) for s in patterns.plan([rule], CALENDAR, first + n * DAY, first + n * DAY)]
    assert sorted(pieces) == whole
    for slot in whole:
        assert dt.timedelta(0) < slot.end - slot.start <= dt.timedelta(hours=48)


@settings(max_examples=100, deadline=None)
@given(rules, days, st.sets(st.integers(1, 5), max_size=3))
def test_nobody_who_is_away_is_on_duty(rule: Rule, first: dt.date, gone: set[int]) -> None:
    away = [away_of({"person": p, "first": first, "last": first + 6 * DAY}) for p in gone]
    slots = patterns.plan([rule], CALENDAR, first, first + 6 * DAY, away)
    assert not {s.person for s in slots} & gone
    for slot in slots:
        assert slot.instead_of in gone | {None}
