"""Readings as evidence that the applications are watched (clause 9.3)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.urls import reverse

from xingwei.base.ui.words import CHINA
from xingwei.service.contract.engine.periods import Period
from xingwei.service.contract.evidence import EvidenceRow

from .models import Usage


def readings(period: Period) -> Iterable[EvidenceRow]:
    """One row a day and system: how many hours of statements were measured."""
    days = (
        Usage.objects.filter(hour__date__gte=period.first, hour__date__lte=period.last)
        .annotate(day=TruncDate("hour", tzinfo=CHINA))
        .values("day", "statement__connection__system__code")
        .annotate(n=Count("hour", distinct=True))
    )
    for row in days:
        system = row["statement__connection__system__code"] or ""
        yield EvidenceRow(row["day"], f"语句用时 {row['n']} 小时", reverse("performance:home"), system, row["n"])
