"""Replaying: one message from its page; many after a dry run that says how many and what."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from xingwei.base.ui.views import Act, succeed

from ..forms.replay import ReplayForm
from ..models import Channel
from ..services import replay as services
from ..services.base import GatewayRefused
from .common import GatewayPage
from .detail import message_or_404


class ReplayOne(Act):
    permission = "gateway.message:replay"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        message, _ = message_or_404(self.actor, str(kwargs["number"]), self.permission)
        selection = services.Selection(numbers=(message.number,))
        numbers = services.replay(self.actor, selection, request.POST.get("reason", ""))
        succeed(request, f"已重放为 {numbers[0]}，排在同键消息之后")
        return HttpResponseRedirect(reverse("gateway:message", args=[numbers[0]]))

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:message", args=[self.kwargs["number"]])


class Replay(GatewayPage):
    """POST with `go`: do it; without: the dry run, shown under the form. Nothing of it stands in an address."""

    permission = "gateway.message:replay"
    template_name = "gateway/replay.html"
    title = "批量重放"
    tab = "messages"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"form": self._form(), **super().get_context_data(**kwargs)}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = self._form(request.POST)
        plan = None
        if form.is_valid():
            selection = _selection(form.cleaned_data)
            try:
                if request.POST.get("go"):
                    expected = request.POST.get("expected", "")
                    n = int(expected) if expected.isdigit() and len(expected) < 9 else None
                    numbers = services.replay(self.actor, selection, request.POST.get("reason", ""), expected=n)
                    succeed(request, f"已重放 {len(numbers)} 条，按接收的先后排在同键消息之后")
                    return HttpResponseRedirect(reverse("gateway:queue"))
                plan = services.dry_run(self.actor, selection)
            except GatewayRefused as refused:
                form.add_error(None, str(refused))
                if request.POST.get("go"):
                    plan = self._again(selection)
        return self.render_to_response(
            self.get_context_data(form=form, plan=plan, most=services.MOST, reason=request.POST.get("reason", "")),
            status=422 if form.errors else 200,
        )

    def _again(self, selection: services.Selection) -> services.Plan | None:
        try:
            return services.dry_run(self.actor, selection)
        except GatewayRefused:
            return None

    def _form(self, data: Any = None) -> ReplayForm:
        rows = Channel.objects.restrict(self.actor, self.permission)
        named = [(c.code, c.name, c.direction, bool(c.call)) for c in rows]
        return ReplayForm(
            data,
            channels=[(code, name) for code, name, way, call in named if way == "in" and not call],
            outs=[(code, name) for code, name, way, _ in named if way == "out"],
        )


def _selection(values: dict[str, Any]) -> services.Selection:
    return services.Selection(
        channel=values["channel"],
        since=values["since"],
        until=values["until"],
        patient=values["patient"].strip(),
        type=values["type"].strip(),
        state=values["state"],
        numbers=tuple(n.strip() for n in values["numbers"].split() if n.strip()),
        targets=tuple(values["targets"]),
    )
