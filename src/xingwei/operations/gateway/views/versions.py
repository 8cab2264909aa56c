"""What the pages of routes and of code maps share: versions, their differences, release, the way back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act

from ..engine import routefile
from ..models import Route
from ..services import versions as services
from ..services.base import GatewayRefused
from .common import GatewayPage, map_or_404, route_or_404


def owner_or_404(kind: str, actor: Actor, code: str, action: str = "view") -> Any:
    find = route_or_404 if kind == "route" else map_or_404
    return find(actor, code, f"gateway.{kind}:{action}")


class OwnerPage(GatewayPage, abstract=True):
    """A route or a code map: what is in force, the draft, every version, and what differs between two."""

    kind: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        owner = self.owner = owner_or_404(self.kind, self.actor, str(self.kwargs["code"]))
        rows = list(services.versions(owner).select_related("author", "approver"))
        current = next((v for v in rows if v.state == "released"), None)
        draft = next((v for v in rows if v.state == "draft"), None)
        left, right = self._pair(rows, current, draft)
        compare = routefile.differences if isinstance(owner, Route) else routefile.map_differences
        return super().get_context_data(**kwargs) | {
            "owner": owner,
            "kind": self.kind,
            "versions": rows,
            "current": current,
            "draft": draft,
            "left": left,
            "right": right,
            "differences": compare(left.document, right.document)[:300] if left and right else [],
            "can_draft": may(self.actor, f"gateway.{self.kind}:draft"),
            "can_release": may(self.actor, f"gateway.{self.kind}:release"),
            "own_draft": bool(draft and draft.author_id and draft.author_id == self.actor.id),
        }

    def get_title(self) -> str:
        return f"{self.owner.name}"

    def _pair(self, rows: list[Any], current: Any, draft: Any) -> tuple[Any, Any]:
        """The two versions that are compared: those asked for, else the one in force with the draft or the last one."""
        by_number = {str(v.number): v for v in rows}
        left, right = by_number.get(self.request.GET.get("left", "")), by_number.get(self.request.GET.get("right", ""))
        if left and right:
            return left, right
        if draft and current:
            return current, draft
        retired = next((v for v in rows if v.state == "retired"), None)
        return (retired, current) if retired and current else (None, None)


class VersionAct(Act, abstract=True):
    """A button on such a page. kind is in the address: routes/… or maps/…"""

    kind: ClassVar[str] = ""
    action: ClassVar[str] = ""

    def owner(self) -> Any:
        return owner_or_404(self.kind, self.actor, str(self.kwargs["code"]), self.action)

    def get_next(self, request: HttpRequest) -> str:
        name = "gateway:route" if self.kind == "route" else "gateway:map"
        return reverse(name, args=[self.kwargs["code"]])


class _Release(VersionAct, abstract=True):
    action = "release"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.release(self.actor, self.owner(), _number(request))
        return f"第 {row.number} 版已生效，新到的消息用它处理"


class _RollBack(VersionAct, abstract=True):
    action = "release"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        number = _number(request)
        row = services.roll_back(self.actor, self.owner(), number, request.POST.get("reason", ""))
        return f"已回退到第 {number} 版的内容，成为第 {row.number} 版，已生效"


class _Drop(VersionAct, abstract=True):
    action = "draft"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.drop_draft(self.actor, self.owner())
        return "草稿已丢弃，生效的版本没有变"


class ReleaseRoute(_Release):
    permission, kind = "gateway.route:release", "route"


class RollBackRoute(_RollBack):
    permission, kind = "gateway.route:release", "route"


class DropRouteDraft(_Drop):
    permission, kind = "gateway.route:draft", "route"


class ReleaseMap(_Release):
    permission, kind = "gateway.code_map:release", "code_map"


class RollBackMap(_RollBack):
    permission, kind = "gateway.code_map:release", "code_map"


class DropMapDraft(_Drop):
    permission, kind = "gateway.code_map:draft", "code_map"


class RouteActive(VersionAct):
    permission, kind, action = "gateway.route:release", "route", "release"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        active = request.POST.get("active") == "1"
        services.set_active(self.actor, self.owner(), active, request.POST.get("reason", ""))
        return "路由已启用" if active else "路由已停用：消息照常接收并保存，但不再由它转发"


def _number(request: HttpRequest) -> int:
    text = request.POST.get("number", "")
    if not text.isdigit() or len(text) > 8:
        raise GatewayRefused("请指明是第几版")
    return int(text)
