"""When a breaker opens, what it lets through, and how it closes: cases as data, invariants by hypothesis."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.breaker import Breaker, Change, Policy

POLICY = Policy(window_s=60, minimum=10, failure_rate=0.5, slow_s=3, slow_rate=0.6, timeouts=5, wait_s=30,
                wait_cap_s=100, probes=3)  # fmt: skip

# what happens, one letter a second: . ok, f failure, t time-out, s slow; and the state it ends in
CASES = [
    ("nothing yet", "", "closed"),
    ("a few failures decide nothing", "fffff", "closed"),
    ("half of enough calls failed", ".....fffff", "open"),
    ("just under half", "......ffff", "closed"),
    ("time-outs in a row", "ttttt", "open"),
    ("time-outs with an answer between", "tttt.tttt", "closed"),
    ("slow calls", "....ssssss", "open"),
    ("slow, but not enough of them", ".....sssss", "closed"),
    ("old failures are forgotten", "ffff" + "." * 70, "closed"),
    ("business refusals count as answers", "." * 40, "closed"),
]


def play(breaker: Breaker, letters: str, now: float = 0.0) -> float:
    for letter in letters:
        now += 1
        ticket = breaker.allow(now)
        if ticket is None:
            break
        verdict = {"f": "failure", "t": "timeout"}.get(letter, "ok")
        breaker.record(ticket, verdict, 3.5 if letter == "s" else 0.1, now)  # type: ignore[arg-type]
    return now


@pytest.mark.parametrize(("name", "letters", "state"), CASES, ids=[c[0] for c in CASES])
def test_when_it_opens(name: str, letters: str, state: str) -> None:
    breaker = Breaker(POLICY)
    play(breaker, letters)
    assert breaker.state == state
    assert bool(breaker.reason) == (state != "closed")


def test_it_probes_after_its_wait_more_and_more_at_once_and_closes_after_enough_successes() -> None:
    breaker = Breaker(POLICY)
    now = play(breaker, "ttttt")
    assert breaker.allow(now + 29) is None
    assert breaker.wait(now + 29) == pytest.approx(1.0)
    first = breaker.allow(now + 30)
    assert first is not None
    assert breaker.allow(now + 30) is None  # one probe at first
    assert breaker.record(first, "ok", 0.1, now + 31) == []
    tickets = [breaker.allow(now + 31) for _ in range(2)]
    assert tickets[0] is not None
    assert tickets[1] is None
    breaker.record(tickets[0], "ok", 0.1, now + 31)
    last = breaker.allow(now + 31)
    assert last is not None
    assert [c.after for c in breaker.record(last, "ok", 0.1, now + 31)] == ["closed"]


def test_a_failed_probe_doubles_the_wait_up_to_the_cap_and_success_forgets_it() -> None:
    breaker = Breaker(POLICY)
    now = play(breaker, "ttttt")
    waits = []
    for _ in range(4):
        assert breaker.until is not None
        waits.append(breaker.until - now)
        now = breaker.until
        ticket = breaker.allow(now)
        assert ticket is not None
        breaker.record(ticket, "failure", 0.1, now)
    assert waits == [30, 60, 100, 100]
    assert breaker.until is not None
    now = breaker.until
    for _ in range(3):
        ticket = breaker.allow(now)
        assert ticket is not None
        breaker.record(ticket, "ok", 0.1, now)
    assert breaker.state == "closed"
    now = play(breaker, "ttttt", now)
    assert breaker.until == now + 30


def test_what_was_under_way_before_a_change_decides_nothing_after_it() -> None:
    breaker = Breaker(POLICY)
    early = breaker.allow(0)
    assert early is not None
    now = play(breaker, "ttttt")
    breaker.tick(now + 30)
    assert breaker.record(early, "timeout", 30, now + 30) == []
    assert breaker.state == "half_open"


def test_a_probe_that_did_not_take_place_makes_room_for_another() -> None:
    breaker = Breaker(POLICY)
    now = play(breaker, "ttttt") + 30
    ticket = breaker.allow(now)
    assert ticket is not None
    breaker.cancel(ticket)
    assert breaker.allow(now) is not None


def test_a_person_cuts_it_off_until_a_time_or_for_good() -> None:
    breaker = Breaker(POLICY)
    assert breaker.cut(10, 20, "演练", "程谨") == [Change("closed", "cut", "演练", "程谨")]
    assert breaker.allow(19.9) is None
    assert breaker.allow(20) is not None
    assert breaker.state == "half_open"
    breaker.cut(30, None, "检修", "程谨")
    assert breaker.wait(1e9) is None
    assert breaker.allow(1e9) is None
    assert [c.after for c in breaker.lift(1e9, "修好了", "程谨")] == ["half_open"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["ok", "failure", "timeout", "cancel", "cut", "lift", "wait"]), st.floats(0, 40)),
    max_size=80,
)


@given(STEPS)
def test_its_changes_form_a_chain_and_it_never_lets_through_what_it_should_not(steps: list[tuple[str, float]]) -> None:
    breaker = Breaker(POLICY)
    now, changes = 0.0, [Change("closed", "closed", "")]
    for act, passed in steps:
        now += passed
        changes += breaker.tick(now)
        if act == "cut":
            changes += breaker.cut(now, now + 10, "x", "y")
        elif act == "lift":
            changes += breaker.lift(now, "x", "y")
        elif act != "wait":
            ready = breaker.ready(now)
            ticket = breaker.allow(now)
            assert ready == (ticket is not None)
            assert ticket is None or breaker.state in ("closed", "half_open")
            if ticket is not None and act == "cancel":
                breaker.cancel(ticket)
            elif ticket is not None:
                changes += breaker.record(ticket, act, 0.1, now)  # type: ignore[arg-type]
        if breaker.state == "open":
            assert breaker.until is not None
            assert now <= breaker.until <= now + POLICY.wait_cap_s
    assert all(a.after == b.before for a, b in pairwise(changes))
    assert changes[-1].after == breaker.state


def test_thresholds_come_as_data_and_strangers_among_them_are_left_out() -> None:
    policy = Policy.of({"timeouts": 3, "wait_s": "5", "nonsense": 1})
    assert (policy.timeouts, policy.wait_s, policy.minimum) == (3, 5.0, 20)


def test_thresholds_may_be_parts_of_a_second() -> None:
    policy = Policy.of({"slow_s": 0.5, "wait_s": 0.3, "wait_cap_s": 2.5, "window_s": 10, "probes": 2, "unknown": 1})
    assert (policy.slow_s, policy.wait_s, policy.wait_cap_s, policy.window_s, policy.probes) == (0.5, 0.3, 2.5, 10, 2)
