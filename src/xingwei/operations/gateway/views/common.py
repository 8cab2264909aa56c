"""What the pages of the gateway share: the tabs, and finding a row that the reader may see."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.urls import NoReverseMatch, reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import ListPage, Page

from .. import queries
from ..models import Channel, CodeMap, Route

# key, words, url name, permission, and which of queries.counts stands beside it
TABS: tuple[tuple[str, str, str, str, str], ...] = (
    ("topology", "拓扑", "gateway:topology", "gateway.channel:view", ""),
    ("channels", "通道", "gateway:channels", "gateway.channel:view", ""),
    ("routes", "路由", "gateway:routes", "gateway.route:view", ""),
    ("maps", "编码对照", "gateway:maps", "gateway.code_map:view", ""),
    ("messages", "消息", "gateway:messages", "gateway.message:view", ""),
    ("queue", "队列", "gateway:queue", "gateway.message:view", "waiting"),
    ("dead", "死信", "gateway:dead", "gateway.message:view", "dead"),
    ("quarantine", "隔离", "gateway:quarantine", "gateway.message:view", "quarantined"),
    ("breakers", "熔断", "gateway:breakers", "gateway.breaker:view", ""),
    ("alerts", "告警", "gateway:alerts", "gateway.alert:view", ""),
    ("services", "服务目录", "gateway:services", "gateway.service:view", ""),
    ("critical", "危急值闭环", "gateway:critical", "gateway.critical:view", ""),
    ("volumes", "流量与容量", "gateway:volumes", "gateway.capacity:view", ""),
)


def tabs(actor: Actor, current: str) -> list[dict[str, Any]]:
    """The tabs that the actor may open."""
    shown = []
    counts = queries.counts(actor) if may(actor, "gateway.message:view") else {}
    for key, label, name, permission, count in TABS:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        if may(actor, permission):
            n = counts.get(count, 0)
            shown.append({"label": label, "url": url, "current": key == current, "n": n, "hot": count == "dead" and n})
    return shown


class GatewayPage(Page, abstract=True):
    tab: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, self.tab)}


class GatewayList(ListPage, abstract=True):
    """A list of the gateway; template_name extends gateway/list.html."""

    template_name = "gateway/list.html"
    tab: ClassVar[str] = ""
    lead: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, self.tab), "lead": self.lead}


def channel_or_404(actor: Actor, code: str, permission: str = "gateway.channel:view") -> Channel:
    found: Channel = _found(queries.channels(actor, permission).filter(code=_clean(code)), "没有这条通道，或您不能看它")
    return found


def route_or_404(actor: Actor, code: str, permission: str = "gateway.route:view") -> Route:
    rows = Route.objects.restrict(actor, permission).select_related("source", "system")
    found: Route = _found(rows.filter(code=_clean(code)), "没有这条路由，或您不能看它")
    return found


def map_or_404(actor: Actor, code: str, permission: str = "gateway.code_map:view") -> CodeMap:
    rows = CodeMap.objects.restrict(actor, permission).select_related("system")
    found: CodeMap = _found(rows.filter(code=_clean(code)), "没有这张对照表，或您不能看它")
    return found


def _found(rows: Any, said: str) -> Any:
    row = rows.first()
    if row is None:
        raise Http404(said)
    return row


def _clean(text: str) -> str:
    return text.replace("\x00", "")[:60]
