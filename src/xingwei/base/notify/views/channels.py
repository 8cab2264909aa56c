"""Setting up the channels: an overview, a form for each, and a test that shows the real answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage, Page

from .. import queries
from ..channels.dingtalk.forms import DingtalkRobotForm
from ..channels.feishu.forms import FeishuRobotForm
from ..channels.forms import RobotForm
from ..channels.gateway.forms import GatewayForm
from ..channels.mail.forms import MailForm
from ..channels.relay.forms import RelayForm
from ..channels.wecom.forms import WecomAppForm, WecomRobotForm
from ..models import Gateway, MailServer, Relay, Robot, WecomApp
from ..services import channels as services
from ..services.testing import Source, try_out

ROBOT_FORMS: dict[str, type[RobotForm]] = {
    "wecom": WecomRobotForm,
    "dingtalk": DingtalkRobotForm,
    "feishu": FeishuRobotForm,
}
_VIEW, _CHANGE = "notify.channel:view", "notify.channel:change"


class Channels(Page):
    permission = _VIEW
    template_name = "notify/channels.html"
    title = "通知渠道"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "mail": MailServer.objects.filter(pk=1).first(),
            "wecom": WecomApp.objects.filter(pk=1).first(),
            "robots": list(Robot.objects.all()),
            "gateways": list(Gateway.objects.all()),
            "relays": list(Relay.objects.all()),
            "relayed": queries.relayed_channels(),
            "only_robots": queries.only_robots(),
            "platforms": Robot.Channel.choices,
            "can_change": may(self.actor, _CHANGE),
        }


class _ChannelForm(FormPage, abstract=True):
    """A form beside its help; `row` is what it changes, None for a new one."""

    permission = _CHANGE
    template_name = "notify/channel_form.html"
    help_template = ""

    def row(self) -> Any:
        return None

    def fields_of(self, row: Any) -> dict[str, Any]:
        names: dict[str, forms.Field] = self.form_class.base_fields  # type: ignore[attr-defined]
        return {n: getattr(row, n) for n in names if not isinstance(names[n].widget, forms.PasswordInput)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row()
        return super().get_context_data(**kwargs) | {
            "row": row,
            "help_template": self.help_template,
            "own": self._own_address(),
            "public_url": settings.PUBLIC_URL,
        }

    def _own_address(self) -> dict[str, str]:
        """The tester's own addresses, to have the test sent there."""
        user = self.request.user
        return {n: str(getattr(user, n, "") or "") for n in ("email", "mobile", "wecom_id")}

    def row_urls(self, name: str) -> dict[str, str]:
        """Where the row is tested and deleted; nowhere for one that is not yet saved."""
        row = self.row()
        if row is None:
            return {}
        return {f"{verb}_url": reverse(f"notify:{name}-{verb}", args=[row.pk]) for verb in ("test", "delete")}

    def get_back_url(self) -> str:
        return reverse("notify:channels")


