"""What the top bar and the banner of every page ask, kept for some seconds in each process."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.utils import timezone

from xingwei.base.site import queries as site

from . import queries
from .engine.coverage import Gap
from .queries import Duty, OnDuty

T = TypeVar("T")
_DUTY_S, _GAPS_S = 20.0, 60.0


@dataclass(slots=True)
class _Kept(Generic[T]):
    """A value computed anew when it is older than `seconds`."""

    compute: Callable[[], T]
    seconds: float
    value: T | None = None
    at: float = float("-inf")

    def get(self) -> T:
        now = time.monotonic()
        if self.value is None or not 0 <= now - self.at < self.seconds:
            self.value, self.at = self.compute(), now
        return self.value

    def forget(self) -> None:
        self.value = None


def _coming_gaps() -> list[Gap]:
    today = timezone.localdate()
    last = today + dt.timedelta(days=int(site.value("rota.gap.days")))
    return [g for g in queries.gaps(today, last) if g.end > timezone.now()]


def _duties_of_today() -> tuple[dt.date, list[Duty]]:
    today = timezone.localdate()
    return today, queries.duties(today, today)


_duty: _Kept[tuple[dt.date, list[Duty]]] = _Kept(_duties_of_today, _DUTY_S)
_gaps: _Kept[list[Gap]] = _Kept(_coming_gaps, _GAPS_S)


def duties_today() -> list[Duty]:
    """The duties of today, as they were at most 20 seconds ago."""
    day, found = _duty.get()
    if day != timezone.localdate():
        _duty.forget()
        _, found = _duty.get()
    return found


def on_duty() -> OnDuty:
    """Who is on duty now, as it was arranged at most 20 seconds ago."""
    return queries.now_of(duties_today(), timezone.localtime())


def gaps() -> list[Gap]:
    """What is open now and in the coming days, as it was at most a minute ago."""
    return _gaps.get()


def forget(*_: object) -> None:
    """Drop this process's copies: after any act of the rota, and between tests."""
    _duty.forget()
    _gaps.forget()
