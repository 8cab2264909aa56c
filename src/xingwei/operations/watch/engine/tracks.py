"""A stretch of one series, as it is read from the store. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NOTHING: Floats = np.empty(0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Track:
    """times rise, in seconds since 1970; a value that is missing is NaN. lo, hi: the least and the highest within each
    step where the stretch was read from roll-ups; empty where each value is a measurement of its own."""

    key: str
    node: str
    signal: str
    title: str = ""
    unit: str = ""
    worse: str = ""
    times: Floats = field(default_factory=lambda: NOTHING)
    values: Floats = field(default_factory=lambda: NOTHING)
    lo: Floats = field(default_factory=lambda: NOTHING)
    hi: Floats = field(default_factory=lambda: NOTHING)

    @property
    def last(self) -> float | None:
        known = self.values[~np.isnan(self.values)]
        return float(known[-1]) if len(known) else None


def thin(track: Track, most: int) -> Track:
    """The same stretch in at most `most` steps: the mean of each step, with its least and highest. Peaks stay visible."""
    count = len(track.times)
    if count <= most:
        return track
    edges = np.linspace(0, count, most + 1).astype(int)
    starts = edges[:-1]
    lo_of = track.lo if len(track.lo) else track.values
    hi_of = track.hi if len(track.hi) else track.values
    filled = np.where(np.isnan(track.values), 0.0, track.values)
    known = (~np.isnan(track.values)).astype(np.float64)
    sums, counts = np.add.reduceat(filled, starts), np.add.reduceat(known, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = sums / counts
    return Track(
        track.key, track.node, track.signal, track.title, track.unit, track.worse,
        track.times[starts], values, np.fmin.reduceat(lo_of, starts), np.fmax.reduceat(hi_of, starts),
    )  # fmt: skip


def with_gaps(track: Track, longest_s: float) -> Track:
    """A NaN after every pause longer than longest_s, so that no line is drawn across what nobody saw."""
    if len(track.times) < 2:
        return track
    at = np.flatnonzero(np.diff(track.times) > longest_s) + 1
    if not len(at):
        return track
    times = np.insert(track.times, at, track.times[at - 1] + longest_s / 2)
    lo, hi = (np.insert(x, at, np.nan) if len(x) else x for x in (track.lo, track.hi))
    return Track(
        track.key, track.node, track.signal, track.title, track.unit, track.worse,
        times, np.insert(track.values, at, np.nan), lo, hi,
    )  # fmt: skip
