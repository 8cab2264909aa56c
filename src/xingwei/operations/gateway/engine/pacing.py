"""How fast what piled up behind a breaker is caught up with, as the degradation plan agreed. Pure.

`now` is seconds on a monotonic clock, given by the caller.
"""

from __future__ import annotations

LOOK_AGAIN_S = 10.0
"""Who waits for a far place comes back so often, so that a plan approved meanwhile is obeyed soon."""


class Pace:
    """Places at even distances, handed out in the order in which they are asked for."""

    def __init__(self) -> None:
        self._places: dict[int, float] = {}
        self._next = 0.0
        self._per_minute = 0

    def begin(self) -> None:
        """A new catch-up: earlier places are void."""
        self._places.clear()
        self._next = 0.0

    def due(self, id: int, per_minute: int | None, now: float) -> float:
        """When this one may go: `now` or earlier means at once (its place is used up with that), later means ask again
        then. per_minute: None, or nothing above zero, where no speed was agreed."""
        if not per_minute or per_minute <= 0:
            return now
        if per_minute != self._per_minute:
            self.begin()
            self._per_minute = per_minute
        place = self._places.pop(id, None)
        if place is None:
            place = max(now, self._next)
            self._next = place + 60.0 / per_minute
        if place <= now:
            return place
        self._places[id] = place
        return min(place, now + LOOK_AGAIN_S)
