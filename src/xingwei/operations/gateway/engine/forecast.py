"""What a daily series will be: a robust trend, a pattern by weekday, and how sure that is. Pure.

The slope is the median of the slopes of all pairs of days that lie whole weeks apart (Theil and Sen), so that neither
the weekly pattern nor a day that went wrong moves it. What is left, by weekday, is the pattern; what is left after
both are the residuals, and they say how far a day may lie from the line. Less than MIN_DAYS days decide nothing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

MIN_DAYS = 21
SHARE = 0.9  # of the days lie in the interval, if the future is as the past
_Z = 1.645
_LONGEST = 400  # days looked at; older ones say little about the slope


@dataclass(frozen=True, slots=True)
class NotEnough:
    """have: days with a measurement; need: MIN_DAYS."""

    have: int
    need: int = MIN_DAYS


@dataclass(frozen=True, slots=True)
class Point:
    day: dt.date
    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """slope: change a day, between slope_low and slope_high. weekly: Monday to Sunday, against their mean."""

    points: tuple[Point, ...]
    slope: float
    slope_low: float
    slope_high: float
    weekly: tuple[float, ...]
    level: float
    days: int

    @property
    def growing(self) -> bool | None:
        """True or False where the sign of the slope is sure, None where it is not."""
        if self.slope_low > 0:
            return True
        return False if self.slope_high < 0 else None


def forecast(history: Mapping[dt.date, float], horizon: int) -> Forecast | NotEnough:
    """The next `horizon` days after the last day measured. Values are not negative, nor are the answers."""
    days = sorted(history)[-_LONGEST:]
    if len(days) < MIN_DAYS or (days[-1] - days[0]).days < MIN_DAYS - 1:
        return NotEnough(len(days))
    origin = days[0]
    xs = [(d - origin).days for d in days]
    ys = [float(history[d]) for d in days]
    slope = _slope(xs, ys)
    base = _by_weekday(days, [y - slope * x for x, y in zip(xs, ys, strict=True)])
    residuals = [y - slope * x - base[d.weekday()] for d, x, y in zip(days, xs, ys, strict=True)]
    error = _slope_error(xs, residuals)
    near = _reach([abs(r) for r in residuals])
    middle_x = sum(xs) / len(xs)
    points = []
    for ahead in range(1, horizon + 1):
        day = days[-1] + dt.timedelta(days=ahead)
        x = xs[-1] + ahead
        expected = slope * x + base[day.weekday()]
        width = math.hypot(near, _Z * error * (x - middle_x))
        points.append(Point(day, max(0.0, expected), max(0.0, expected - width), max(0.0, expected + width)))
    mean = sum(base) / 7
    return Forecast(
        tuple(points), slope, slope - _Z * error, slope + _Z * error, tuple(b - mean for b in base),
        mean + slope * xs[-1], len(days),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Full:
    """When a disk is full: at the earliest, probably, at the latest; None: not within the days looked at."""

    early: dt.date | None
    likely: dt.date | None
    late: dt.date | None


def full_on(free: float, daily: Forecast, *, factor: float = 1.0) -> Full:
    """When what comes in daily (times factor: bytes on disk for a byte received) has used up what is free."""

    def reached(values: Sequence[float]) -> dt.date | None:
        used = 0.0
        for point, value in zip(daily.points, values, strict=True):
            used += value * factor
            if used >= free:
                return point.day
        return None

    return Full(
        reached([p.high for p in daily.points]),
        reached([p.middle for p in daily.points]),
        reached([p.low for p in daily.points]),
    )


def _slope(xs: Sequence[int], ys: Sequence[float]) -> float:
    where = dict(zip(xs, ys, strict=True))
    pairs = [
        (where[x + gap] - y) / gap for x, y in where.items() for gap in range(7, xs[-1] - x + 1, 7) if x + gap in where
    ]
    return median(pairs) if pairs else 0.0


def _by_weekday(days: Sequence[dt.date], values: Sequence[float]) -> list[float]:
    whole = median(values)
    groups: list[list[float]] = [[] for _ in range(7)]
    for day, value in zip(days, values, strict=True):
        groups[day.weekday()].append(value)
    return [median(g) if g else whole for g in groups]


def _slope_error(xs: Sequence[int], residuals: Sequence[float]) -> float:
    """Standard error of the slope from the residuals' median deviation, so that one bad day does not blow it up."""
    sigma = 1.4826 * median([abs(r) for r in residuals]) * 1.25
    mean = sum(xs) / len(xs)
    spread = sum((x - mean) ** 2 for x in xs)
    return sigma / math.sqrt(spread) if spread else 0.0


def _reach(distances: Sequence[float]) -> float:
    """The distance that SHARE of the days keep, counted carefully for few days (conformal)."""
    ordered = sorted(distances)
    rank = min(len(ordered), math.ceil((len(ordered) + 1) * SHARE))
    return ordered[rank - 1]
