from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.episodes import Event, episodes

T = dt.datetime(2026, 3, 18, 9, 0, tzinfo=dt.UTC)


def _at(minutes: int) -> dt.datetime:
    return T + dt.timedelta(minutes=minutes)


def test_open_half_open_open_again_and_closed_are_one_episode() -> None:
    found = episodes(
        [
            Event(_at(0), "closed", "open", "超时"), Event(_at(5), "open", "half_open"),
            Event(_at(6), "half_open", "open", "试探失败"), Event(_at(9), "open", "half_open"),
            Event(_at(12), "half_open", "closed"), Event(_at(60), "closed", "cut", "演练", "何科长"),
        ]
    )  # fmt: skip
    assert [(e.since, e.until, e.reason) for e in found] == [(_at(0), _at(12), "超时"), (_at(60), None, "演练")]
    assert [(s.state, s.since, s.until) for s in found[0].spans] == [
        ("open", _at(0), _at(5)), ("half_open", _at(5), _at(6)), ("open", _at(6), _at(9)), ("half_open", _at(9), _at(12)),
    ]  # fmt: skip
    assert (found[0].by_hand, found[1].by_hand) == (False, True)


@given(st.lists(st.sampled_from(["closed", "open", "half_open", "cut"]), max_size=30))
def test_episodes_never_overlap_and_spans_lie_end_to_end(states: list[str]) -> None:
    before = ["closed", *states]
    found = episodes(Event(_at(n), before[n], after) for n, after in enumerate(states))
    for earlier, later in itertools.pairwise(found):
        assert earlier.until is not None
        assert earlier.until <= later.since
    for episode in found:
        assert episode.spans[0].since == episode.since
        assert episode.spans[-1].until == episode.until
        assert all(a.until == b.since for a, b in zip(episode.spans, episode.spans[1:], strict=False))
        assert all(s.state != "closed" for s in episode.spans)
