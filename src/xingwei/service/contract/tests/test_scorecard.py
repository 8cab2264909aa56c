"""From events to deductions to the quarter's score, under every reading; properties hold for all of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.service.contract.engine.loader import Loaded
from xingwei.service.contract.engine.periods import Term
from xingwei.service.contract.engine.readings import KNOWN, Readings
from xingwei.service.contract.engine.scorecard import (
    Event,
    ScoreError,
    average,
    failed_in_one_year,
    needed,
    score,
)
from xingwei.service.contract.files import load_directory

from .conftest import GUANGYUAN

CONTRACT = load_directory(GUANGYUAN).contract
RULES = [r for i in CONTRACT.scorecard.items for r in i.rules]
SCORING = [
    "points-sum", "row-cap", "same-event", "step-rule", "outage-start", "outage-rounding", "reverse-unlimited",
    "veto-score", "failed-quarter",
]  # fmt: skip

pytestmark = pytest.mark.clause("9.10")


def outage(*minutes: int) -> list[Event]:
    return [Event("S3.outage", minutes=D(m)) for m in minutes]


def total(*events: Event, vetoes: tuple[str, ...] = (), **chosen: str) -> D:
    return score(CONTRACT, events, Readings({k.replace("_", "-"): v for k, v in chosen.items()}), vetoes).total


CASES: list[tuple[str, list[Event], dict[str, str], int]] = [
    ("nothing happened", [], {}, 100),
    ("nothing happened, points added up", [], {"points_sum": "sum"}, 97),
    ("nothing happened, scaled", [], {"points_sum": "scale"}, 100),
    ("late on site twice", [Event("S2.arrival")] * 2, {}, 96),
    ("one call unanswered", [Event("S5.missed")], {}, 99),
    ("a row is used up", [Event("S5.missed")] * 15, {}, 90),
    ("a row is used up, and more", [Event("S5.missed")] * 15, {"row_cap": "uncapped"}, 85),
    ("exactly 20 minutes is no outage", outage(20), {}, 100),
    ("21 minutes is one hour", outage(21), {}, 98),
    ("61 minutes is two", outage(61), {}, 96),
    ("61 minutes, 20 of them free", outage(61), {"outage_start": "after_grace"}, 98),
    ("three short ones", outage(25, 25, 25), {}, 94),
    ("three short ones together", outage(25, 25, 25), {"outage_rounding": "total"}, 96),
    ("five hours", outage(300), {}, 90),
    ("five hours and a minute", outage(301), {}, 85),
    ("nine hours", outage(540), {}, 85),
    ("nine hours, the larger", outage(540), {"step_rule": "larger"}, 82),
    ("twelve hours, the larger, capped by the row", outage(720), {"step_rule": "larger"}, 80),
    ("twelve hours, the larger, uncapped", outage(720), {"step_rule": "larger", "row_cap": "uncapped"}, 76),
    ("4 h 30 min in three pieces is five hours each rounded", outage(90, 90, 90), {}, 85),
    ("4 h 30 min in three pieces together", outage(90, 90, 90), {"outage_rounding": "total"}, 90),
    ("no backup twice is ten points", [Event("S4.backup")] * 2, {}, 90),
    ("a rate of 98 is not below", [Event("S9.match", percent=D(98))], {}, 100),
    ("a rate of 97.99 is", [Event("S9.match", percent=D("97.99"))], {}, 98),
    ("an incident is at least ten", [Event("S10.incident")], {}, 90),
    ("an incident as agreed", [Event("S10.incident", points=D(25))], {}, 75),
    ("two leaks", [Event("S10.leak")] * 2, {}, 20),
    ("three leaks end at nought", [Event("S10.leak")] * 3, {}, 0),
    ("three leaks go below", [Event("S10.leak")] * 3, {"reverse_unlimited": "negative"}, -20),
    ("one cause, two rows", [Event("S3.outage", minutes=D(90), cause="c"), Event("S2.fix", cause="c")], {}, 94),
    (
        "one cause, the gravest row",
        [Event("S3.outage", minutes=D(90), cause="c"), Event("S2.fix", cause="c")],
        {"same_event": "gravest"},
        96,
    ),
    (
        "two causes stay two",
        [Event("S3.outage", minutes=D(90), cause="c"), Event("S2.fix", cause="d")],
        {"same_event": "gravest"},
        94,
    ),
]


@pytest.mark.parametrize(("name", "events", "chosen", "points"), CASES, ids=[c[0] for c in CASES])
def test_scores(name: str, events: list[Event], chosen: dict[str, str], points: int) -> None:
    assert total(*events, **chosen) == points


def test_scaling_rounds_to_the_cent() -> None:
    assert total(Event("S5.missed"), points_sum="scale") == D("98.97")


@pytest.mark.parametrize(("reading", "counted"), [("keep", 100), ("cap59", 59), ("zero", 0)])
def test_a_veto_fails_the_quarter_and_counts_as_read(reading: str, counted: int) -> None:
    found = score(CONTRACT, [], Readings({"veto-score": reading}), ["V1"])
    assert (found.total, found.counted, found.failed) == (100, counted, True)


def test_a_low_score_fails_unless_only_vetoes_do() -> None:
    leaks = [Event("S10.leak"), Event("S5.missed")]
    assert score(CONTRACT, leaks, Readings()).failed is True  # 59
    assert score(CONTRACT, leaks[:1], Readings()).failed is False  # exactly 60 passes
    assert score(CONTRACT, leaks, Readings({"failed-quarter": "veto_only"})).failed is False


@pytest.mark.parametrize(
    ("events", "vetoes", "said"),
    [
        ([Event("S11.x")], (), "没有扣分标准 S11.x"),
        ([Event("S10.incident", points=D(5))], (), "每次不低于 10 分，写的是 5 分"),
        ([], ("V9",), "没有否决项 V9"),
    ],
)
def test_what_the_scorecard_lacks_is_refused(events: list[Event], vetoes: tuple[str, ...], said: str) -> None:
    with pytest.raises(ScoreError, match=said):
        score(CONTRACT, events, Readings(), vetoes)


def test_the_average_and_what_the_rest_must_reach() -> None:
    assert average([D(93), D(95)]) == 94
    assert needed([D(93), D(95)], 4, D(90)) == 86
    assert needed([D(93)] * 4, 4, D(90)) is None
    with pytest.raises(ScoreError):
        average([])


def test_two_failures_within_one_year() -> None:
    term = Term(dt.date(2025, 10, 15), dt.date(2027, 10, 14))
    ends = [dt.date(2026, 1, 14), dt.date(2027, 1, 14)]
    assert failed_in_one_year(ends, term, Readings()) == 1
    assert failed_in_one_year([dt.date(2026, 7, 14), dt.date(2026, 10, 14)], term, Readings()) == 2
    over_new_year = [dt.date(2025, 12, 31), dt.date(2026, 1, 14)]
    assert failed_in_one_year(over_new_year, term, Readings()) == 2
    assert failed_in_one_year(over_new_year, term, Readings({"year": "calendar"})) == 1
    assert failed_in_one_year([], term, Readings()) == 0


# every event, under every reading

chosen = st.fixed_dictionaries({q: st.sampled_from(KNOWN[q]) for q in SCORING}).map(Readings)
events = st.lists(
    st.builds(
        lambda rule, minutes, percent, extra, cause: Event(
            rule.id,
            minutes=D(minutes),
            percent=D(percent) / 10,
            points=rule.at_least + extra if rule.kind == "graded" else None,
            cause=cause,
        ),
        st.sampled_from(RULES),
        st.integers(0, 900),
        st.integers(0, 1000),
        st.integers(0, 60),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)
SOME = settings(max_examples=150, deadline=None)


@SOME
@given(events, chosen)
def test_a_score_lies_between_nought_and_full_marks_and_is_the_sum_of_its_rows(
    happened: list[Event], under: Readings
) -> None:
    found = score(CONTRACT, happened, under)
    own = sum((i.deducted for i in found.items if not i.item.reverse), D(0))
    reverse = sum((i.deducted for i in found.items if i.item.reverse), D(0))
    assert found.total <= 100
    if under["reverse-unlimited"] == "floor":
        assert found.total >= 0
    elif under["row-cap"] == "capped":
        assert found.total >= -reverse
    if under["points-sum"] == "from_full":
        assert found.total in {100 - own - reverse, 0}
    if under["row-cap"] == "capped":
        assert all(i.deducted <= i.item.points for i in found.items if not i.item.reverse)


@SOME
@given(events, events, chosen)
def test_more_events_never_raise_a_score(some: list[Event], more: list[Event], under: Readings) -> None:
    under = Readings({**under.chosen, "same-event": "each"})
    assert score(CONTRACT, some + more, under).total <= score(CONTRACT, some, under).total


@SOME
@given(events, chosen, st.randoms())
def test_the_order_in_which_things_happened_does_not_matter(
    happened: list[Event], under: Readings, random: Any
) -> None:
    shuffled = list(happened)
    random.shuffle(shuffled)
    assert score(CONTRACT, shuffled, under).total == score(CONTRACT, happened, under).total


def test_of_two_equally_grave_events_of_one_cause_the_same_counts_in_any_order() -> None:
    under = Readings({"same-event": "gravest"})
    rules = [r for item in CONTRACT.scorecard.items for r in item.rules if r.kind == "per_occurrence"]
    first, second = next((a, b) for a in rules for b in rules if a.id < b.id and a.points == b.points)
    pair = [Event(rule=first.id, cause="一件事"), Event(rule=second.id, cause="一件事")]
    kept = {d.rule.id for e in (pair, pair[::-1]) for i in score(CONTRACT, e, under).items for d in i.deductions}
    assert len(kept) == 1


@SOME
@given(events, chosen)
def test_each_reading_leans_the_way_it_says(happened: list[Event], under: Readings) -> None:
    def with_(question: str, reading: str) -> D:
        chosen = {
            "same-event": "each",
            **{q: r for q, r in under.chosen.items() if q != "same-event"},
            question: reading,
        }
        return score(CONTRACT, happened, Readings(chosen)).total

    assert with_("same-event", "gravest") >= with_("same-event", "each")
    assert with_("row-cap", "capped") >= with_("row-cap", "uncapped")
    assert with_("outage-start", "after_grace") >= with_("outage-start", "from_start")
    assert with_("points-sum", "from_full") >= with_("points-sum", "sum")
    assert with_("step-rule", "flat") >= with_("step-rule", "larger")


def test_the_loaded_contract_is_the_one_tested(loaded: Loaded) -> None:
    assert loaded.contract.scorecard == CONTRACT.scorecard
