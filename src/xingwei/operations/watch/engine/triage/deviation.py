"""Robust deviation of one series from its own baseline, and when it began.

The baseline is what the same series did at about the same hour on days of the same sort, where there are enough of
them, and else what it did before the last hour. Centre is the median; scale the larger of the median absolute
deviation, what the signal's meaning says is the least that counts, and a third of the distance to the 99th percentile
(so that a series that is in the habit of jumping is not taken for broken when it jumps).
"""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass

import numpy as np

from .signals import Meaning, meaning
from .types import Finding, Floats, Series

DAY_S = 86_400.0
RECENT_S = 3_600.0  # what may belong to the trouble, and so is kept out of the baseline
LAST_S = 600.0  # how it is now
HOUR_S = 2_700.0  # either side of the same time of day
CHINA_S = 8 * 3_600.0
SIGMA = 4.0
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at. recent_s: how long before the moment may belong to the trouble and is no baseline; last_s: how
    long counts as now. Short data sets have shorter ones."""

    at: float
    recent_s: float = RECENT_S
    last_s: float = LAST_S

    def fitted(self, first: float) -> Window:
        """For a series that begins at `first`."""
        span = max(self.at - first, 1.0)
        return Window(self.at, min(self.recent_s, 0.4 * span), min(self.last_s, 0.1 * span))

    @classmethod
    def since(cls, at: float, began: float) -> Window:
        """Where it is known when the trouble began: the baseline ends there, and all after it is now."""
        return cls(at, max(at - began, 1.0), max(at - began, 1.0))


def usual(series: Series, window: Window) -> Floats:
    """The values that the baseline stands on; empty where nothing came before."""
    at, recent_s = window.at, window.recent_s
    before = series.times < at - recent_s
    good = before & np.isfinite(series.values)
    times, values = series.times[good], series.values[good]
    if not len(times):
        return values
    days = np.floor((at - times) / DAY_S + 0.5)
    near = (np.abs((at - times) - days * DAY_S) <= HOUR_S) & (days >= 1)
    alike = near & (_weekend(times) == _weekend(np.array([at]))[0])
    for chosen in (alike, near):
        if len(np.unique(days[chosen])) >= 3 and np.count_nonzero(chosen) >= 2 * _LEAST:
            close = times > at - recent_s - 7_200.0
            if np.count_nonzero(close) >= _LEAST and not _fits(values[chosen], values[close]):
                break  # the level has moved since: yesterday's is no measure of today
            return values[chosen]
    close = times > at - recent_s - 3 * 3_600.0
    return values[close] if np.count_nonzero(close) >= _LEAST else values


def finding(series: Series, window: Window) -> Finding | None:
    """How the series deviates at the moment; None where it is as usual, or where there is nothing to compare with."""
    at = window.at
    means = meaning(series.signal)
    upto = series.times <= at
    times, values = series.times[upto], series.values[upto]
    good = np.isfinite(values)
    if len(times) < _LEAST or not np.count_nonzero(good):
        return None
    if window.last_s == LAST_S:
        window = window.fitted(float(times[0]))
    base = usual(Series(series.node, series.signal, times, values), window)
    if _silent(times, good, at):
        last = float(times[good][-1])
        middle = float(np.median(base)) if len(base) else float("nan")
        return _made(series, "silent", 0.0, 0.0, float("nan"), middle, last)
    if len(base) < _LEAST:
        return None
    middle, scale = _centre(base, means)
    z = _signed((values - middle) / scale, means)
    now = good & (times > at - window.last_s)
    if np.count_nonzero(now) < 2:
        now = good & (times >= times[good][-1] - window.last_s)
    sigma = float(np.quantile(z[now], 0.75))
    value = float(np.median(values[now & (z >= np.median(z[now]))]))
    strength = _strength(sigma, value, middle, means)
    if strength <= 0:
        return None
    onset = _onset(times[good], z[good], at)
    return _made(series, "high" if value >= middle else "low", strength, sigma, value, middle, onset)


def measured(series: Series, at: float) -> bool:
    """There are values of now and of before: that it is quiet can be said."""
    good = np.isfinite(series.values) & (series.times <= at)
    times = series.times[good]
    return len(times) >= 2 * _LEAST and bool(times[-1] > at - max(LAST_S, 3 * (times[1] - times[0])))


def _made(s: Series, state: str, strength: float, sigma: float, value: float, middle: float, onset: float) -> Finding:
    when = dt.datetime.fromtimestamp(onset, dt.UTC)
    title = s.title or meaning(s.signal).title or s.signal
    return Finding(s.node, s.signal, state, strength, sigma, value, middle, when, title, s.unit, s.url)


def _weekend(times: Floats) -> Floats:
    """1 for Saturdays and Sundays in China."""
    day = np.floor((times + CHINA_S) / DAY_S)
    weekend: Floats = ((day + 3) % 7 >= 5).astype(np.float64)
    return weekend


def _centre(base: Floats, means: Meaning) -> tuple[float, float]:
    middle = float(np.median(base))
    spread = float(np.median(np.abs(base - middle))) * 1.4826
    far = float(np.quantile(np.abs(base - middle), 0.99)) / 3.0
    least = max(means.floor, means.relative * abs(middle), 1e-9)
    return middle, max(spread, far, least)


def _fits(old: Floats, new: Floats) -> bool:
    """Whether the level of just before the trouble lies within what is usual at this hour."""
    middle = float(np.median(old))
    spread = max(float(np.median(np.abs(old - middle))) * 1.4826, float(np.quantile(np.abs(old - middle), 0.9)) / 2)
    return abs(float(np.median(new)) - middle) <= 4 * max(spread, 0.1 * abs(middle), 1e-9)


def _signed(z: Floats, means: Meaning) -> Floats:
    if means.bad == "up":
        return z
    return -z if means.bad == "down" else np.abs(z)


def _strength(sigma: float, value: float, middle: float, means: Meaning) -> float:
    """0 to 1. Where the signal has a limit, a deviation on its harmless side counts little."""
    down = means.bad == "down"
    if means.hard is not None:
        past = value <= means.hard if down else abs(value) >= means.hard
        if past and sigma > 1.0:
            return 1.0
    if sigma < SIGMA:
        return 0.0
    strength = 1.0 - float(np.exp(-(sigma - SIGMA + 1.0) / 5.0))
    if means.soft is not None and not (value <= means.soft if down else abs(value) >= means.soft):
        strength *= 0.3
    return strength


def _silent(times: Floats, good: Floats, at: float) -> bool:
    """Nothing has come for three times as long as is usual, and for five minutes at least."""
    came = times[good]
    steps = np.diff(came[-200:])
    usual_step = float(np.median(steps)) if len(steps) else 60.0
    return bool(at - came[-1] > max(3 * usual_step, 300.0))


def _onset(times: Floats, z: Floats, at: float) -> float:
    """The first moment since which most values have been out of the usual range."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        window = times > at - 6 * RECENT_S
        t, out = times[window], z[window] > SIGMA * 0.75
    if not out.any():
        return float(times[-1])
    share_since = np.cumsum(out[::-1])[::-1] / np.arange(len(out), 0, -1)
    first = np.flatnonzero(out & (share_since >= 0.6))
    return float(t[first[0]]) if len(first) else float(t[np.flatnonzero(out)[-1]])
