"""Checks over the interface gateway."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from xingwei.operations.gateway.models import Breaker, Channel, Queued

from . import Finding, register


@register("queues", "接口没有积压和死信", most_minutes=10)
def queues(given: Mapping[str, Any], system: str) -> Finding:
    """No dead letters, nothing uncertain, nothing that waits for longer than so many minutes."""
    rows = Queued.objects.all()
    if system:
        rows = rows.filter(channel_id__in=Channel.objects.filter(system__code=system).values("pk"))
    found = rows.aggregate(
        dead=Count("id", filter=Q(state="dead")),
        uncertain=Count("id", filter=Q(state="uncertain")),
        oldest=Min("queued_at", filter=Q(state__in=["waiting", "sending"])),
    )
    waits = (timezone.now() - found["oldest"]) if found["oldest"] else dt.timedelta()
    minutes = waits.total_seconds() / 60
    wrong = found["dead"] or found["uncertain"] or minutes > float(given["most_minutes"])
    value = f"死信 {found['dead']} 条，结果不明 {found['uncertain']} 条，最久等了 {minutes:.0f} 分"
    return Finding(not wrong, value, found["dead"] + found["uncertain"])


@register("breakers", "接口没有熔断")
def breakers(_given: Mapping[str, Any], system: str) -> Finding:
    """Every breaker lets through."""
    rows = Breaker.objects.exclude(state="closed").select_related("channel")
    names = [b.channel.name for b in (rows.filter(channel__system__code=system) if system else rows)]
    if names:
        return Finding(False, f"{len(names)} 个接口已熔断：{'、'.join(names[:4])}", len(names))
    channels = Channel.objects.filter(system__code=system) if system else Channel.objects.all()
    return Finding(True, f"{channels.count()} 个通道都通", 0)
