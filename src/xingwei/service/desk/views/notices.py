"""What is being told to everybody about faults: the last bulletin of each case, current ones first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from ..models import CaseEvent

DAYS = 7
MOST = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """current: the fault still goes on. The text is written for everybody; the case itself need not be visible."""

    title: str
    text: str
    at: dt.datetime
    current: bool
    severity: int


def notices(*, current_only: bool = False) -> list[Notice]:
    events = (
        CaseEvent.objects.filter(type="bulletin", at__gte=timezone.now() - dt.timedelta(days=DAYS))
        .select_related("case")
        .order_by("case_id", "-at", "-id")
        .distinct("case_id")
    )
    if current_only:
        events = events.filter(case__category__in=("new", "open", "waiting"))
    found = [
        Notice(e.case.title, e.text, e.at, e.case.category in {"new", "open", "waiting"}, e.case.severity)
        for e in events
    ]
    return sorted(found, key=lambda n: (not n.current, -n.at.timestamp()))[:MOST]
