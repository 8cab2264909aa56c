"""From counters that only grow to what was used in a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counters:
    """Of one statement since the database began to count. total_ms: time in the database; read: blocks from disk."""

    calls: int
    total_ms: float
    rows: int = 0
    read: int = 0

    def minus(self, before: Counters) -> Counters:
        return Counters(
            self.calls - before.calls, self.total_ms - before.total_ms, self.rows - before.rows, self.read - before.read
        )

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.calls if self.calls else 0.0


def used(before: Mapping[str, Counters], after: Mapping[str, Counters]) -> dict[str, Counters]:
    """What each statement used between two readings. A counter that fell was set to zero in between: all of it is new.

    A statement that was not known before says nothing yet about this stretch, unless everything was set to zero.
    """
    reset = any(key in after and after[key].calls < was.calls for key, was in before.items())
    found: dict[str, Counters] = {}
    for key, now in after.items():
        was = before.get(key)
        if was is None or now.calls < was.calls:
            if not before or not (reset or was is not None):
                continue
            change = now
        else:
            change = now.minus(was)
        if change.calls > 0:
            found[key] = change
    return found
