"""What the gateway puts on the pages of lower rooms."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Count

from . import queries


def trouble(actor: Actor) -> Count | None:
    """Beside the navigation entry: dead letters and outcomes that nobody knows."""
    if not may(actor, "gateway.message:view"):
        return None
    found = queries.counts(actor)
    n = found["dead"] + found["uncertain"]
    return Count(n, hot=True, title=f"死信 {found['dead']}，结果不明 {found['uncertain']}") if n else None


def interface(request: HttpRequest, obj: Any) -> dict[str, Any] | None:
    """On the page of an interface: its channels, and how they are now."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    codes = list(queries.channels(actor).filter(interface=obj).values_list("code", flat=True))
    return {"rows": queries.board(actor, codes=codes).rows} if codes else None
