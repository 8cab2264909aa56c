"""Is a statement slower than it was? Days of the same kind are compared, outliers count for little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

LEAST_DAYS = 3
SLOWER, STEP = 1.5, 2.0


class Kind(StrEnum):
    UNKNOWN = "unknown"  # too few days
    STEADY = "steady"
    SLOWER = "slower"  # bit by bit
    JUMPED = "jumped"  # from one day to the next
    FASTER = "faster"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a statement: how often it ran, how long each time on the average."""

    calls: int
    mean_ms: float


@dataclass(frozen=True, slots=True)
class Trend:
    """factor: the mean of the last days over that of the first. rows_factor: how the rows of a call grew."""

    kind: Kind
    factor: float = 1.0
    calls_factor: float = 1.0


def trend(days: Sequence[Day]) -> Trend:
    """days: in order, days without a call left out."""
    known = [d for d in days if d.calls > 0]
    if len(known) < LEAST_DAYS:
        return Trend(Kind.UNKNOWN)
    third = max(1, len(known) // 3)
    first, last = known[:third], known[-third:]
    was, now = median(d.mean_ms for d in first), median(d.mean_ms for d in last)
    factor = now / was if was > 0 else 1.0
    calls = median(d.calls for d in last) / median(d.calls for d in first)
    if factor >= SLOWER:
        steps = [b.mean_ms / a.mean_ms for a, b in pairwise(known) if a.mean_ms > 0]
        jumped = bool(steps) and max(steps) >= min(STEP, factor * 0.8)
        return Trend(Kind.JUMPED if jumped else Kind.SLOWER, factor, calls)
    return Trend(Kind.FASTER if factor <= 1 / SLOWER else Kind.STEADY, factor, calls)
