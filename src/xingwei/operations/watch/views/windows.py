"""Maintenance windows."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import System
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Act, FormPage

from ..forms import WindowForm
from ..models import MaintenanceWindow
from ..services import base
from ..services import windows as services
from .common import WatchList, tabs


def _nodes(row: MaintenanceWindow) -> str:
    graph = estate.graph().nodes
    names = (
        dict(System.objects.values_list("code", "short_name"))
        if any(n.startswith("system:") for n in row.nodes)
        else {}
    )
    said = []
    for key in row.nodes:
        if key == "*":
            said.append("全院")
        elif key.startswith("system:"):
            said.append(names.get(key[7:], key[7:]))
        else:
            said.append(graph[key].label if key in graph else key)
    return "、".join(said)


def _state(row: MaintenanceWindow) -> str:
    now = timezone.now()
    if row.cancelled_at:
        return "已取消"
    return "未开始" if row.since > now else "进行中" if row.until > now else "已结束"


class _Table(Table):
    columns = (
        Column("title", "事由"),
        Column("state", "状态", value=_state),
        Column("nodes", "停哪些", value=_nodes),
        Column("since", "起", kind="time", label_on_phone=True),
        Column("until", "止", kind="time", label_on_phone=True),
        Column("by", "登记人", value=lambda w: w.created_by.name if w.created_by else "系统", drop=True),
        Column("acts", "", cell="watch/parts/window_acts.html"),
    )

    def body(self) -> Any:
        can = may(self.request.actor, "watch.window:change")  # type: ignore[attr-defined]
        for row in self.rows:
            row.can_end = can and not row.cancelled_at and row.until > timezone.now()
        return super().body()

    @staticmethod
    def url(row: Any) -> str:
        return ""


class Windows(WatchList):
    tab = "windows"
    permission = "watch.window:view"
    title = "维护窗口"
    lead = "事先登记的停机：期间不登记故障，不计入可用率；已经发生的中断不能补记"
    template_name = "watch/windows.html"
    table = _Table
    order = ("-since", "-pk")
    export_name = "维护窗口"
    empty = ("没有维护窗口", "停机维护之前登记一个，受影响的业务会在状态页上说明。")

    def get_queryset(self) -> Any:
        return MaintenanceWindow.objects.select_related("created_by")


class NewWindow(FormPage):
    permission = "watch.window:change"
    template_name = "watch/form.html"
    title = "登记维护窗口"
    form_class = WindowForm
    refusals = (base.WatchRefused,)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "windows")}

    def get_back_url(self) -> str:
        return reverse("watch:windows")

    def act(self, form: Any) -> HttpResponseBase:
        data = form.cleaned_data
        row = services.announce(self.actor, **{k: data[k] for k in ("title", "since", "until", "nodes", "note")})
        return self.done(f"已登记：{row.title}", reverse("watch:windows"))


class EndWindow(Act):
    permission = "watch.window:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = MaintenanceWindow.objects.filter(pk=kwargs["pk"]).first()
        if row is None:
            raise Http404("没有这个维护窗口")
        found = services.cancel(self.actor, row)
        return f"{found.title}：{'已取消' if found.cancelled_at else '已提前结束'}"
