"""When a breaker was not closed: its events become episodes with their spans. Pure.

An episode begins when the breaker leaves `closed` and ends when it is closed again; in between it may open, be half
open, and be cut by hand, any number of times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of state. by: who did it; empty for the breaker itself."""

    at: dt.datetime
    before: str
    after: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """How long one state lasted; until None: it lasts."""

    state: str
    since: dt.datetime
    until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Episode:
    """reason, by: of the event that began it. until None: it lasts."""

    since: dt.datetime
    until: dt.datetime | None
    reason: str
    by: str
    spans: tuple[Span, ...]

    @property
    def by_hand(self) -> bool:
        return self.spans[0].state == "cut"

    def lasted(self, now: dt.datetime) -> dt.timedelta:
        return (self.until or now) - self.since


def episodes(events: Iterable[Event]) -> list[Episode]:
    """The episodes of one breaker, oldest first; the last may still last.

    Events that change nothing are left out; a missing beginning is taken from the first event that is there.
    """
    found: list[Episode] = []
    spans: list[Span] = []
    first: Event | None = None
    for event in sorted(events, key=lambda e: e.at):
        if spans and spans[-1].until is None:
            if event.after == spans[-1].state:
                continue
            spans[-1] = Span(spans[-1].state, spans[-1].since, event.at)
        if event.after == CLOSED:
            if first is not None:
                found.append(Episode(first.at, event.at, first.reason, first.by, tuple(spans)))
            first, spans = None, []
            continue
        first = first or event
        spans.append(Span(event.after, event.at, None))
    if first is not None:
        found.append(Episode(first.at, None, first.reason, first.by, tuple(spans)))
    return found


@dataclass(frozen=True, slots=True)
class Slot:
    """What happened to calls of a way out in one slot of time."""

    at: dt.datetime
    ok: int = 0
    slow: int = 0
    failed: int = 0

    @property
    def share(self) -> float | None:
        """Per cent of slow and failed ones; None where nothing was called."""
        total = self.ok + self.slow + self.failed
        return round(100 * (self.slow + self.failed) / total, 1) if total else None


def filled(slots: Sequence[Slot], since: dt.datetime, until: dt.datetime, step: dt.timedelta) -> list[Slot]:
    """Every slot from since (inclusive) to until (exclusive), empty ones included."""
    known = {s.at: s for s in slots}
    out: list[Slot] = []
    at = since
    while at < until:
        out.append(known.get(at, Slot(at)))
        at += step
    return out
