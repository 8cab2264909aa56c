"""Routes: the list, one of them with its versions, the draft, the try-out."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from xingwei.base.journal.services import record
from xingwei.base.policy.registry import may
from xingwei.base.ui.datafiles import FileProblems
from xingwei.base.ui.views import FormPage

from ..engine import routefile
from ..forms.versions import DraftForm, NewRouteForm
from ..models import Channel, Route
from ..queries import looks, tryout
from ..services import owners
from ..services import versions as services
from .common import GatewayPage, route_or_404, tabs
from .versions import OwnerPage


class Routes(GatewayPage):
    permission = "gateway.route:view"
    template_name = "gateway/routes.html"
    title = "路由"
    tab = "routes"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(
            Route.objects.restrict(self.actor, self.permission)
            .select_related("source", "system")
            .prefetch_related("versions__author")
            .order_by("source__code", "code")
        )
        names = dict(Channel.objects.filter(direction="out").values_list("code", "name"))
        lines = []
        for route in rows:
            versions = list(route.versions.all())
            current = next((v for v in versions if v.state == "released"), None)
            targets = [names.get(code, code) for code in current.document.get("to", [])] if current else []
            lines.append(
                {
                    "route": route,
                    "current": current,
                    "draft": next((v for v in versions if v.state == "draft"), None),
                    "targets": targets,
                    "rules": len(current.document.get("rules") or []) if current else 0,
                }
            )
        return super().get_context_data(**kwargs) | {"lines": lines}


class RoutePage(OwnerPage):
    permission = "gateway.route:view"
    template_name = "gateway/route.html"
    tab = "routes"
    kind = "route"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown = context["current"] or context["draft"]
        asked = self.request.GET.get("version", "")
        shown = next((v for v in context["versions"] if str(v.number) == asked), shown)
        return context | {
            "shown": shown,
            "text": routefile.text_of(shown.document) if shown else "",
            "rules": shown.document.get("rules", []) if shown else [],
            "may_try": may(self.actor, "gateway.route:draft"),
        }


class NewRoute(FormPage):
    permission = "gateway.route:draft"
    template_name = "gateway/form.html"
    title = "新建路由"
    form_class = NewRouteForm
    submit_label = "建立，接着写规则"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "routes")}

    def get_back_url(self) -> str:
        return reverse("gateway:routes")

    def act(self, form: Any) -> HttpResponseBase:
        values = form.cleaned_data
        route = owners.add_route(self.actor, values["code"], values["name"], values["source"])
        return self.done(
            "已建立，写好规则并由另一个人发布后才受理消息", reverse("gateway:route-draft", args=[route.code])
        )


class RouteDraft(FormPage):
    """Begin a draft from the version in force, or go on with the one there is."""

    permission = "gateway.route:draft"
    template_name = "gateway/draft.html"
    submit_label = "保存草稿"

    @property
    def route(self) -> Route:
        return route_or_404(self.actor, str(self.kwargs["code"]), self.permission)

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        if data is not None:
            return DraftForm(data)
        rows = services.versions(self.route)
        draft = rows.filter(state="draft").first()
        base = draft or rows.filter(state="released").first()
        document = base.document if base else {"when": [], "key": [], "rules": [], "to": ["通道代码"]}
        return DraftForm(
            initial={
                "text": routefile.text_of(document),
                "note": draft.note if draft else "",
                "seen": services.fingerprint(draft.document) if draft else "",
            }
        )

    def get_title(self) -> str:
        return f"草稿：{self.route.name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        outs = Channel.objects.filter(direction="out").order_by("code").values_list("code", "name")
        return super().get_context_data(**kwargs) | {
            "tabs": tabs(self.actor, "routes"), "owner": self.route, "outs": outs,
        }  # fmt: skip

    def get_back_url(self) -> str:
        return str(self.route.get_absolute_url())

    def act(self, form: Any) -> HttpResponseBase:
        route, values = self.route, form.cleaned_data
        try:
            row = services.save_draft(self.actor, route, values["text"], values["note"], seen=values["seen"])
        except FileProblems as problems:
            form.add_error("text", [str(p) for p in problems.problems])
            return self.render_to_response(self.get_context_data(form=form), status=422)
        return self.done(
            f"第 {row.number} 版草稿已保存，试算后请另一个人复核", reverse("gateway:try-out", args=[route.code])
        )


class TryOut(GatewayPage):
    """The draft against the version in force over past messages; looking at them is recorded."""

    permission = "gateway.route:draft"
    template_name = "gateway/tryout.html"
    tab = "routes"

    def get_title(self) -> str:
        return f"试算：{self.route.name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.route = route_or_404(self.actor, str(self.kwargs["code"]), self.permission)
        draft = services.versions(self.route).filter(state="draft").select_related("author").first()
        number = self.request.GET.get("message", "")[:40].replace("\x00", "")
        count = _count(self.request)
        made = None
        if draft is not None and self.route.source_id in looks.visible(self.actor):
            draft.route = self.route
            made = tryout.of_route(draft, count=count, number=number)
            _looked(self.request, self.actor, self.route, draft.number, made.looked)
        return super().get_context_data(**kwargs) | {
            "owner": self.route,
            "kind": "route",
            "draft": draft,
            "made": made,
            "summary": tryout.summary(made) if made else [],
            "count": count,
            "number": number,
            "back_url": self.route.get_absolute_url(),
        }


def _count(request: HttpRequest) -> int:
    text = request.GET.get("n", "")
    return min(tryout.MOST, max(1, int(text))) if text.isdigit() and len(text) < 6 else 100


def _looked(request: HttpRequest, actor: Any, owner: Any, number: int, looked: int) -> None:
    with transaction.atomic():
        kind = owner.KIND
        record(actor, f"gateway.{kind}.try", owner, f"用第 {number} 版草稿试算 {looked} 条消息（患者信息遮蔽）")
