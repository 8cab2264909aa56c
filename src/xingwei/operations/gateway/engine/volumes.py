"""Histograms of latency by fixed edges, and what is read from them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

# Upper edges in milliseconds; the last bucket holds what is slower.
EDGES_MS = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    1_800_000,
    14_400_000,
)
BUCKETS = len(EDGES_MS) + 1


def merged(histograms: Iterable[Sequence[int]]) -> list[int]:
    """The sum, bucket by bucket; shorter ones count as filled up with zeros."""
    out = [0] * BUCKETS
    for histogram in histograms:
        for index, count in enumerate(histogram[:BUCKETS]):
            out[index] += count
    return out


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Milliseconds below which the share of the values lies, interpolated in its bucket; None for no values.

    What lies in the last bucket is given as its lower edge: "at least".
    """
    total = sum(histogram)
    if not total:
        return None
    wanted, seen = share * total, 0
    for index, count in enumerate(histogram):
        if count and seen + count >= wanted:
            low = EDGES_MS[index - 1] if index else 0
            if index >= len(EDGES_MS):
                return float(EDGES_MS[-1])
            return low + (EDGES_MS[index] - low) * max(0.0, wanted - seen) / count
        seen += count
    return float(EDGES_MS[-1])


def in_words(ms: float | None) -> str:
    """0.8 毫秒, 35 毫秒, 1.2 秒, 4 分, 2 时; — for nothing."""
    if ms is None:
        return "—"
    if ms < 1:
        return f"{ms:.1f} 毫秒"
    if ms < 1000:
        return f"{ms:.0f} 毫秒"
    if ms < 60_000:
        return f"{ms / 1000:.1f} 秒"
    if ms < 3_600_000:
        return f"{ms / 60_000:.0f} 分"
    return f"{ms / 3_600_000:.1f} 时"


def size_words(count: float | None) -> str:
    """820 B, 1.2 KB, 35.0 MB, 4.1 GB, 1.20 TB; — for nothing."""
    if count is None:
        return "—"
    for unit, digits in (("B", 0), ("KB", 1), ("MB", 1), ("GB", 1)):
        if abs(count) < 1024:
            return f"{count:.{digits}f} {unit}"
        count /= 1024
    return f"{count:.2f} TB"


def minute_of(at: dt.datetime) -> dt.datetime:
    return at.replace(second=0, microsecond=0)
