"""服务目录: what systems publish, who uses it, and the list of all integrations (7.2, 7.3, 7.5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.estate.models import Interface
from xingwei.base.estate.queries import systems
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage

from ..forms.catalogue import ServiceForm, SubscribeForm
from ..models import Channel, Service, Subscription
from ..services import catalogue as services
from .common import GatewayList, GatewayPage
from .rights import may_on


def _systems(actor: Any) -> list[tuple[str, str]]:
    return [(s.code, s.name) for s in systems()]


class _Table(Table):
    columns = (
        Column("code", "代码", kind="id"),
        Column("name", "服务", kind="title"),
        Column("kind", "类型", value="get_kind_display"),
        Column("system", "提供方", value="system.short_name"),
        Column("protocol", "协议与格式", drop=True),
        Column("state", "状态", value="get_state_display"),
        Column("users", "在用", value=lambda s: s.users, kind="num", label_on_phone=True),
        Column("waiting", "待批准", value=lambda s: s.waiting or "", kind="num", drop=True),
        Column("version", "版本", kind="num", drop=True),
    )


class Services(GatewayList):
    """The catalogue."""

    tab = "services"
    permission = "gateway.service:view"
    template_name = "gateway/service/list.html"
    title = "服务目录"
    lead = "各系统发布的服务与事件；其他系统申请订阅，批准后使用"
    table = _Table
    order = ("code", "pk")
    export_name = "服务目录"
    empty = ("还没有登记服务", "把集成平台上已有的服务与事件登记进来，其他系统就能查到、申请订阅。")
    filters = (
        Filter("system", "提供方", "system__code", icon="server-2", choices=_systems),
        Filter("kind", "类型", "kind", icon="category", choices=Service.Kind.choices),
        Filter("state", "状态", "state", icon="progress", choices=Service.State.choices),
        Filter("q", "名称", lambda v, a: Q(name__icontains=v[0][:60]) | Q(code__icontains=v[0][:60]), icon="search",
               kind="text"),
    )  # fmt: skip

    def get_queryset(self) -> Any:
        rows = Service.objects.restrict(self.actor, self.permission).select_related("system")
        return rows.annotate(
            users=Count("subscriptions", filter=Q(subscriptions__state="in_force")),
            waiting=Count("subscriptions", filter=Q(subscriptions__state="requested")),
        )


class ServicePage(GatewayPage):
    """One service: what it is, who uses it, asking for it."""

    tab = "services"
    permission = "gateway.service:view"
    template_name = "gateway/service/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = service_of(self)
        self.title = row.name  # type: ignore[misc]
        used = row.subscriptions.select_related("requested_by", "decided_by", "channel", "system")[:200]
        return super().get_context_data(**kwargs) | {
            "row": row, "used": used, "may_publish": may_on(self.actor, "gateway.service:publish", row),
            "may_approve": may_on(self.actor, "gateway.service:approve", row), "me": self.actor.id,
            "may_subscribe": may(self.actor, "gateway.service:subscribe") and row.state == "published",
            "routes": row.channel.routes.filter(active=True) if row.channel else [],
        }  # fmt: skip


def service_of(view: Any, permission: str = "gateway.service:view") -> Service:
    rows = Service.objects.restrict(view.actor, permission).select_related("system", "interface", "channel", "owner")
    found: Service = get_object_or_404(rows, code=view.kwargs["code"])
    return found


class EditService(FormPage):
    """Register a service, or change what it says."""

    permission = "gateway.service:publish"
    form_class = ServiceForm
    lead = "样例里不要放真实患者信息。已发布的服务改动后，使用方会收到通知。"

    @property
    def service(self) -> Service | None:
        return service_of(self, self.permission) if "code" in self.kwargs else None

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return ServiceForm(data, files, instance=self.service or Service())

    def get_title(self) -> str:
        return f"修改 {self.service}" if self.service else "登记服务"

    def act(self, form: Any) -> HttpResponseBase:
        row = services.save_service(self.actor, form.cleaned_data, self.service)
        return self.done(f"已保存“{row}”", row.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("gateway:services")


class Subscribe(FormPage):
    permission = "gateway.service:subscribe"
    form_class = SubscribeForm
    submit_label = "提交申请"
    lead = "由服务的负责人批准后生效。"

    def get_title(self) -> str:
        return f"订阅 {service_of(self)}"

    def act(self, form: Any) -> HttpResponseBase:
        service, data = service_of(self), form.cleaned_data
        row = services.request(
            self.actor, service, subscriber=data["system"], purpose=data["purpose"], volume=data["volume"],
            channel=data["channel"],
        )  # fmt: skip
        return self.done("已提交，待负责人批准", row.get_absolute_url())

    def get_back_url(self) -> str:
        return service_of(self).get_absolute_url()


class ServiceAct(Act):
    """Publish or retire."""

    permission = "gateway.service:publish"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = service_of(self, self.permission)
        if kwargs["what"] == "publish":
            return f"已发布“{services.publish(self.actor, row)}”"
        if kwargs["what"] == "retire":
            return f"已停用“{services.retire(self.actor, row, request.POST.get('why', ''))}”"
        raise services.CatalogueRefused("没有这个操作。")

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:service", args=[self.kwargs["code"]])


class SubscriptionAct(Act):
    """Approve, refuse or end."""

    permission = "gateway.service:approve"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        rows = Subscription.objects.select_related("service__system")
        row: Subscription = get_object_or_404(rows, pk=kwargs["pk"])
        note, what = request.POST.get("note", ""), kwargs["what"]
        if what in {"approve", "refuse"}:
            ends = _day(request.POST.get("ends_on", ""))
            done = services.decide(self.actor, row, agreed=what == "approve", note=note, ends_on=ends)
            return f"{done}：{done.get_state_display()}"
        if what == "end":
            return f"{services.end(self.actor, row, note)}：已终止"
        raise services.CatalogueRefused("没有这个操作。")


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise services.CatalogueRefused("结束日期不是存在的日期。") from None


class _IntegrationTable(Table):
    columns = (
        Column("code", "代码", kind="id"),
        Column("name", "接口", kind="title"),
        Column("system", "系统", value="system.short_name"),
        Column("direction", "方向", value="get_direction_display"),
        Column("peer", "对方"),
        Column("protocol", "协议", drop=True),
        Column("channels", "经网关的通道", value=lambda i: "、".join(c.name for c in i.channel_set.all())),
        Column("services", "发布的服务", value=lambda i: "、".join(s.name for s in i.service_set.all()), drop=True),
        Column("policy", "政策性", value=lambda i: "是" if i.policy else "", drop=True),
        Column("clause", "条款", drop=True),
    )


class Integrations(GatewayList):
    """Every integration of the house: interfaces with their channels and services (集成情况清单)."""

    tab = "services"
    permission = "gateway.service:view"
    template_name = "gateway/list.html"
    title = "集成清单"
    lead = "全院接口、经网关的通道与发布的服务"
    table = _IntegrationTable
    order = ("code", "pk")
    export_name = "集成清单"
    filters = (
        Filter("system", "系统", "system__code", icon="server-2", choices=_systems),
        Filter("through", "经网关", lambda v, a: Q(pk__in=_through()) if v[0] == "1" else ~Q(pk__in=_through()),
               icon="plug-connected", kind="bool"),
    )  # fmt: skip

    def get_queryset(self) -> Any:
        rows = Interface.objects.filter(active=True).select_related("system")
        return rows.prefetch_related("channel_set", "service_set")


def _through() -> Any:
    return Channel.objects.exclude(interface=None).values("interface_id")
