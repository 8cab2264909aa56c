"""The breaker of a way out in the running process: engine.breaker with a clock, its row, and its history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..channels.base import ChannelConfig
from ..engine.breaker import Breaker, Change, Policy, Verdict
from ..engine.pacing import Pace
from .pg import micros


@dataclass(frozen=True, slots=True)
class Event:
    """A change of state, to be written as a BreakerEvent."""

    channel_id: int
    at: datetime
    change: Change
    window: dict[str, Any]


class Guard:
    """changed: called after each change of state, so that who waits can look again."""

    def __init__(self, channel: ChannelConfig, changed: Callable[[], None]) -> None:
        self.channel_id = channel.id
        self.breaker = Breaker(Policy.of(channel.breaker), time.monotonic())
        self.events: list[Event] = []
        self.dirty = True
        """The row does not yet say what the breaker is."""
        self.resumed_at = 0
        """What was queued before this moment (`pg.micros`) piled up behind the breaker; 0: nothing did."""
        self._pace = Pace()
        self._changed = changed

    def configure(self, channel: ChannelConfig) -> None:
        self.breaker.policy = Policy.of(channel.breaker)

    def ready(self) -> bool:
        return self.breaker.ready(time.monotonic())

    def wait(self) -> float | None:
        return self.breaker.wait(time.monotonic())

    @property
    def shut(self) -> bool:
        """Open or cut, and not yet time for a probe."""
        return self.breaker.state in ("open", "cut") and not self.ready()

    def ticket(self) -> int | None:
        """Leave for one call; None where there is none."""
        now = time.monotonic()
        self._note(self.breaker.tick(now))
        return self.breaker.allow(now)

    def due(self, id: int, queued_at: int, per_minute: int | None, now: float) -> float:
        """When a delivery may go, on the monotonic clock: what piled up goes at the speed that the plan agreed,
        what came later at once."""
        return self._pace.due(id, per_minute, now) if queued_at < self.resumed_at else now

    def record(self, ticket: int, verdict: Verdict, took_s: float) -> None:
        now = time.monotonic()
        before = self.breaker.counts(now)
        self._note(self.breaker.record(ticket, verdict, took_s, now), before)

    def cancel(self, ticket: int) -> None:
        self.breaker.cancel(ticket)
        self._changed()

    def obey(self, state: str, since: datetime, until: datetime | None, reason: str, by: str) -> None:
        """What a person wrote into the row, with the event that says so: a cut, its end, or a new end of one."""
        if state == self.breaker.state:
            self.breaker.until = self._until(state, until)
        else:
            self.restore(state, since, until, reason, by)
            self._changed()

    def restore(self, state: str, since: datetime, until: datetime | None, reason: str, by: str) -> None:
        """As the last holder left it, or as a person wants it."""
        if state in ("closed", "open", "half_open", "cut"):
            self.breaker.restore(state, time.monotonic(), self._until(state, until), reason, by)  # type: ignore[arg-type]
            self.breaker.since = min(time.monotonic(), _monotonic(since) or 0.0)
            if state == "closed":
                self._resume(since)

    def _until(self, state: str, until: datetime | None) -> float | None:
        """An open one waits no longer than its policy allows, wherever the wall clock has gone meanwhile."""
        end = _monotonic(until) if state in ("open", "cut") else None
        if end is None or state == "cut":
            return end
        return min(end, time.monotonic() + self.breaker.policy.wait_cap_s)

    def _resume(self, at: datetime) -> None:
        self.resumed_at = micros(at)
        self._pace.begin()

    def tick(self) -> None:
        self._note(self.breaker.tick(time.monotonic()))

    def row(self) -> tuple[str, datetime, datetime | None, str, str, dict[str, Any]]:
        """state, since, until, reason, by, window: what the row should say."""
        breaker, now = self.breaker, time.monotonic()
        return (
            breaker.state,
            _wall(breaker.since) or datetime.now(UTC),
            _wall(breaker.until),
            breaker.reason,
            breaker.by,
            breaker.counts(now),
        )

    def _note(self, changes: list[Change], window: dict[str, Any] | None = None) -> None:
        if not changes:
            return
        at = datetime.now(UTC)
        counts = window or self.breaker.counts(time.monotonic())
        self.events += [Event(self.channel_id, at, change, counts) for change in changes]
        self.dirty = True
        if changes[-1].after == "closed":
            self._resume(at)
        self._changed()


def _wall(monotonic: float | None) -> datetime | None:
    if monotonic is None:
        return None
    return datetime.now(UTC) + timedelta(seconds=monotonic - time.monotonic())


def _monotonic(wall: datetime | None) -> float | None:
    if wall is None:
        return None
    return time.monotonic() + (wall - datetime.now(UTC)).total_seconds()
