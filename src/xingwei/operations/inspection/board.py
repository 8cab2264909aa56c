"""What the navigation and the home page say about inspections."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.brief import brief
from xingwei.base.ui.registry import Count

from . import queries
from .models import Inspection


@brief
def _late() -> int:
    return Inspection.objects.filter(state__in=["planned", "open"], due_on__lt=timezone.localdate()).count()


def late(_actor: Actor) -> Count | None:
    """Inspections that should have been finished."""
    found = _late()
    return Count(found, hot=True, title=f"{found} 次巡检已超期") if found else None


def card(_request: HttpRequest) -> dict[str, Any] | None:
    """The next inspections; None where there is none in a month."""
    rows = queries.due()
    return {"rows": [(row, queries.is_late(row)) for row in rows[:4]]} if rows else None
