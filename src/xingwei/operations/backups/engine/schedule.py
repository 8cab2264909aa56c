"""When a backup is due. Times are the hospital's own; the caller gives aware moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def last_due(at: dt.time, weekdays: Iterable[int], now: dt.datetime) -> dt.datetime | None:
    """The latest moment not after `now` at which one was due; weekdays: 1 (Monday) to 7. None: never on any day."""
    days = frozenset(weekdays)
    local = now.astimezone(SHANGHAI)
    for back in range(8):
        day = local.date() - dt.timedelta(days=back)
        due = dt.datetime.combine(day, at, SHANGHAI)
        if day.isoweekday() in days and due <= local:
            return due
    return None


def next_due(at: dt.time, weekdays: Iterable[int], now: dt.datetime) -> dt.datetime | None:
    """The first moment after `now` at which one is due."""
    days = frozenset(weekdays)
    local = now.astimezone(SHANGHAI)
    for ahead in range(8):
        day = local.date() + dt.timedelta(days=ahead)
        due = dt.datetime.combine(day, at, SHANGHAI)
        if day.isoweekday() in days and due > local:
            return due
    return None
