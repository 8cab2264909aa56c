"""What a forecast must hold whatever the series."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.operations.gateway.engine import volumes
from xingwei.operations.gateway.engine.forecast import MIN_DAYS, Forecast, NotEnough, forecast, full_on

START = dt.date(2026, 1, 5)  # a Monday
weekly = st.lists(st.floats(0, 500), min_size=7, max_size=7)


def _series(days: int, slope: float, pattern: list[float], level: float = 1000.0) -> dict[dt.date, float]:
    return {START + dt.timedelta(days=n): level + slope * n + pattern[n % 7] for n in range(days)}


@given(slope=st.floats(0, 50), pattern=weekly, days=st.integers(MIN_DAYS, 120))
@settings(max_examples=60, deadline=None)
def test_a_line_with_a_weekly_pattern_is_continued_exactly(slope: float, pattern: list[float], days: int) -> None:
    found = forecast(_series(days, slope, pattern), 30)
    assert isinstance(found, Forecast)
    wanted = _series(days + 30, slope, pattern)
    for point in found.points:
        assert point.middle == pytest.approx(wanted[point.day], rel=1e-6, abs=1e-3)
        assert point.low <= point.middle <= point.high
    assert found.slope == pytest.approx(slope, abs=1e-6)


@given(values=st.lists(st.floats(0, 1e6), min_size=MIN_DAYS, max_size=90), factor=st.floats(0.5, 20))
@settings(max_examples=60, deadline=None)
def test_other_units_change_nothing_but_the_unit_and_the_interval_widens(values: list[float], factor: float) -> None:
    history = {START + dt.timedelta(days=n): v for n, v in enumerate(values)}
    one, other = forecast(history, 40), forecast({d: v * factor for d, v in history.items()}, 40)
    assert isinstance(one, Forecast)
    assert isinstance(other, Forecast)
    for a, b in zip(one.points, other.points, strict=True):
        assert b.middle == pytest.approx(a.middle * factor, rel=1e-6, abs=1e-3)
        assert b.high == pytest.approx(a.high * factor, rel=1e-6, abs=1e-3)
        assert 0 <= a.low <= a.middle <= a.high
    widths = [p.high - p.middle for p in one.points if p.low > 0]
    assert all(later >= earlier - 1e-6 for earlier, later in itertools.pairwise(widths))


@given(day=st.integers(0, 59), value=st.floats(0, 1e7))
@settings(max_examples=40, deadline=None)
def test_one_day_that_went_wrong_does_not_move_the_line(day: int, value: float) -> None:
    history = _series(60, 10, [0, 5, 5, 5, 5, -100, -200])
    history[START + dt.timedelta(days=day)] = value
    found = forecast(history, 30)
    assert isinstance(found, Forecast)
    assert found.slope == pytest.approx(10, abs=0.5)


def test_the_interval_holds_about_nine_of_ten_days() -> None:
    inside = total = 0
    for seed in range(40):
        luck = random.Random(seed)
        history = {d: v + luck.gauss(0, 40) for d, v in _series(120, 3, [0, 0, 0, 0, 0, -300, -400]).items()}
        found = forecast({d: v for d, v in history.items() if d < START + dt.timedelta(days=90)}, 30)
        assert isinstance(found, Forecast)
        for point in found.points:
            total += 1
            inside += point.low <= history[point.day] <= point.high
    assert 0.82 <= inside / total <= 0.99


def test_too_few_days_are_said_to_be_too_few() -> None:
    assert forecast({}, 30) == NotEnough(0, MIN_DAYS)
    assert forecast(_series(MIN_DAYS - 1, 1, [0] * 7), 30) == NotEnough(MIN_DAYS - 1, MIN_DAYS)


def test_when_a_disk_is_full_has_an_earliest_and_a_latest_day() -> None:
    luck = random.Random(7)
    history = {d: v + luck.gauss(0, 50) for d, v in _series(60, 0, [0] * 7).items()}
    found = forecast(history, 60)
    assert isinstance(found, Forecast)
    full = full_on(20_000, found)
    assert full.early
    assert full.likely
    assert full.late
    assert full.early <= full.likely <= full.late
    assert full_on(1e12, found).early is None
    assert full_on(20_000, found, factor=2).likely < full.likely


@given(st.lists(st.lists(st.integers(0, 50), min_size=volumes.BUCKETS, max_size=volumes.BUCKETS), max_size=5))
def test_quantiles_of_a_sum_of_histograms_rise_with_the_share(histograms: list[list[int]]) -> None:
    whole = volumes.merged(histograms)
    assert sum(whole) == sum(map(sum, histograms))
    found = [volumes.quantile(whole, q) for q in (0.1, 0.5, 0.95, 1.0)]
    if sum(whole) == 0:
        assert found == [None] * 4
    else:
        assert found == sorted(found)
