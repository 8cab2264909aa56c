"""What the navigation and the home page say about backups."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.brief import brief
from xingwei.base.ui.registry import Count

from . import queries
from .engine.standing import State
from .models import Plan


@brief
def _bad() -> int:
    found = queries.views(Plan.objects.filter(enabled=True))
    return sum(v.standing.state is not State.PROVEN for v in found)


def trouble(_actor: Actor) -> Count | None:
    """Plans that could not be restored from today."""
    bad = _bad()
    return Count(bad, hot=True, title=f"{bad} 份备份不能证明可恢复") if bad else None


def card(request: HttpRequest) -> dict[str, Any] | None:
    """The plans that are not proven; None where there is no plan at all."""
    found = [v for v in queries.of(request.actor) if v.plan.enabled]  # type: ignore[attr-defined]
    if not found:
        return None
    bad = [v for v in found if v.standing.state is not State.PROVEN]
    return {"bad": bad[:5], "bad_count": len(bad), "count": len(found)}
