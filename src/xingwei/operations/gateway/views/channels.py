"""Channels: the list, one of them, a new one, changes, and its state."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage

from .. import queries
from ..channels import base as kinds
from ..forms import ChannelForm
from ..forms.channel import NewChannelForm
from ..models import Channel, Route, RouteVersion
from ..services import channels as services
from .common import GatewayPage, channel_or_404, tabs


class Channels(GatewayPage):
    permission = "gateway.channel:view"
    template_name = "gateway/channels.html"
    title = "通道"
    tab = "channels"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        board = queries.board(self.actor)
        chosen = {k: self.request.GET.get(k, "") for k in ("direction", "system", "only")}
        rows = [
            r
            for r in board.rows
            if chosen["direction"] in ("", r.channel.direction)
            and chosen["system"] in ("", r.channel.system.code)
            and (chosen["only"] != "1" or r.health.kind != "ok")
        ]
        systems = sorted({(r.channel.system.order, r.channel.system.code, r.channel.system.short_name) for r in board.rows})  # fmt: skip
        return super().get_context_data(**kwargs) | {
            "board": board,
            "rows": rows,
            "chosen": chosen,
            "systems": [(code, name) for _, code, name in systems],
        }


class ChannelPage(GatewayPage):
    permission = "gateway.channel:view"
    template_name = "gateway/channel.html"
    tab = "channels"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.channel = channel_or_404(self.actor, str(self.kwargs["code"]))
        row = queries.board(self.actor, codes=[self.channel.code]).rows[0]
        lease = getattr(self.channel, "lease", None)
        return super().get_context_data(**kwargs) | {
            "channel": self.channel,
            "row": row,
            "lease": lease,
            "groups": self._settings(),
            "kind": _kind_name(self.channel.kind),
            "routes": self._routes(),
            "states": [(s, label) for s, label in services.ACTS.items() if s != self.channel.state],
            "can_change": may(self.actor, "gateway.channel:change"),
            "can_operate": may(self.actor, "gateway.channel:operate"),
        }

    def get_title(self) -> str:
        return self.channel.name

    def _routes(self) -> list[Route]:
        """A way in's routes, or the routes that lead to a way out."""
        if not may(self.actor, "gateway.route:view"):
            return []
        if self.channel.direction == Channel.Direction.IN:
            return list(self.channel.routes.order_by("code"))
        led = RouteVersion.objects.filter(state="released", document__to__contains=[self.channel.code])
        return list(Route.objects.filter(versions__in=led).order_by("code"))

    def _settings(self) -> list[tuple[str, list[tuple[str, Any]]]]:
        """Each group's values under the names of its schema, secrets left out."""
        shown = []
        for group, label in services.GROUPS.items():
            values = getattr(self.channel, group)
            if not values:
                continue
            try:
                properties = services.schema_of(group, self.channel.kind).get("properties", {})
            except kinds.ChannelProblem:
                properties = {}
            lines = [(properties.get(k, {}).get("title", k), _shown(k, v)) for k, v in values.items()]
            shown.append((label, lines))
        return shown


class NewChannel(FormPage):
    """Step one: direction and protocol. Step two, with them in the URL: everything else."""

    permission = "gateway.channel:change"
    template_name = "gateway/channel_form.html"
    title = "新建通道"

    @property
    def chosen(self) -> tuple[kinds.Kind, str] | None:
        kind, direction = self.request.GET.get("kind", ""), self.request.GET.get("direction", "")
        if direction not in Channel.Direction.values or kind not in kinds.kinds():
            return None
        return kinds.kind(kind), direction

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        if (chosen := self.chosen) is None:
            return NewChannelForm(data if data is not None else None)
        return ChannelForm(data, kind=chosen[0], direction=chosen[1])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.submit_label = "下一步" if self.chosen is None else "建立，先不启动"  # type: ignore[misc]
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "channels"), "first": self.chosen is None}

    def get_back_url(self) -> str:
        return reverse("gateway:channels")

    def act(self, form: Any) -> HttpResponseBase:
        if isinstance(form, NewChannelForm):
            url = f"{reverse('gateway:channel-new')}?kind={form.cleaned_data['kind']}&direction={form.cleaned_data['direction']}"
            response = HttpResponse(status=303)
            response["Location"] = url
            return response
        return _kept(self, form, lambda values: services.add_channel(self.actor, values), "已建立，核对后再启动")


class EditChannel(FormPage):
    permission = "gateway.channel:change"
    template_name = "gateway/channel_form.html"

    @property
    def channel(self) -> Channel:
        return channel_or_404(self.actor, str(self.kwargs["code"]), "gateway.channel:change")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        channel = self.channel
        try:
            kind = kinds.kind(channel.kind)
        except kinds.ChannelProblem as problem:
            raise Http404(problem.reason) from None
        return ChannelForm(data, kind=kind, direction=channel.direction, channel=channel)

    def get_title(self) -> str:
        return f"修改 {self.channel.name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "channels"), "channel": self.channel}

    def get_back_url(self) -> str:
        return self.channel.get_absolute_url()

    def act(self, form: Any) -> HttpResponseBase:
        version = form.cleaned_data.get("version")
        return _kept(
            self,
            form,
            lambda values: services.change_channel(self.actor, self.channel, values, version=version),
            "已保存，网关在一两秒内启用",
        )


class ChannelState(Act):
    permission = "gateway.channel:operate"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        channel = channel_or_404(self.actor, str(kwargs["code"]), "gateway.channel:operate")
        state = request.POST.get("state", "")
        row = services.set_state(self.actor, channel, state, reason=request.POST.get("reason", ""))
        return f"{row.name} 已{services.ACTS[state]}"


def _kept(view: FormPage, form: ChannelForm, keep: Any, said: str) -> HttpResponseBase:
    """Keep the form's values, or show each complaint at its field; nothing that was typed is lost."""
    try:
        row = keep(form.values())
    except services.ChannelRefused as refused:
        form.refuse(refused)
        return view.render_to_response(view.get_context_data(form=form), status=422)
    return view.done(f"{row.name} {said}", row.get_absolute_url())


def _kind_name(code: str) -> str:
    try:
        return kinds.kind(code).name
    except kinds.ChannelProblem:
        return code


def _shown(key: str, value: Any) -> Any:
    if services.without_secrets({key: value})[key] == "***":
        return "（不显示）"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "、".join(map(str, value)) if isinstance(value, list) else value


__all__ = ["ChannelPage", "ChannelState", "Channels", "EditChannel", "NewChannel"]
