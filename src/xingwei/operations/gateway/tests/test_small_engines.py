"""Waits, memories, shares and meters."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine import shares
from xingwei.operations.gateway.engine.backoff import Backoff
from xingwei.operations.gateway.engine.meter import Meter
from xingwei.operations.gateway.engine.numbers import number_at, number_of
from xingwei.operations.gateway.engine.seen import Seen
from xingwei.operations.gateway.runner import pg


@given(st.integers(1, 10_000), st.floats(0, 0.999), st.floats(0.01, 10), st.floats(10, 1_000))
def test_a_wait_is_bounded_and_grows(failures: int, chance: float, base: float, cap: float) -> None:
    backoff = Backoff(base, cap)
    wait = backoff.wait(failures, chance)
    plain = backoff.wait(failures, 0)
    assert plain * 0.7 <= wait <= plain <= cap
    assert backoff.wait(failures + 1, 0) >= plain


@given(st.lists(st.text(min_size=1, max_size=8), max_size=400, unique=True))
def test_what_was_seen_within_the_span_is_never_denied(ids: list[str]) -> None:
    seen = Seen(span=100)
    for n, id in enumerate(ids):
        seen.add(id)
        assert all(seen.maybe(known) for known in ids[max(0, n - 99) : n + 1])


def test_hardly_anything_new_is_doubted() -> None:
    seen = Seen(span=10_000)
    for n in range(10_000):
        seen.add(f"id-{n}")
    assert sum(seen.maybe(f"new-{n}") for n in range(10_000)) < 60


CHANNELS = st.sets(st.integers(1, 40), max_size=20)


@given(CHANNELS, st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=15), st.integers(1, 5))
def test_shares_are_fair_and_keep_together_what_belongs_together(
    channels: set[int], joined: list[tuple[int, int]], living: int
) -> None:
    units = shares.units(channels, joined)
    assert sorted(c for unit in units for c in unit) == sorted(channels)
    for a, b in joined:
        if a in channels and b in channels:
            assert any(a in unit and b in unit for unit in units)
    held: list[list[tuple[int, ...]]] = [[] for _ in range(living)]
    held[0] = list(units)  # one was alone before the others came
    for _ in range(3):
        for mine in held:
            for unit in shares.give(mine, len(units), living):
                mine.remove(unit)
            taken = [unit for other in held for unit in other]
            mine.extend(shares.take([u for u in units if u not in taken], len(mine), len(units), living))
    sizes = [len(mine) for mine in held]
    assert sum(sizes) == len(units)
    assert max(sizes) <= -(-len(units) // living)


def test_a_meter_counts_by_the_minute_and_forgets_after_an_hour() -> None:
    meter = Meter(0)
    for second in range(120):
        meter.add(second, 10)
    meter.error(119)
    meter.took(0.010)
    values = meter.values(119)
    assert values["series"][-2:] == [60, 60]  # type: ignore[index]
    assert (values["errors_1m"], values["rate_5m"]) == (1.0, 60.0)
    assert 9 < values["latency_p50_ms"] < 13  # type: ignore[operator]
    later = meter.values(119 + 3_600)
    assert later["series"] == [0] * 60
    assert later["rate_1m"] == 0


@given(st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)))
def test_times_and_numbers_agree_with_the_database_s_reckoning(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    assert abs((pg.moment(pg.micros(at)) - at).total_seconds()) < 1e-4
    assert number_at(pg.micros(at), 7) == number_of(at, 7)
