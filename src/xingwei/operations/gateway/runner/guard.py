"""The breaker of a way out in the running process: engine.breaker with a clock, its row, and its history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..channels.base import ChannelConfig
from ..engine.breaker import Breaker, Change, Policy, Verdict


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

    def record(self, ticket: int, verdict: Verdict, took_s: float) -> None:
        now = time.monotonic()
        before = self.breaker.counts(now)
        self._note(self.breaker.record(ticket, verdict, took_s, now), before)

    def cancel(self, ticket: int) -> None:
        self.breaker.cancel(ticket)
        self._changed()

    def obey(self, state: str, until: datetime | None, reason: str, by: str) -> None:
        """What a person wrote into the row, with the event that says so: a cut, its end, or a new end of one."""
        if state == self.breaker.state:
            self.breaker.until = _monotonic(until) if state in ("open", "cut") else None
        else:
            self.restore(state, until, reason, by)
            self._changed()

    def restore(self, state: str, until: datetime | None, reason: str, by: str) -> None:
        """As the last holder left it."""
        if state in ("closed", "open", "half_open", "cut"):
            self.breaker.restore(state, time.monotonic(), _monotonic(until), reason, by)  # type: ignore[arg-type]

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
        self._changed()


def _wall(monotonic: float | None) -> datetime | None:
    if monotonic is None:
        return None
    return datetime.now(UTC) + timedelta(seconds=monotonic - time.monotonic())


def _monotonic(wall: datetime | None) -> float | None:
    if wall is None:
        return None
    return time.monotonic() + (wall - datetime.now(UTC)).total_seconds()
