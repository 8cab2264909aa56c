"""Keeping what comes in, before anything else is done with it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.journal.who import Who
from xingwei.base.site import queries as site

from ..channels.wecom import messages as wecom
from ..engine import mime
from ..engine.texts import clean
from ..models import InboundMessage
from ..wake import wake_inbound

State = InboundMessage.State


def max_bytes() -> int:
    return int(site.value("notify.inbound.max_mb")) * 2**20


def keep_mail(actor: Who, raw: bytes, *, source: str, ref: str = "") -> tuple[InboundMessage, bool]:
    """Keep a mail as it came; (the message, whether it is new). One that came before is not kept twice."""
    mail = mime.parse(raw)
    ignored = mail.automatic
    return _keep(
        actor,
        channel="mail",
        source=source,
        source_ref=ref,
        message_id=mail.message_id,
        sender=mail.sender,
        subject=mail.subject,
        raw=raw,
        size=len(raw),
        state=State.IGNORED if ignored else State.RECEIVED,
        reason=ignored,
    )


def keep_oversized(actor: Who, head: bytes, size: int, *, source: str, ref: str) -> tuple[InboundMessage, bool]:
    """Of a mail beyond the limit only the head is kept, for a person to see to."""
    mail = mime.parse(head)
    limit = max_bytes() // 2**20
    return _keep(
        actor,
        channel="mail",
        source=source,
        source_ref=ref,
        message_id=mail.message_id,
        sender=mail.sender,
        subject=mail.subject,
        raw=head,
        size=size,
        state=State.QUARANTINED,
        reason=f"邮件有 {size / 2**20:.0f} MB，超过 {limit} MB，只登记了信头。请到邮箱里查看，并请对方分开发送。",
    )


def keep_wecom(actor: Who, raw: bytes) -> tuple[InboundMessage, bool]:
    """Keep a decrypted message of WeCom's; events (a member opened the application) are ignored."""
    try:
        message = wecom.parse(raw)
    except wecom.Unreadable as error:
        return _keep(
            actor, channel="wecom", source="callback", message_id=mime.fingerprint(raw), raw=raw, size=len(raw),
            state=State.QUARANTINED, reason=f"读不懂：{error}",
        )  # fmt: skip
    event = message.kind == "event"
    return _keep(
        actor,
        channel="wecom",
        source="callback",
        message_id=message.message_id[:250],
        sender=message.sender[:254],
        subject=clean(message.text, 60),
        raw=raw,
        size=len(raw),
        state=State.IGNORED if event else State.RECEIVED,
        reason="事件通知，不是消息" if event else "",
    )


def _keep(actor: Who, *, channel: str, message_id: str, **values: Any) -> tuple[InboundMessage, bool]:
    with transaction.atomic():
        row, new = InboundMessage.objects.get_or_create(
            channel=channel, message_id=clean(message_id, 250), defaults=values
        )
        if new:
            record(
                actor,
                "notify.inbound.receive",
                ("notify.inboundmessage", str(row.pk), row.get_channel_display()),
                f"收到{row.get_channel_display()}（{row.get_state_display()}）",
                after={"size": row.size, "state": row.state, "source": row.source},
            )
            if row.state == State.RECEIVED:
                wake_inbound()
    return row, new
