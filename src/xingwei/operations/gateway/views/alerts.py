"""接口告警: every trouble that is watched, and the case that it opened; and the numbers for Prometheus."""

from __future__ import annotations

import hmac
from typing import Any

from django.http import HttpRequest, HttpResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from xingwei.base.site import queries as site
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import PUBLIC, Guarded

from .. import metrics
from ..models import Alert
from ..services.alerts import LABELS
from .common import GatewayList

LOOPBACK = {"127.0.0.1", "::1"}


class _Table(Table):
    columns = (
        Column("what", "情况", value=lambda a: f"{a.channel.name if a.channel else '接口网关'}：{LABELS.get(a.kind, a.kind)}",
               kind="title"),
        Column("state", "状态", value="get_state_display"),
        Column("fact", "说明"),
        Column("case", "问题单", value=lambda a: a.case.number if a.case else ""),
        Column("opened_at", "开始", kind="time", label_on_phone=True),
        Column("cleared_at", "结束", kind="time", label_on_phone=True),
        Column("times", "第几次", kind="num", drop=True),
    )  # fmt: skip

    @staticmethod
    def url(row: Any) -> str:
        return str(row.case.get_absolute_url()) if row.case else ""


class Alerts(GatewayList):
    """Troubles, those that last first in time."""

    tab = "alerts"
    permission = "gateway.alert:view"
    title = "接口告警"
    lead = "同一处故障只登记一件问题；短暂的抖动不登记，结束后自动记录并关闭"
    table = _Table
    order = ("-since", "-pk")
    export_name = "接口告警"
    empty = ("没有告警", "通道不通、消息积压、熔断、死信、隔离增多、磁盘将满，都会在这里出现并登记一件问题。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=Alert.State.choices),
        Filter("kind", "类别", "kind", icon="category", choices=tuple(LABELS.items())),
    )

    def get_queryset(self) -> Any:
        return Alert.objects.select_related("channel", "case")


class Metrics(Guarded):
    """/metrics in Prometheus' text format: numbers only, by channel code. For this machine, or with the token.

    A request that came through a proxy is not of this machine, whatever its address says.
    """

    permission = PUBLIC
    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self._may(request):
            return HttpResponse(
                "没有权限：请从本机抓取，或带上监控抓取口令。", status=403, content_type="text/plain; charset=utf-8"
            )
        return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)

    @staticmethod
    def _may(request: HttpRequest) -> bool:
        token = str(site.value("gateway.metrics.token"))
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if token:
            return hmac.compare_digest(given.encode(), token.encode())
        proxied = any(h in request.headers for h in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
        return request.META.get("REMOTE_ADDR") in LOOPBACK and not proxied
