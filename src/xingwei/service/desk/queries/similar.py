"""Cases that are like this one, and open ones that may be the same trouble."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.grams import grams

from ..models import Case
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
    return _best(list(rows.order_by("-id").values_list("pk", flat=True)[:_CANDIDATES]), pairs(case.title), limit)


def duplicates(actor: Actor, text: str, system_id: int | None = None, limit: int = 2) -> list[Likeness]:
    """Open cases of the last days that say nearly the same."""
    rows = visible(actor).exclude(category="closed").filter(opened_at__gte=timezone.now() - RECENT)
    if system_id:
        rows = rows.filter(system_id=system_id)
    return _best(list(rows.order_by("-id").values_list("pk", flat=True)[:_CANDIDATES]), pairs(text), limit)


def pairs(text: str) -> list[int]:
    """The pairs of characters of a text: single characters say too little."""
    return [g for g in grams(text) if g > 0xFFFF or g < 0]


def _best(candidates: Sequence[int], wanted: list[int], limit: int) -> list[Likeness]:
    """Overlap counted in the database: grams never leave it."""
    if not candidates or not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, overlap FROM (SELECT c.case_id AS id,"
            " (SELECT count(*) FROM unnest(c.grams) g WHERE g = ANY(%s)) AS overlap"
            " FROM desk_casetext c WHERE c.case_id = ANY(%s)) s"
            " WHERE overlap >= %s ORDER BY overlap DESC, id DESC LIMIT %s",
            [wanted, list(candidates), max(2, int(len(wanted) * _ENOUGH)), limit],
        )
        found = cursor.fetchall()
    rows = Case.objects.select_related("system", "department").in_bulk([pk for pk, _ in found])
    return [Likeness(rows[pk], n / len(wanted)) for pk, n in found if pk in rows]
