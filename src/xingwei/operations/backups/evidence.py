"""Backups as evidence that the contract is kept (clause 6.1a)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.urls import reverse

from xingwei.service.contract.engine.periods import Period
from xingwei.service.contract.evidence import EvidenceRow

from .engine.schedule import SHANGHAI
from .models import Trial


def backups(period: Period) -> Iterable[EvidenceRow]:
    """Successful copies and restore drills, one row a day, system and kind."""
    days = (
        Trial.objects.filter(ok=True, level__in=[Trial.Level.TAKEN, Trial.Level.RESTORED])
        .annotate(day=TruncDate("ended_at", tzinfo=SHANGHAI))
        .filter(day__gte=period.first, day__lte=period.last)
        .values("day", "level", "plan__system__code")
        .annotate(n=Count("id"))
    )
    for row in days:
        what = Trial.Level(row["level"]).label
        yield EvidenceRow(
            row["day"], f"{what} {row['n']} 次", reverse("backups:plans"), row["plan__system__code"] or "", row["n"]
        )
