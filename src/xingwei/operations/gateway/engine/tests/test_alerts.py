from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.alerts import Rule, step

T = dt.datetime(2026, 3, 18, tzinfo=dt.UTC)
RULE = Rule(dt.timedelta(minutes=2), dt.timedelta(minutes=5))


def _run(troubles: list[bool]) -> list[str]:
    state, since, acts = "quiet", T, []
    for minute, trouble in enumerate(troubles):
        found = step(state, since, trouble, T + dt.timedelta(minutes=minute), RULE)
        state, since = found.state, found.since
        acts.append(found.act)
    return acts


@given(st.lists(st.booleans(), max_size=120))
def test_opening_and_closing_take_turns(troubles: list[bool]) -> None:
    acts = [a for a in _run(troubles) if a]
    assert acts == (["open", "close"] * 60)[: len(acts)]


@given(st.lists(st.booleans(), max_size=120))
def test_an_alert_opens_only_after_two_minutes_of_trouble_and_closes_only_after_five_of_quiet(
    troubles: list[bool],
) -> None:
    for minute, act in enumerate(_run(troubles)):
        if act == "open":
            assert all(troubles[minute - 2 : minute + 1])
        if act == "close":
            assert not any(troubles[minute - 5 : minute + 1])


def test_what_flickers_is_one_trouble() -> None:
    acts = _run([True, True, True, *([False, True] * 40), *[False] * 6])
    assert [a for a in acts if a] == ["open", "close"]
