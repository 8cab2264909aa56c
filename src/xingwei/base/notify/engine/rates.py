"""How fast a lane may send. A lane is one robot, or one person's address on one channel.

Each send takes a token that comes back only after the whole window has passed, so that no window of that
length ever holds more sends than the service allows: a bucket that refills steadily would let through nearly
twice as many after a pause, and DingTalk answers that with ten minutes of silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most count sends in any span."""

    count: int
    span: dt.timedelta


Limits = tuple[Window, ...]
NO_LIMIT: Limits = ()
_CROWDED = (0, 30)  # minutes of the hour at which half the country's robots fire (Feishu 11232)


def per_minute(count: int, per_second: int = 0) -> Limits:
    """count a minute, and where per_second is not 0 at most that many a second."""
    minute = Window(count, dt.timedelta(minutes=1))
    return (minute, Window(per_second, dt.timedelta(seconds=1))) if per_second else (minute,)


def free(spent: Sequence[dt.datetime], limits: Limits, now: dt.datetime) -> int:
    """How many sends may start now. Without limits: a thousand."""
    left = [w.count - sum(1 for at in spent if at > now - w.span) for w in limits]
    return max(0, min(left, default=1000))


def next_free(spent: Sequence[dt.datetime], limits: Limits, now: dt.datetime) -> dt.datetime:
    """When the next token is back; now where one is free."""
    due = now
    for window in limits:
        within = sorted(at for at in spent if at > now - window.span)
        if len(within) >= window.count:
            due = max(due, within[len(within) - window.count] + window.span)
    return due


def still_counting(spent: Sequence[dt.datetime], limits: Limits, now: dt.datetime) -> list[dt.datetime]:
    """The sends that some window still counts: all that must be remembered."""
    longest = max((w.span for w in limits), default=dt.timedelta(0))
    return [at for at in spent if at > now - longest]


def off_peak(at: dt.datetime) -> dt.datetime:
    """The same time, or the start of the next minute where it falls into a crowded one."""
    if at.minute not in _CROWDED:
        return at
    return at.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
