"""Looks at messages: every one is an act of its own, and seeing what is a person's asks for a reason."""

from __future__ import annotations

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Channel, Message
from .base import GatewayRefused, reason_of


def look(actor: Actor, message: Message, *, whole: bool) -> None:
    """Record that somebody opened a message. whole: with what is a person's in the clear."""
    number = message.number
    seen = "原值" if whole else "患者信息遮蔽"
    with transaction.atomic():
        record(actor, "gateway.message.look", ("gateway.message", number, number), f"查看接口消息 {number}（{seen}）")


def reveal(actor: Actor, message: Message, reason: str) -> None:
    """Record why somebody wants the values in the clear. Raises GatewayRefused, Denied."""
    channel = Channel.objects.filter(pk=message.channel_id).select_related("system").first()
    require(actor, "gateway.content:reveal", channel)
    said = reason_of(reason)
    if len(said) < 4:
        raise GatewayRefused("请把事由写清楚（至少 4 个字），例如：核对检验结果与仪器屏幕。")
    number = message.number
    with transaction.atomic():
        record(
            actor, "gateway.content.reveal", ("gateway.message", number, number), f"查看 {number} 的患者信息：{said}"
        )
