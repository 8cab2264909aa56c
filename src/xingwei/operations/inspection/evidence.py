"""Inspections as evidence that the contract is kept (clauses 9.4, 6.2b, 9.2d)."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone

from xingwei.service.contract.engine.periods import Period
from xingwei.service.contract.evidence import EvidenceRow

from .models import Inspection, Item, Plan


def inspections(period: Period) -> Iterable[EvidenceRow]:
    """Finished inspections, one row for each system that was looked at."""
    rows = _done(period).prefetch_related("items__system")
    for row in rows:
        on = timezone.localtime(row.done_at).date()
        looked = {i.system.code for i in row.items.all() if i.system and i.result != Item.Result.SKIPPED}
        for system in sorted(looked) or [""]:
            yield EvidenceRow(on, row.label, row.get_absolute_url(), system, due=row.due_on)


def visits(period: Period) -> Iterable[EvidenceRow]:
    """Inspections for which somebody came to the hospital (9.2d)."""
    for row in _done(period).filter(plan__on_site=True):
        yield EvidenceRow(timezone.localtime(row.done_at).date(), row.label, row.get_absolute_url(), due=row.due_on)


def plans(period: Period) -> Iterable[EvidenceRow]:
    """That content, manner and cycle are laid down (9.4): the plans in force."""
    for plan in Plan.objects.filter(active=True):
        yield EvidenceRow(period.first, f"巡检方案：{plan.name}", reverse("inspection:plans"))


def _done(period: Period):  # type: ignore[no-untyped-def]
    return Inspection.objects.filter(
        state=Inspection.State.DONE, done_at__date__gte=period.first, done_at__date__lte=period.last
    )
