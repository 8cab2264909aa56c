"""The timeline as the page draws it: newest first, a heading for each day, an icon for each kind of event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from xingwei.base.ui import words

from ..models import Attachment, Case, CaseEvent
from ..workflow import kind_of
from .rows import CHANNEL_ICONS

# type → icon, state of the dot
_LOOKS: dict[str, tuple[str, str]] = {
    "responded": ("phone-check", "ok"),
    "arrived": ("map-pin", "ok"),
    "resolved": ("circle-check", "ok"),
    "restored": ("heart-check", "ok"),
    "confirmed": ("thumb-up", "ok"),
    "closed": ("lock", "ok"),
    "graded": ("alert-triangle", "warn"),
    "paused": ("player-pause", "warn"),
    "reopened": ("rotate", "late"),
    "escalated": ("bell-ringing", "late"),
    "late": ("alarm", "late"),
    "bulletin": ("speakerphone", "doing"),
    "answered": ("message-reply", "doing"),
    "consented": ("writing-sign", "doing"),
    "to_rd": ("code", "doing"),
    "progress": ("progress", "doing"),
    "resumed": ("player-play", "doing"),
    "agreed": ("calendar-time", "doing"),
    "handed_over": ("arrow-forward-up", "doing"),
    "assigned": ("user-share", ""),
    "noted": ("note", ""),
    "edited": ("pencil", ""),
    "tagged": ("tag", ""),
    "merged": ("git-merge", ""),
    "split": ("git-branch", ""),
    "linked": ("link", ""),
    "unlinked": ("unlink", ""),
    "rated": ("star", "ok"),
    "told_third": ("building-broadcast-tower", "doing"),
    "feedback": ("file-certificate", "doing"),
    "coordinated": ("users-group", "doing"),
}

SHORT = 24


@dataclass(slots=True)
class Line:
    """One event. day: the heading above it, where a new day begins."""

    event: CaseEvent
    icon: str
    state: str
    day: str = ""
    files: list[Attachment] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.event, name)

    case: Case | None = None

    @property
    def who(self) -> str:
        """How the person is called; for the first line the one who reported it."""
        if self.event.type == "opened" and self.case is not None and self.case.reporter_name:
            return self.case.reporter_name
        return str(self.event.actor or self.event.actor_name)

    @property
    def detail(self) -> str:
        """A short text stands in the line itself; the first words of the case stand above, in their own card."""
        if self.event.type == "opened":
            by = str(self.event.actor or self.event.actor_name)
            return f"{by} 登记" if by != self.who else ""
        return self.event.text if len(self.event.text) <= SHORT and "\n" not in self.event.text else ""

    @property
    def quote(self) -> str:
        return "" if self.event.type == "opened" or self.detail else self.event.text

    @property
    def clock_time(self) -> str:
        return f"{timezone.localtime(self.event.at):%H:%M}"


def lines(case: Case, events: Iterable[CaseEvent], files: Iterable[Attachment] = ()) -> list[Line]:
    """The events, newest first, as lines. The first text of the case is not repeated: the page shows it above."""
    by_event: dict[int | None, list[Attachment]] = {}
    for file in files:
        by_event.setdefault(file.event_id, []).append(file)
    icons = {m.key: m.icon for m in kind_of(case).moves.values()}
    out: list[Line] = []
    before: dt.date | None = None
    for event in events:
        icon, state = _LOOKS.get(event.type, ("", ""))
        if event.type == "opened":
            icon = CHANNEL_ICONS.get(case.channel, "inbox")
        icon = icon or icons.get(str(event.data.get("move", "")), "point")
        day = timezone.localtime(event.at).date()
        heading = words.day(day) if day != before else ""
        before = day
        out.append(Line(event, icon, state, heading, by_event.get(event.pk, []), case))
    return out


def counts(events: QuerySet[CaseEvent]) -> dict[str, int]:
    """How many lines each filter of the timeline has, in one query."""
    return events.aggregate(
        all=Count("pk"), people=Count("pk", Q(actor__isnull=False)), auto=Count("pk", Q(actor=None))
    )


def only(events: QuerySet[CaseEvent], wanted: str) -> QuerySet[CaseEvent]:
    if wanted == "people":
        return events.filter(actor__isnull=False)
    return events.filter(actor=None) if wanted == "auto" else events
