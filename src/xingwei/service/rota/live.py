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
from .queries import OnDuty

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


_duty: _Kept[OnDuty] = _Kept(queries.on_duty, _DUTY_S)
_gaps: _Kept[list[Gap]] = _Kept(_coming_gaps, _GAPS_S)


def on_duty() -> OnDuty:
    """Who is on duty, as it was at most 20 seconds ago."""
    return _duty.get()


def gaps() -> list[Gap]:
    """What is open now and in the coming days, as it was at most a minute ago."""
    return _gaps.get()


def forget(*_: object) -> None:
    """Drop this process's copies: after any act of the rota, and between tests."""
    _duty.forget()
    _gaps.forget()
