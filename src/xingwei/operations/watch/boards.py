"""What the watch puts on other pages."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Banner, Count

from .models import FunctionSpan, FunctionWatch, Probe, Trouble
from .queries import states, status

TTL_S = 3.0
_kept: dict[str, tuple[float, Any]] = {}


def forget() -> None:
    """For tests: what every page asks is kept for some seconds in each process."""
    _kept.clear()


def _recent(name: str, read: Any) -> Any:
    now = time.monotonic()
    if name not in _kept or not 0 <= now - _kept[name][0] <= TTL_S:
        _kept[name] = (now, read())
    return _kept[name][1]


def trouble(actor: Actor) -> Count | None:
    """Functions that are down, beside the navigation's entry."""

    def read() -> int:
        return FunctionSpan.objects.filter(until=None, state="down", function__watch__isnull=False).count()

    n = _recent("down", read)
    return Count(n, hot=True, title=f"{n} 项业务中断") if n else None


def banner(actor: Actor) -> Banner | None:
    """监测没有在运行, to those who run it; only where there is something to watch."""
    if not may(actor, "watch.probe:change"):
        return None
    found: Banner | None = _recent("banner", _blind)
    return found


def _blind() -> Banner | None:
    if not Probe.objects.filter(active=True).exists():
        return None
    eyes = states.eyes()
    if eyes.alive:
        return None
    since = f"自 {timezone.localtime(eyes.since):%m-%d %H:%M:%S} 起" if eyes.since else ""
    return Banner("warn", f"监测没有在运行：{since}看不到各系统的状态", reverse("watch:status"), "查看")


def card(request: HttpRequest) -> dict[str, Any] | None:
    """The functions on the home page; left out where none is watched."""
    if not FunctionWatch.objects.exists():
        return None
    now = timezone.now()
    eyes = states.eyes(now)
    rows = sorted(status.functions_now(now, eyes), key=status.sort_key)
    return {"rows": rows[:12], "eyes": eyes, "bad": sum(r.state == "down" for r in rows)}


def of_case(request: HttpRequest, case: Any) -> dict[str, Any] | None:
    """On the case: what the watch knows of it now."""
    rows = list(Trouble.objects.filter(case=case).select_related("cause").order_by("-state", "began_at")[:6])
    return {"rows": rows} if rows else None


def of_node(request: HttpRequest, part: Any) -> dict[str, Any] | None:
    """On a part's page: how its probes are."""
    probes = list(Probe.objects.filter(node=part.key).select_related("now", "system", "function")[:12])
    now = timezone.now()
    return {"looks": [states.look(p, now) for p in probes]} if probes else None
