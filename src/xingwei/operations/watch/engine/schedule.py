"""When which probe is due: spread over its interval by its number, so that 5,000 probes never start at once. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

SHARES = 64
_GOLDEN = 0.6180339887498949


def share_of(probe_id: int) -> int:
    """Which of the shares the probe belongs to; processes hold whole shares."""
    return probe_id % SHARES


def phase(probe_id: int, every_s: float) -> float:
    """Where within its interval the probe runs: the same always, evenly spread over neighbouring numbers."""
    return (probe_id * _GOLDEN % 1.0) * every_s


def first(probe_id: int, every_s: float, now: float, *, at_once: bool = False) -> float:
    """The next time after now (seconds since 1970). at_once: within a few seconds, for one that is new."""
    if at_once:
        return now + phase(probe_id, min(every_s, 5.0))
    start = phase(probe_id, every_s)
    return start + (int((now - start) // every_s) + 1) * every_s


class Agenda:
    """What is due when. A probe that is taken out or replaced is forgotten lazily."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._due: dict[int, float] = {}

    def put(self, probe_id: int, due: float) -> None:
        self._due[probe_id] = due
        heapq.heappush(self._heap, (due, probe_id))

    def drop(self, probe_id: int) -> None:
        self._due.pop(probe_id, None)

    def take(self, now: float) -> list[int]:
        """Everything that is due by now, the oldest first."""
        out = []
        while self._heap and self._heap[0][0] <= now:
            due, probe_id = heapq.heappop(self._heap)
            if self._due.get(probe_id) == due:
                del self._due[probe_id]
                out.append(probe_id)
        return out

    def next(self) -> float | None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, probe_id: int) -> bool:
        return probe_id in self._due


def fair(held: int, shares: Iterable[int], processes: int) -> int:
    """How many shares a process of so many should hold at most."""
    total = len(list(shares))
    return -(-total // max(processes, 1))
