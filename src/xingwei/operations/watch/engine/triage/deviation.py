"""Robust deviation of one series from its own baseline, and when it began.

The baseline is what the same series did at about the same hour on days of the same sort, where there are enough of
them, and else what it did before the last hour. Centre is the median; scale the larger of the median absolute
deviation, what the signal's meaning says is the least that counts, and a third of the distance to the 99th percentile
(so that a series that is in the habit of jumping is not taken for broken when it jumps).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from .signals import Meaning, meaning
from .types import Finding, Floats, Series

DAY_S = 86_400.0
RECENT_S = 3_600.0  # what may belong to the trouble, and so is kept out of the baseline
LAST_S = 600.0  # how it is now
HOUR_S = 2_700.0  # either side of the same time of day
RUSH_S = 1_200.0  # the same for demand, which climbs within the hour
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


def usual(times: Floats, values: Floats, window: Window, either_s: float = HOUR_S) -> Floats:
    """The values that the baseline stands on, of a series without gaps; empty where nothing came before."""
    at, recent_s = window.at, window.recent_s
    end = int(np.searchsorted(times, at - recent_s))
    times, values = times[:end], values[:end]
    if not end:
        return values
    close = values[int(np.searchsorted(times, at - recent_s - 3 * 3_600.0)) :]
    if times[0] < at - 2.5 * DAY_S:
        chosen = _same_hour(times, values, at, either_s)
        before = values[int(np.searchsorted(times, at - recent_s - 7_200.0)) :]
        # Where the level has moved since, yesterday's is no measure of today.
        if chosen is not None and (either_s < HOUR_S or len(before) < _LEAST or _fits(chosen, before)):
            return chosen
    return close if len(close) >= _LEAST else values


def _same_hour(times: Floats, values: Floats, at: float, either_s: float) -> Floats | None:
    """What it did about this time of day on at least two days of the same sort, or three of any."""
    days = np.floor((at - times) / DAY_S + 0.5)
    near = (np.abs((at - times) - days * DAY_S) <= either_s) & (days >= 1)
    times, values, days = times[near], values[near], days[near]
    alike = _weekend(times) == _weekend(np.array([at]))[0]
    for mask, least in ((alike, 1), (None, 2)):
        which = days[mask] if mask is not None else days
        if len(which) >= 2 * _LEAST and np.count_nonzero(np.diff(which)) >= least:
            return values[mask] if mask is not None else values
    return None


def finding(series: Series, window: Window) -> Finding | None:
    """How the series deviates at the moment; None where it is as usual, or where there is nothing to compare with."""
    at = window.at
    means = meaning(series.signal)
    end = int(np.searchsorted(series.times, at, side="right"))
    times, values = series.times[:end], series.values[:end]
    good = np.isfinite(values)
    if not good.all():
        times, values = times[good], values[good]
    if end < _LEAST or len(times) < 2:
        return None
    if window.last_s == LAST_S:
        window = window.fitted(float(times[0]))
    if _silent(times, at):
        base = usual(times, values, window)
        return _made(series, "silent", 0.0, 0.0, float("nan"), _at(np.sort(base), 0.5), float(times[-1]))
    now = values[int(np.searchsorted(times, at - window.last_s, side="right")) :]
    if len(now) < 2:
        now = values[int(np.searchsorted(times, times[-1] - window.last_s)) :]
    if _plainly_usual(times, values, now, window, means):
        return None
    base = usual(times, values, window, RUSH_S if means.role == "load" else HOUR_S)
    if len(base) < _LEAST:
        return None
    middle, scale = _centre(base, means)
    sigma, value = _most(now, middle, scale, means, 0.75)
    if len(now) >= 8:  # it may have begun only minutes ago
        sigma, value = max((sigma, value), _most(now[-max(3, len(now) // 2) :], middle, scale, means, 0.6))
    strength = _strength(sigma, value, middle, means)
    if strength <= 0:
        return None
    # Demand is measured against this hour alone; what it was before says nothing.
    since = int(np.searchsorted(times, at - (HOUR_S if means.role == "load" else 6 * RECENT_S)))
    onset = _onset(times[since:], _signed((values[since:] - middle) / scale, means))
    return _made(series, "high" if value >= middle else "low", strength, sigma, value, middle, onset)


def _most(now: Floats, middle: float, scale: float, means: Meaning, share: float) -> tuple[float, float]:
    """How far it deviates, at that quantile of the deviations, and the value there."""
    z = _signed((now - middle) / scale, means)
    order = np.argsort(z, kind="stable")
    at = order[round(share * (len(order) - 1))]
    return float(z[at]), float(now[at])


def _plainly_usual(times: Floats, values: Floats, now: Floats, window: Window, means: Meaning) -> bool:
    """A quick answer for most series: what is now lies well within what the last hours did. Not for demand, which
    must be measured by the hour of the day, and not near a limit."""
    if means.role == "load":
        return False
    first = int(np.searchsorted(times, window.at - window.recent_s - 3 * 3_600.0))
    close = values[first : int(np.searchsorted(times, window.at - window.recent_s))]
    if len(close) < 4 * _LEAST:
        return False
    late = np.sort(now[-max(3, len(now) // 2) :])
    close, now = np.sort(close), np.sort(now)
    low, high = min(_at(now, 0.25), _at(late, 0.4)), max(_at(now, 0.75), _at(late, 0.6))
    if means.hard is not None and (low <= means.hard if means.bad == "down" else high >= means.hard):
        return False
    up = means.bad == "down" or high <= _at(close, 0.97)
    down = means.bad == "up" or low >= _at(close, 0.03)
    return up and down


def _at(ordered: Floats, share: float) -> float:
    """Quantile of sorted values by nearest rank; NaN of nothing."""
    return float(ordered[round(share * (len(ordered) - 1))]) if len(ordered) else float("nan")


def measured(series: Series, at: float) -> bool:
    """There are values of now and of before: that it is quiet can be said."""
    end = int(np.searchsorted(series.times, at, side="right"))
    if end < 2 * _LEAST:
        return False
    step = float(series.times[end - 1] - series.times[end - 2])
    last = series.values[int(np.searchsorted(series.times, at - max(LAST_S, 3 * step))) : end]
    return bool(np.isfinite(last).any()) and int(np.isfinite(series.values[:end]).sum()) >= 2 * _LEAST


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
    middle = _at(np.sort(base), 0.5)
    away = np.sort(np.abs(base - middle))
    least = max(means.floor, means.relative * abs(middle), 1e-9)
    return middle, max(_at(away, 0.5) * 1.4826, _at(away, 0.99) / 3.0, least)


def _fits(old: Floats, new: Floats) -> bool:
    """Whether the level of just before the trouble lies within what is usual at this hour."""
    middle = _at(np.sort(old), 0.5)
    away = np.sort(np.abs(old - middle))
    spread = max(_at(away, 0.5) * 1.4826, _at(away, 0.9) / 2, 0.1 * abs(middle), 1e-9)
    return abs(_at(np.sort(new), 0.5) - middle) <= 4 * spread


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


def _silent(times: Floats, at: float) -> bool:
    """Nothing has come for three times as long as is usual, and for five minutes at least."""
    if at - times[-1] <= 300.0:
        return False
    step = _at(np.sort(np.diff(times[-200:])), 0.5) if len(times) > 2 else 60.0
    return bool(at - times[-1] > 3 * step)


def _onset(times: Floats, z: Floats) -> float:
    """The first moment since which most values have been out of the usual range."""
    out = z > SIGMA * 0.75
    hits = np.flatnonzero(out)
    if not len(hits):
        return float(times[-1])
    share_since = np.cumsum(out[::-1])[::-1] / np.arange(len(out), 0, -1)
    first = hits[share_since[hits] >= 0.6]
    return float(times[first[0]]) if len(first) else float(times[hits[-1]])
