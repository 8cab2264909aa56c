"""What is usual: median and spread for each hour of each kind of weekday, from roll-ups by hour. Pure, numpy.

Robust by construction: a bad day moves neither median nor MAD. A slot that has too few hours borrows from the same
hour of the same kind of day (working or free), then from all hours of the series. The weekday of a date may differ
from the calendar's (a public holiday counts as Sunday, a make-up workday as Monday): the caller gives it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLOTS = 168
ENOUGH = 3  # hours that a slot needs to speak for itself
MAD = 1.4826  # makes the median absolute deviation comparable to a standard deviation
_FLOOR_SHARE = 0.05  # of the level: below this, a deviation is none
ODD_Z = 6.0
ODD_SHARE = 0.5  # and the value must differ by half of what is usual


@dataclass(frozen=True, slots=True)
class Usual:
    """mid, spread: 168 values from Monday 0:00, NaN where nothing is known. level: median of everything."""

    mid: Floats
    spread: Floats
    level: float
    days: int

    def at(self, slot: int) -> tuple[float, float] | None:
        """(median, spread) of the slot; None where nothing is known."""
        mid = float(self.mid[slot])
        return None if np.isnan(mid) else (mid, float(self.spread[slot]))

    def z(self, value: float, slot: int) -> float | None:
        """How many spreads the value is above (or below, negative) what is usual then."""
        known = self.at(slot)
        return None if known is None else (value - known[0]) / max(known[1], 1e-9)

    def odd(self, value: float, slot: int, worse: str) -> float | None:
        """z where the value is far out on the bad side, else None."""
        z = self.z(value, slot)
        if z is None or (worse == "high" and z < 0) or (worse == "low" and z > 0) or not worse:
            return None
        mid = float(self.mid[slot])
        far = abs(value - mid) >= ODD_SHARE * max(abs(mid), self.level_floor)
        return z if abs(z) >= ODD_Z and far else None

    @property
    def level_floor(self) -> float:
        return max(abs(self.level) * _FLOOR_SHARE, 1e-9)


def usual(
    weekdays: Sequence[int], mid: Floats, lo: Floats, hi: Floats, *, skip: NDArray[np.bool_] | None = None
) -> Usual | None:
    """From days × 24 hourly medians, least and highest (NaN where unknown). weekdays: 0 Monday … 6 Sunday, one a day.

    skip: hours to leave out (maintenance, blind, a known trouble). None where there is not a single hour.
    """
    values = np.array(mid, dtype=np.float64, copy=True)
    if skip is not None:
        values[skip] = np.nan
    if not np.isfinite(values).any():
        return None
    level = float(np.nanmedian(values))
    days = np.asarray(weekdays)
    free = days >= 5
    # what one hour itself scatters: half of its range is roughly two spreads
    inside = np.where(np.isnan(values), np.nan, (hi - lo) / 4.0)
    own_mid, own_spread = np.full(SLOTS, np.nan), np.full(SLOTS, np.nan)
    whole = _of(values.ravel(), inside.ravel())
    for kind in (False, True):
        for hour in range(24):
            rows = free == kind
            shared = _of(values[rows, hour], inside[rows, hour]) if rows.any() else None
            for weekday in range(5, 7) if kind else range(5):
                rows = days == weekday
                own = _of(values[rows, hour], inside[rows, hour]) if rows.any() else None
                slot = weekday * 24 + hour
                own_mid[slot], own_spread[slot] = own or shared or whole or (level, 0.0)
    floor = max(abs(level) * _FLOOR_SHARE, 1e-9)
    own_spread = np.maximum(np.nan_to_num(own_spread, nan=floor), np.maximum(np.abs(own_mid) * _FLOOR_SHARE, floor))
    return Usual(own_mid, own_spread, level, len(days))


def _of(values: Floats, inside: Floats) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if len(known) < ENOUGH:
        return None
    mid = float(np.median(known))
    between = MAD * float(np.median(np.abs(known - mid)))
    scatter = inside[~np.isnan(inside)]
    return mid, max(between, float(np.median(scatter)) if len(scatter) else 0.0)


@dataclass(frozen=True, slots=True)
class Drift:
    """per_day: in the series' unit. change: of the level over the stretch, as a share. since: where it began."""

    per_day: float
    change: float
    since: dt.date


MIN_DAYS = 10
DRIFT_SHARE = 0.3  # a third worse over the stretch
_STEADY = 0.6  # Kendall's tau: how steadily it goes one way


def drift(days: Sequence[dt.date], levels: Floats, worse: str) -> Drift | None:
    """Whether the daily medians creep to the bad side: Theil–Sen slope, steady by Kendall's tau, a third of the level.

    A jump on one day is none: leaving out the largest step must leave most of the change.
    """
    known = ~np.isnan(levels)
    if known.sum() < MIN_DAYS or not worse:
        return None
    x = np.array([d.toordinal() for d in days], dtype=np.float64)[known]
    y = levels[known]
    i, j = np.triu_indices(len(x), 1)
    rise = y[j] - y[i]
    slope = float(np.median(rise / (x[j] - x[i])))
    tau = float(np.mean(np.sign(rise)))
    total = slope * (x[-1] - x[0])
    start = max(abs(float(np.median(y[: max(3, len(y) // 4)]))), 1e-9)
    bad = slope > 0 if worse == "high" else slope < 0
    steps = np.diff(y)
    largest = float(np.max(np.abs(steps))) if len(steps) else 0.0
    if not bad or abs(tau) < _STEADY or abs(total) < DRIFT_SHARE * start or largest > 0.7 * abs(total):
        return None
    return Drift(slope, total / start, dt.date.fromordinal(int(x[0])))


def slot_of(at: dt.datetime, weekday: int | None = None) -> int:
    """The slot of a local time; weekday where the working calendar says otherwise than the date."""
    return (at.weekday() if weekday is None else weekday) * 24 + at.hour
