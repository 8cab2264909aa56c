"""Cases that are like this one, and open ones that may be the same trouble."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from heapq import nlargest

from django.db.models import QuerySet
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.grams import terms

from ..models import Case, CaseText
from .ledger import visible

RECENT = dt.timedelta(days=3)
_CANDIDATES = 1_200
_ENOUGH = 0.18


@dataclass(frozen=True, slots=True)
class Likeness:
    case: Case
    share: float  # of the words' pairs, 0 to 1


def similar(actor: Actor, case: Case, limit: int = 4) -> list[Likeness]:
    """Closed cases of the same system whose words overlap most, for their solutions; best first."""
    rows = visible(actor).filter(category="closed", merged_into=None).exclude(pk=case.pk)
    if case.system_id:
        rows = rows.filter(system_id=case.system_id)
    return _best(rows, pairs(case.title), limit)


def duplicates(actor: Actor, text: str, system_id: int | None = None, limit: int = 2) -> list[Likeness]:
    """Open cases of the last days that say nearly the same."""
    rows = visible(actor).exclude(category="closed").filter(opened_at__gte=timezone.now() - RECENT)
    if system_id:
        rows = rows.filter(system_id=system_id)
    return _best(rows, pairs(text), limit)


def pairs(text: str) -> list[str]:
    """The pairs of characters of a text, each once: single characters say too little."""
    return sorted({term[n : n + 2] for term in terms(text, most=None) for n in range(len(term) - 1)})


def _best(rows: QuerySet[Case], wanted: list[str], limit: int) -> list[Likeness]:
    """Among the newest of the rows. Counted here: to look for a word in a text is quicker than to unpack its numbers."""
    if not wanted:
        return []
    newest = rows.order_by("-id").values("pk")[:_CANDIDATES]
    least = max(2, int(len(wanted) * _ENOUGH))
    counted = (
        (sum(pair in text for pair in wanted), pk)
        for pk, text in CaseText.objects.filter(case__in=newest).values_list("case_id", "text")
    )
    best = nlargest(limit, (found for found in counted if found[0] >= least))
    held = Case.objects.select_related("system", "department").in_bulk([pk for _, pk in best])
    return [Likeness(held[pk], n / len(wanted)) for n, pk in best if pk in held]
