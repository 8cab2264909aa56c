"""Maintenance windows: announced, changed in their end, cancelled. What is past is not rewritten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import MaintenanceWindow
from .base import WatchRefused, reason_of

LONGEST = dt.timedelta(days=15)
BACK = dt.timedelta(minutes=30)


def announce(
    actor: Actor, *, title: str, since: dt.datetime, until: dt.datetime, nodes: Sequence[str], note: str = ""
) -> MaintenanceWindow:  # fmt: skip
    """Raises WatchRefused. A window begins at most half an hour back: uptime is not mended afterwards."""
    require(actor, "watch.window:change")
    now = timezone.now()
    if until <= since:
        raise WatchRefused("结束时间应晚于开始时间。")
    if since < now - BACK:
        raise WatchRefused("维护窗口要事先登记，最多补记半小时以内的；已经发生的中断照实计入可用率。")
    if until - since > LONGEST:
        raise WatchRefused("一个维护窗口最长 15 天，请分几次登记。")
    known = {"*", *(f"system:{s.code}" for s in System.objects.all()), *estate.read_graph().nodes}
    if not nodes:
        raise WatchRefused("请选择停哪些系统或部件。")
    if unknown := [n for n in nodes if n not in known]:
        raise WatchRefused(f"系统台账里没有“{unknown[0]}”。")
    with transaction.atomic():
        row: MaintenanceWindow = MaintenanceWindow.objects.create(
            title=reason_of(title)[:80], since=since, until=until, nodes=list(dict.fromkeys(nodes)), note=note[:300],
            created_by_id=actor.id,
        )  # fmt: skip
        span = f"{timezone.localtime(since):%m-%d %H:%M} 至 {timezone.localtime(until):%m-%d %H:%M}"
        record(actor, "watch.window.announce", row, f"登记维护窗口 {row.title}：{span}",
               after={"since": since, "until": until, "nodes": row.nodes})  # fmt: skip
    return row


def cancel(actor: Actor, row: MaintenanceWindow) -> MaintenanceWindow:
    """Before it begins: it never was. While it runs: it ends now. Raises WatchRefused where it is over."""
    require(actor, "watch.window:change")
    now = timezone.now()
    with transaction.atomic():
        found: MaintenanceWindow = MaintenanceWindow.objects.select_for_update().get(pk=row.pk)
        if found.until <= now or found.cancelled_at:
            raise WatchRefused("这个维护窗口已经结束。")
        if found.since > now:
            found.cancelled_at = now
            said = "取消"
        else:
            found.until = now
            said = "提前结束"
        found.save(update_fields=["cancelled_at", "until"])
        record(actor, "watch.window.end", found, f"{said}维护窗口 {found.title}", after={"at": now})
    return found