class RobotPage(_ChannelForm):
    """A robot: a new one of the platform in the address, or the one of that number."""

    def row(self) -> Robot | None:
        return get_object_or_404(Robot, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    def platform(self) -> str:
        row = self.row()
        channel = row.channel if row else self.kwargs["platform"]
        if channel not in ROBOT_FORMS:
            raise Http404
        return str(channel)

    def get_title(self) -> str:
        row = self.row()
        return row.name if row else f"新建{Robot.Channel(self.platform()).label}群机器人"

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        row = self.row()
        initial = None
        if row:
            initial = {n: getattr(row, n) for n in ("name", "topics", "per_minute", "mention_all", "on")}
        return ROBOT_FORMS[self.platform()](data, initial=initial, stored=row is not None)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.help_template = f"notify/help/{self.platform()}.html"
        return super().get_context_data(**kwargs) | self.row_urls("robot")

    def act(self, form: Any) -> HttpResponseBase:
        robot = services.save_robot(self.actor, form.cleaned_data | {"channel": self.platform()}, self.row())
        return self.done(f"已保存“{robot.name}”，请发一条测试", robot.get_absolute_url())


class GatewayPage(_ChannelForm):
    form_class = GatewayForm
    help_template = "notify/help/gateway.html"

    def row(self) -> Gateway | None:
        return get_object_or_404(Gateway, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    def kind(self) -> str:
        row = self.row()
        kind = row.kind if row else self.kwargs["kind"]
        if kind not in Gateway.Kind.values:
            raise Http404
        return str(kind)

    def get_title(self) -> str:
        row = self.row()
        return row.name if row else f"新建{Gateway.Kind(self.kind()).label}网关"

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        row = self.row()
        shown = row or Gateway(
            body='{"mobile": "{mobile}", "content": "{text}"}', success_path="code", success_value="0"
        )
        initial = self.fields_of(shown) | {"duty_mobiles": " ".join(shown.duty_mobiles)}
        return GatewayForm(data, initial=initial, stored=bool(row and row.secret))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.kind()
        return super().get_context_data(**kwargs) | self.row_urls("gateway") | {"test_field": "mobile"}

    def act(self, form: Any) -> HttpResponseBase:
        row = services.save_gateway(self.actor, form.cleaned_data | {"kind": self.kind()}, self.row())
        return self.done(f"已保存“{row.name}”，请发一条测试", row.get_absolute_url())


class MailPage(_ChannelForm):
    form_class = MailForm
    title = "邮件"
    help_template = "notify/help/mail.html"

    def row(self) -> MailServer | None:
        return MailServer.objects.filter(pk=1).first()

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        row = self.row() or MailServer()
        stored = frozenset(n for n in ("password", "in_password") if getattr(row, n))
        return MailForm(data, initial=self.fields_of(row), stored=stored)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        extra = {"test_url": reverse("notify:mail-test"), "test_field": "email"} if self.row() else {}
        return super().get_context_data(**kwargs) | extra

    def act(self, form: Any) -> HttpResponseBase:
        services.save_mail(self.actor, form.cleaned_data)
        return self.done("已保存邮件设置，请发一封测试", reverse("notify:mail"))


class WecomPage(_ChannelForm):
    form_class = WecomAppForm
    title = "企业微信应用"
    help_template = "notify/help/wecom_app.html"

    def row(self) -> WecomApp | None:
        return WecomApp.objects.filter(pk=1).first()

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        row = self.row() or WecomApp(on=True)
        stored = frozenset(n for n in ("secret", "callback_token", "callback_key") if getattr(row, n))
        return WecomAppForm(data, initial=self.fields_of(row), stored=stored)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        extra = {"test_url": reverse("notify:wecom-test"), "test_field": "wecom_id"} if self.row() else {}
        return super().get_context_data(**kwargs) | extra

    def act(self, form: Any) -> HttpResponseBase:
        services.save_wecom(self.actor, form.cleaned_data)
        return self.done("已保存企业微信应用，请发一条测试", reverse("notify:wecom"))


class RelayPage(_ChannelForm):
    form_class = RelayForm
    help_template = "notify/help/relay.html"

    def row(self) -> Relay | None:
        return get_object_or_404(Relay, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    def get_title(self) -> str:
        row = self.row()
        return row.name if row else "新建中转"

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        row = self.row()
        return RelayForm(data, initial=self.fields_of(row) if row else {"on": True})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row()
        extra = {"delete_url": reverse("notify:relay-delete", args=[row.pk])} if row else {}
        return super().get_context_data(**kwargs) | extra

    def act(self, form: Any) -> HttpResponseBase:
        row = services.save_relay(self.actor, form.cleaned_data, self.row())
        return self.done(f"已保存“{row.name}”", row.get_absolute_url())


class _Delete(Act, abstract=True):
    permission = _CHANGE

    def get_next(self, request: HttpRequest) -> str:
        return reverse("notify:channels")


class DeleteRobot(_Delete):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Robot, pk=kwargs["pk"])
        services.delete_robot(self.actor, row)
        return f"已删除“{row.name}”"


class DeleteGateway(_Delete):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Gateway, pk=kwargs["pk"])
        services.delete_gateway(self.actor, row)
        return f"已删除“{row.name}”"


class DeleteRelay(_Delete):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Relay, pk=kwargs["pk"])
        services.delete_relay(self.actor, row)
        return f"已删除“{row.name}”"


class _Try(Act, abstract=True):
    """Sends one message now and shows what the service really answered."""

    permission = _CHANGE

    def source(self) -> Source:
        raise NotImplementedError

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        source = self.source()
        tried = try_out(self.actor, source, request.POST.get("address", "").strip()[:254])
        context = {"title": f"测试：{source}", "tried": tried, "back_url": self.get_next(request)}
        return render(request, "notify/tried.html", context)


class TryRobot(_Try):
    def source(self) -> Source:
        return get_object_or_404(Robot, pk=self.kwargs["pk"])


class TryGateway(_Try):
    def source(self) -> Source:
        return get_object_or_404(Gateway, pk=self.kwargs["pk"])


class TryMail(_Try):
    def source(self) -> Source:
        return get_object_or_404(MailServer, pk=1)


class TryWecom(_Try):
    def source(self) -> Source:
        return get_object_or_404(WecomApp, pk=1)
