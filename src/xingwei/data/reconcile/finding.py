"""What the navigation counts, and what the search over everything finds of this room."""

from __future__ import annotations

from collections.abc import Iterator

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Count, SearchHit

from .models import Difference, Reconciliation
from .queries import board
from .words import signed_yuan


def count(actor: Actor) -> Count | None:
    n = board.open_count(actor)
    return Count(n, title=f"{n} 项对账不平") if n else None


def hits(actor: Actor, q: str) -> Iterator[SearchHit]:
    """Reconciliations by name, differences by the number of what they are about."""
    if not may(actor, "reconcile.reconciliation:view"):
        return
    for row in Reconciliation.objects.filter(name__icontains=q)[:4]:
        yield SearchHit("对账", row.name, row.get_absolute_url(), icon="scale")
    if len(q) < 6:
        return
    for found in Difference.objects.filter(reference__startswith=q).select_related("reconciliation")[:6]:
        title = f"{found.title} {signed_yuan(found.gap)} 元"
        yield SearchHit("对账差异", title, found.get_absolute_url(), found.reconciliation.name, "scale")
