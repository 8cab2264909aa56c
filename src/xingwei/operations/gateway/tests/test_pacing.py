"""How fast a catch-up goes: as the plan agreed, in order, whatever the clock of the machine."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.pacing import LOOK_AGAIN_S, Pace


@given(st.integers(1, 1_200), st.integers(1, 300), st.floats(0, 1e6))
def test_never_more_than_agreed_go_in_any_minute_and_none_out_of_turn(rate: int, count: int, start: float) -> None:
    pace, gone, now = Pace(), [], start
    due = dict.fromkeys(range(count), start)
    while due:
        now = max(now, min(due.values()))
        for id in [i for i in sorted(due) if due[i] <= now]:
            due[id] = pace.due(id, rate, now)
            if due[id] <= now:
                gone.append((id, now))
                del due[id]
    assert [id for id, _ in gone] == list(range(count))
    times = [at for _, at in gone]
    assert all(b - a >= 60 / rate * 0.999 - 1e-6 for a, b in pairwise(times))
    assert times[-1] - start <= (count - 1) * 60 / rate + 1e-3 * count


def test_without_an_agreed_speed_everything_goes_at_once() -> None:
    pace = Pace()
    assert [pace.due(n, speed, 5.0) for n, speed in enumerate([None, 0, None])] == [5.0] * 3


def test_who_waits_long_looks_again_and_a_new_speed_is_obeyed_then() -> None:
    pace = Pace()
    assert pace.due(1, 1, 0.0) == 0.0
    assert pace.due(2, 1, 0.0) == LOOK_AGAIN_S  # its place is at 60 s
    assert pace.due(2, 1, LOOK_AGAIN_S) == 2 * LOOK_AGAIN_S
    assert pace.due(2, 600, 2 * LOOK_AGAIN_S) == 2 * LOOK_AGAIN_S  # the plan was changed: it goes now


def test_a_new_catch_up_begins_afresh() -> None:
    pace = Pace()
    pace.due(1, 1, 0.0)
    pace.due(2, 1, 0.0)
    pace.begin()
    assert pace.due(2, 1, 1.0) == 1.0
