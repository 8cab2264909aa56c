"""What alerts put on other pages: the banner, the card of the home page, the panel on a case; each from the table."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Banner, Count

from .models import Alert, CriticalValue
from .queries import breakers as breaker_queries
from .services.alerts import LABELS

ACTIVE = (Alert.State.FIRING, Alert.State.ENDING)


def active() -> list[Alert]:
    """Troubles that have a case now, the oldest first."""
    rows = Alert.objects.filter(state__in=ACTIVE).select_related("channel", "case").order_by("opened_at")
    return list(rows[:50])


def banner(actor: Actor) -> Banner | None:
    """接口：3 条需要处理, to those who run the gateway."""
    if not may(actor, "gateway.alert:view"):
        return None
    rows = active()
    if not rows:
        return None
    first = _title(rows[0])
    text = f"接口：{len(rows)} 条需要处理" if len(rows) > 1 else f"接口：{first}"
    return Banner("warn", text, reverse("gateway:alerts"), "查看")


def open_values(actor: Actor) -> Count | None:
    """Beside 危急值 in the navigation: what is open in one's own scope; hot, since a clock runs."""
    rows = CriticalValue.objects.restrict(actor, "gateway.critical:view").filter(state__in=["reported", "received"])
    n = rows[:100].count()
    return Count("99+" if n > 99 else n, hot=True, title=f"{n} 项危急值没有闭环") if n else None


def card(request: HttpRequest) -> dict[str, Any] | None:
    """The card of the home page; left out where nothing is wrong."""
    rows = active()
    return {"rows": [{"alert": a, "title": _title(a)} for a in rows[:6]], "n": len(rows)} if rows else None


def panel(request: HttpRequest, case: Any) -> dict[str, Any] | None:
    """On the case: what the gateway knows of the trouble now."""
    row = Alert.objects.filter(case=case).select_related("channel__breaker_now", "channel__gauge").first()
    if row is None:
        return None
    channel = row.channel
    gauge = getattr(channel, "gauge", None) if channel else None
    actor: Actor = request.actor  # type: ignore[attr-defined]
    url = ""
    if channel is not None and channel.direction == "out" and may(actor, "gateway.breaker:view"):
        url = reverse("gateway:breaker", args=[channel.code])
    return {
        "alert": row, "title": _title(row), "channel": channel, "values": gauge.values if gauge else {},
        "state": breaker_queries.state_of(channel) if channel else "", "url": url,
    }  # fmt: skip


def _title(alert: Alert) -> str:
    where = alert.channel.name if alert.channel else "接口网关"
    return f"{where}：{LABELS.get(alert.kind, alert.kind)}"
