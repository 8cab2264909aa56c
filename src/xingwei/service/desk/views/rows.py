"""A case as lists show it: one line, the same in the ledger, on the home page, in the search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from ..engine.workflow import State
from ..models import Case
from ..queries.clocks import next_of
from ..workflow import kind_of, state_of

RELATED = ("timing", "system", "department", "assignee__organisation")  # what a row needs besides itself
HEAVY = ("known", "description", "tried", "cause", "solution")  # what it does not
CHANNEL_ICONS = {
    "phone": "phone",
    "portal": "device-mobile",
    "email": "mail",
    "wecom": "brand-wechat",
    "api": "api",
    "on_site": "map-pin",
    "probe": "activity-heartbeat",
    "inspection": "clipboard-check",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """state: ok, soon, late, pause or unknown. what: what for. remains: "21 分", "超 2 时 09 分", "等第三方"."""

    state: str
    what: str
    remains: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case and the moment at which it is looked at."""

    case: Case
    now: dt.datetime

    def __getattr__(self, name: str) -> Any:
        return getattr(self.case, name)

    @property
    def url(self) -> str:
        return self.case.get_absolute_url()

    @property
    def kind_label(self) -> str:
        return kind_of(self.case).label

    @property
    def kind_icon(self) -> str:
        return kind_of(self.case).icon

    @property
    def mark(self) -> State:
        return state_of(self.case)

    @property
    def system_name(self) -> str:
        return self.case.system.short_name if self.case.system else ""

    @property
    def assignee_name(self) -> str:
        return str(self.case.assignee) if self.case.assignee else ""

    @property
    def assignee_side(self) -> str:
        return self.case.assignee.organisation.side if self.case.assignee else ""

    @property
    def clock(self) -> Clock | None:
        return clock_of(self.case, self.now)

    @property
    def clock_text(self) -> str:
        return f"{self.clock.what} {self.clock.remains}".strip() if self.clock else ""


def rows(cases: Iterable[Case], now: dt.datetime | None = None) -> list[Row]:
    at = now or timezone.now()
    return [Row(case, at) for case in cases]


def clock_of(case: Case, now: dt.datetime) -> Clock | None:
    """The clock that a list shows for the case; None where none runs or waits."""
    found = next_of(case, now)
    if found is None:
        return None
    remains = found.remaining.partition("，")[0] if found.state == "pause" else found.remaining
    return Clock(found.state, found.label, remains)
