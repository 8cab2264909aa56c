"""The outbox: what waits, what failed and why; sending again and cancelling."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, ListPage, Page

from .. import kinds, queries
from ..models import Outbox
from ..services import deliveries

_MERGED_SHOWN = 200


def _robots(actor: Actor) -> list[tuple[str, str]]:
    return queries.robot_choices()


def _age(values: list[str], actor: Actor) -> Q:
    return Q(state__in=Outbox.UNFINISHED, created_at__lte=timezone.now() - dt.timedelta(minutes=5))


class OutboxTable(Table):
    caption = "发件箱"
    columns = (
        Column("state", "状态", value="get_state_display", cell="notify/cells/state.html"),
        Column("title", "标题", kind="title", cell="notify/cells/urgent_title.html", value="title"),
        Column("channel", "渠道", value="get_channel_display"),
        Column("to", "发给", value="to_whom"),
        Column("created_at", "提交", kind="time"),
        Column("attempts", "已试", kind="num", drop=True),
        Column("next_try_at", "下次发送", value="next_try_at", cell="notify/cells/next_try.html"),
        Column("said", "结果", value="said", cell="notify/cells/said.html", drop=True),
    )


class OutboxPage(ListPage):
    permission = "notify.outbox:view"
    template_name = "notify/outbox.html"
    title = "发件箱"
    table = OutboxTable
    order = ("-id",)
    export_name = "发件箱"
    empty = ("还没有外发的通知", "配置邮件、企业微信、群机器人或短信网关以后，通知会从这里发出。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=Outbox.State.choices),
        Filter("channel", "渠道", "channel", icon="send", choices=Outbox.Channel.choices),
        Filter("robot", "群机器人", "robot_id", icon="robot", choices=_robots),
        Filter("urgent", "紧急", "urgent", icon="alert-circle", kind="bool"),
        Filter("old", "等了 5 分钟以上", _age, icon="hourglass", kind="bool"),
        Filter("from", "自", "created_at__date__gte", icon="calendar", kind="date"),
        Filter("to", "至", "created_at__date__lte", icon="calendar", kind="date"),
    )

    def get_queryset(self) -> Any:
        return Outbox.objects.select_related("person", "robot")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "health": queries.outbox_health(),
            "can_handle": may(self.actor, "notify.outbox:handle"),
        }


class Delivery(Page):
    permission = "notify.outbox:view"
    template_name = "notify/delivery.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(
            Outbox.objects.select_related("person", "robot", "digest", "relay", "notification"), pk=self.kwargs["pk"]
        )
        return super().get_context_data(**kwargs) | {
            "row": row,
            "label": {"digest": "汇总", "test": "测试"}.get(row.kind) or kinds.label(row.kind),
            "title": row.title or "通知",
            "merged": row.merged.select_related("person", "robot").order_by("id")[:_MERGED_SHOWN],
            "can_handle": may(self.actor, "notify.outbox:handle"),
            "can_retry": row.state in (Outbox.State.DEAD, Outbox.State.FAILED, Outbox.State.CANCELLED),
            "can_cancel": row.state in Outbox.OPEN,
        }


class Retry(Act):
    permission = "notify.outbox:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        deliveries.retry(self.actor, get_object_or_404(Outbox, pk=kwargs["pk"]))
        return "已重新排队，几秒内发送"


class RetryFailed(Act):
    permission = "notify.outbox:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        n = deliveries.retry_failed(self.actor, timezone.now() - dt.timedelta(hours=24))
        return f"{n} 条已重新排队" if n else "24 小时内没有发送失败的通知"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("notify:outbox")


class Cancel(Act):
    permission = "notify.outbox:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        deliveries.cancel(self.actor, get_object_or_404(Outbox, pk=kwargs["pk"]))
        return "已取消，不再发送"
