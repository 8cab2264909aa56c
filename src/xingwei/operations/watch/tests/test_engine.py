"""What is usual, what drifts, who is late, what follows from what: without a database."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.operations.watch.engine.baseline import drift, slot_of, usual
from xingwei.operations.watch.engine.judging import Limit, Looked, Memory, judge
from xingwei.operations.watch.engine.schedule import Agenda, first
from xingwei.operations.watch.engine.suppression import Bad, causes
from xingwei.operations.watch.engine.tracks import Track, thin, with_gaps
from xingwei.operations.watch.engine.uptime import Span, count, pieces

MONDAY = dt.date(2026, 3, 2)
T0 = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def weeks(n: int, busy: float = 3.0, seed: int = 1) -> tuple[list[int], np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    days = [(MONDAY + dt.timedelta(days=i)).weekday() for i in range(7 * n)]
    mid = np.full((7 * n, 24), 100.0)
    mid[:, 8:12] *= busy
    mid[[d >= 5 for d in days], 8:12] = 100.0
    mid *= rng.normal(1, 0.03, mid.shape)
    return days, mid, mid * 0.9, mid * 1.2


def test_the_morning_of_a_monday_is_not_judged_by_its_night_nor_by_a_sunday() -> None:
    found = usual(*weeks(8))
    assert found is not None
    monday_nine, monday_three, sunday_nine = 9, 3, 6 * 24 + 9
    assert found.odd(310, monday_nine, "high") is None
    assert found.odd(310, monday_three, "high")
    assert found.odd(310, sunday_nine, "high")
    assert found.odd(20, monday_nine, "high") is None, "better than usual is not odd"
    assert found.odd(20, monday_nine, "low")
    assert slot_of(dt.datetime(2026, 3, 7, 9), 0) == 9, "a make-up workday counts as a Monday"


def test_one_terrible_day_moves_nothing() -> None:
    days, mid, lo, hi = weeks(6)
    before = usual(days, mid, lo, hi)
    mid[14] = 9_000
    after = usual(days, mid, lo, hi * 1)
    assert before is not None
    assert after is not None
    assert abs(after.mid[9] - before.mid[9]) < 0.1 * before.mid[9]
    assert after.odd(9_000, 9, "high")


def test_two_days_are_borrowed_from_and_nothing_is_nothing() -> None:
    days, mid, lo, hi = weeks(1)
    found = usual(days[:2], mid[:2], lo[:2], hi[:2])
    assert found is not None
    assert found.at(4 * 24 + 9) is not None
    assert usual([0], np.full((1, 24), np.nan), np.full((1, 24), np.nan), np.full((1, 24), np.nan)) is None


def test_a_slow_creep_is_found_a_step_and_a_swing_are_not() -> None:
    days = [MONDAY + dt.timedelta(days=i) for i in range(28)]
    rng = np.random.default_rng(2)
    creep = np.linspace(100, 160, 28) * rng.normal(1, 0.02, 28)
    found = drift(days, creep, "high")
    assert found is not None
    assert found.per_day == pytest.approx(60 / 27, rel=0.2)
    assert drift(days, creep, "low") is None
    assert drift(days, np.where(np.arange(28) < 14, 100.0, 160.0), "high") is None
    assert drift(days, 100 + 40 * np.sin(np.arange(28)), "high") is None


def test_a_limit_must_last_and_is_left_only_when_it_is_clearly_over() -> None:
    limit, memory = Limit("q", warn=10, down=20, for_s=60), Memory()
    states = []
    for at, value in ((0, 15), (30, 15), (60, 15), (90, 25), (150, 25), (160, 18), (170, 9), (180, 5)):
        states.append(judge(Looked(True, "", {"q": value}), [limit], memory, at=at).state)
    assert states == ["ok", "ok", "warn", "down", "down", "down", "warn", "ok"]


def test_what_is_far_from_usual_counts_when_it_happened_three_times_of_five() -> None:
    memory = Memory()
    far = [{"ms": 9.0}, {}, {"ms": 9.0}, {"ms": 8.0}, {}, {}, {}, {}, {}]
    odd = [bool(judge(Looked(True, "", {"ms": 1}), [], memory, at=n, far=f).odd) for n, f in enumerate(far)]
    assert odd == [False, False, False, True, True, False, False, False, False]


@given(st.integers(1, 10**6), st.integers(2, 3600), st.floats(1e9, 2e9))
def test_a_probe_is_due_within_its_interval_and_always_at_the_same_place(pk: int, every: int, now: float) -> None:
    due = first(pk, every, now)
    assert now < due <= now + every + 1e-3
    assert first(pk, every, due + 0.01) - due == pytest.approx(every, abs=0.05)


def test_five_thousand_probes_are_spread() -> None:
    agenda = Agenda()
    for pk in range(5000):
        agenda.put(pk, first(pk, 60, 1_000_000.0))
    a_second = [len(agenda.take(1_000_000.0 + n)) for n in range(1, 62)]
    assert sum(a_second) == 5000
    assert max(a_second) < 110


CHAIN = {"f": {"a": 1, "d": 2, "h": 3}, "a": {"d": 1, "h": 2}, "d": {"h": 1}, "h": {}}


def test_the_furthest_down_is_the_cause() -> None:
    bad = {n: Bad(n, "down", 100.0 + i) for i, n in enumerate("fadh")}
    assert causes(bad, CHAIN.__getitem__) == {"f": "h", "a": "h", "d": "h"}
    bad["h"] = Bad("h", "warn", 100.0)
    assert causes(bad, CHAIN.__getitem__) == {"f": "d", "a": "d"}, "a full host explains no dead database by itself"
    bad["d"] = Bad("d", "down", 9_999.0)
    assert causes(bad, CHAIN.__getitem__) == {"f": "a"}, "what broke long after explains nothing"


def test_parts_that_call_each_other_have_one_cause() -> None:
    needs = {"a": {"b": 1}, "b": {"a": 1}, "f": {"a": 1, "b": 2}}
    bad = {"a": Bad("a", "down", 5.0), "b": Bad("b", "down", 9.0), "f": Bad("f", "down", 12.0)}
    assert causes(bad, needs.__getitem__) == {"b": "a", "f": "a"}


_span = st.tuples(st.sampled_from(["up", "slow", "down", "unknown"]), st.integers(1, 500))
_interval = st.tuples(st.integers(0, 1500), st.integers(1, 300))


@settings(max_examples=60)
@given(st.lists(_span, max_size=8), st.lists(_interval, max_size=4), st.lists(_interval, max_size=4))
def test_every_second_counts_once(drawn: list, quiet: list, dark: list) -> None:
    at, spans = T0, []
    for state, minutes in drawn:
        end = at + dt.timedelta(minutes=minutes)
        spans.append(Span(state, at, end))
        at = end
    until = T0 + dt.timedelta(minutes=1000)

    def moments(pairs: list) -> list:
        return [(T0 + dt.timedelta(minutes=a), T0 + dt.timedelta(minutes=a + b)) for a, b in pairs]

    parts = pieces(spans, T0, until, maintenance=moments(quiet), blind=moments(dark))
    assert sum(p.seconds for p in parts) == pytest.approx(60_000)
    assert all(a.until == b.since for a, b in itertools.pairwise(parts))
    found = count(parts)
    assert sum(found.seconds.values()) == pytest.approx(60_000)
    assert found.share is None or 0 <= found.share <= 100


def test_a_peak_stays_visible_and_a_gap_is_not_bridged() -> None:
    times = np.arange(10_000.0)
    values = np.ones(10_000)
    values[7_777] = 99
    small = thin(Track("k", "n", "s", times=times, values=values), 500)
    assert len(small.times) == 500
    assert small.hi.max() == 99
    gone = with_gaps(Track("k", "n", "s", times=np.array([0.0, 1.0, 50.0]), values=np.array([1.0, 2.0, 3.0])), 5)
    assert np.isnan(gone.values[2])
