"""What came in: the list, the quarantine, one message; and the door through which WeCom comes in."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from xingwei.base.journal.who import Who
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import PUBLIC, Act, Guarded, ListPage, Page

from .. import queries
from ..channels.base import Unsendable, opened
from ..channels.wecom import messages as wecom
from ..channels.wecom.crypto import Envelope, NotFromWecom
from ..engine import mime
from ..inbound import store
from ..models import InboundMessage, MailServer, WecomApp
from ..services import inbound as services

log = logging.getLogger(__name__)
_CALLBACK_LIMIT = 256 * 1024


class InboundTable(Table):
    caption = "来信"
    columns = (
        Column("state", "状态", value="get_state_display", cell="notify/cells/message_state.html"),
        Column("subject", "主题", kind="title", value=str),
        Column("channel", "渠道", value="get_channel_display"),
        Column("sender", "发件人"),
        Column("received_at", "收到", kind="time"),
        Column("attempts", "处理次数", kind="num", drop=True),
        Column("reason", "原因", value="reason", cell=lambda m: m.reason[:40], drop=True),
    )


class Messages(ListPage):
    permission = "notify.inbound:view"
    template_name = "notify/messages.html"
    title = "来信"
    table = InboundTable
    order = ("-received_at", "-id")
    export_name = "来信"
    empty = ("还没有来信", "配置收信邮箱或企业微信的接收消息以后，来信先存到这里，再登记为问题。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=InboundMessage.State.choices),
        Filter("channel", "渠道", "channel", icon="mail", choices=InboundMessage.Channel.choices),
        Filter("from", "自", "received_at__date__gte", icon="calendar", kind="date"),
        Filter("to", "至", "received_at__date__lte", icon="calendar", kind="date"),
    )

    def get_queryset(self) -> Any:
        return InboundMessage.objects.defer("raw", "reply")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "quarantined": queries.quarantined(),
            "mail": MailServer.objects.filter(pk=1).exclude(protocol="").first(),
        }


class Message(Page):
    permission = "notify.inbound:view"
    template_name = "notify/message.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(InboundMessage, pk=self.kwargs["pk"])
        can_read = may(self.actor, "notify.inbound:read")
        content = self._content(services.read(self.actor, row)) if can_read else {}
        return super().get_context_data(**kwargs) | {
            "row": row,
            "title": str(row),
            "content": content,
            "can_read": can_read,
            "can_handle": may(self.actor, "notify.inbound:handle"),
            "can_replay": row.state != InboundMessage.State.RECEIVED and row.size <= len(bytes(row.raw)),
            "can_ignore": row.state in (InboundMessage.State.RECEIVED, InboundMessage.State.QUARANTINED),
        }

    def _content(self, row: InboundMessage) -> dict[str, Any]:
        if row.channel == InboundMessage.Channel.MAIL:
            mail = mime.parse(bytes(row.raw))
            return {"text": mail.text, "files": [(f.name, len(f.content)) for f in mail.files], "who": mail.sender_name}
        try:
            return {"text": wecom.parse(bytes(row.raw)).text, "files": []}
        except wecom.Unreadable:
            return {"text": "", "files": []}


class Replay(Act):
    permission = "notify.inbound:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.replay(self.actor, get_object_or_404(InboundMessage, pk=kwargs["pk"]))
        return "已排队重新处理"


class Ignore(Act):
    permission = "notify.inbound:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.ignore(self.actor, get_object_or_404(InboundMessage, pk=kwargs["pk"]))
        return "已忽略"


@method_decorator(csrf_exempt, name="dispatch")
class WecomCallback(Guarded):
    """WeCom calls here, without an account: what is not signed with the token that both know is turned away.

    GET proves to WeCom that this address is ours; POST brings a message, which is kept and then acknowledged.
    """

    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponseBase:
        q = request.GET
        try:
            envelope = self._envelope()
            echo = envelope.open(
                q.get("msg_signature", ""), q.get("timestamp", ""), q.get("nonce", ""), q.get("echostr", "")
            )
        except NotFromWecom:
            return HttpResponse("forbidden", status=403, content_type="text/plain")
        return HttpResponse(echo, content_type="text/plain")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        q = request.GET
        raw = request.read(_CALLBACK_LIMIT + 1)
        try:
            if len(raw) > _CALLBACK_LIMIT:
                raise NotFromWecom("太大")
            envelope = self._envelope()
            ciphertext = wecom.element(raw).get("Encrypt", "")
            message = envelope.open(q.get("msg_signature", ""), q.get("timestamp", ""), q.get("nonce", ""), ciphertext)
        except (NotFromWecom, wecom.Unreadable) as why:
            log.warning("wecom callback turned away: %s", why)
            return HttpResponse("forbidden", status=403, content_type="text/plain")
        address = request.META.get("REMOTE_ADDR", "")
        store.keep_wecom(Who(id=None, name="企业微信", via="wecom", address=address), message)
        return HttpResponse("success", content_type="text/plain")

    def _envelope(self) -> Envelope:
        app = WecomApp.objects.filter(on=True).exclude(callback_token="").exclude(callback_key="").first()
        if app is None:
            raise NotFromWecom("没有配置接收消息")
        try:
            token = opened(app.callback_token, "wecom.callback_token")
            return Envelope(token, opened(app.callback_key, "wecom.callback_key"), app.corp_id)
        except Unsendable as why:
            raise NotFromWecom("密钥打不开") from why
