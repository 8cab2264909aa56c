"""What a person does with a message that came in: have it processed again, or ignored."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..inbound import store
from ..models import InboundMessage
from ..wake import wake_inbound
from .base import Refused

State = InboundMessage.State


def deliver_mail(actor: Actor, raw: bytes) -> tuple[InboundMessage, bool]:
    """Take in one mail (RFC 822) from a mail server or a forwarding program; (message, whether it is new)."""
    require(actor, "notify.inbound:deliver")
    if not raw.strip():
        raise Refused("邮件是空的。")
    if len(raw) > store.max_bytes():
        raise Refused(f"邮件超过 {store.max_bytes() // 2**20} MB。")
    return store.keep_mail(actor, raw, source="api")


def replay(actor: Actor, message: InboundMessage) -> InboundMessage:
    """Process it again; raises Refused for one that waits anyway, or of which only the head was kept."""
    require(actor, "notify.inbound:handle")
    with transaction.atomic():
        row: InboundMessage = InboundMessage.objects.select_for_update().get(pk=message.pk)
        if row.state == State.RECEIVED:
            raise Refused("它还在等待处理，不用重来。")
        if row.size > len(bytes(row.raw)):
            raise Refused("这封信太大，只留了信头，无法处理。请到邮箱里查看。")
        before = row.state
        row.state, row.reason, row.attempts = State.RECEIVED, "", 0
        row.next_try_at, row.processed_at = timezone.now(), None
        row.save(update_fields=["state", "reason", "attempts", "next_try_at", "processed_at"])
        record(
            actor,
            "notify.inbound.replay",
            _target(row),
            "重新处理来信",
            before={"state": before},
            after={"state": row.state},
        )
        wake_inbound()
    return row


def ignore(actor: Actor, message: InboundMessage) -> InboundMessage:
    """It needs nothing; raises Refused for one that is done."""
    require(actor, "notify.inbound:handle")
    with transaction.atomic():
        row: InboundMessage = InboundMessage.objects.select_for_update().get(pk=message.pk)
        if row.state == State.DONE:
            raise Refused("它已经处理完了。")
        before = row.state
        row.state, row.reason, row.processed_at = State.IGNORED, f"由{actor.name}忽略", timezone.now()
        row.save(update_fields=["state", "reason", "processed_at"])
        record(
            actor,
            "notify.inbound.ignore",
            _target(row),
            "忽略来信",
            before={"state": before},
            after={"state": row.state},
        )
    return row


def read(actor: Actor, message: InboundMessage) -> InboundMessage:
    """Somebody looks at what was written: that is recorded."""
    require(actor, "notify.inbound:read")
    with transaction.atomic():
        record(actor, "notify.inbound.read", _target(message), "查看来信内容")
    return message


def _target(row: InboundMessage) -> tuple[str, str, str]:
    return ("notify.inboundmessage", str(row.pk), row.get_channel_display())
