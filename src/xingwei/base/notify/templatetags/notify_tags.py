"""Marks of this room's pages: {% load notify_tags %}."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from xingwei.base.ui.templatetags.xw import state

from ..models import InboundMessage, Outbox, Relay

register = template.Library()

DELIVERY = {
    Outbox.State.QUEUED: ("unknown", "clock"),
    Outbox.State.SENDING: ("doing", "send"),
    Outbox.State.FAILED: ("warn", "refresh-alert"),
    Outbox.State.SENT: ("ok", "circle-check"),
    Outbox.State.DIGESTED: ("ok", "stack-2"),
    Outbox.State.DEAD: ("late", "alert-circle"),
    Outbox.State.CANCELLED: ("unknown", "circle-x"),
}
MESSAGE = {
    InboundMessage.State.RECEIVED: ("doing", "progress"),
    InboundMessage.State.DONE: ("ok", "circle-check"),
    InboundMessage.State.QUARANTINED: ("late", "shield-exclamation"),
    InboundMessage.State.IGNORED: ("unknown", "mail-off"),
}


@register.simple_tag
def delivery_state(row: Outbox, bare: bool = True) -> SafeString:
    kind, glyph = DELIVERY[Outbox.State(row.state)]
    return state(kind, row.get_state_display(), glyph, bare=bare)


@register.simple_tag
def message_state(row: InboundMessage, bare: bool = True) -> SafeString:
    kind, glyph = MESSAGE[InboundMessage.State(row.state)]
    return state(kind, row.get_state_display(), glyph, bare=bare)


@register.simple_tag
def channel_state(row: Any) -> SafeString:
    """How a channel is doing, by its last sending: off, never tried, well, or failing."""
    if not row.on:
        return state("unknown", "停用", "circle-off", bare=True)
    if row.last_failed_at and (not row.last_sent_at or row.last_failed_at > row.last_sent_at):
        return state("late", "最近失败", "alert-circle", bare=True)
    if row.last_sent_at:
        return state("ok", "正常", "circle-check", bare=True)
    return state("unknown", "未用过", "help-circle", bare=True)


@register.simple_tag
def relay_state(row: Relay) -> SafeString:
    """A relay that is alive asks every few seconds."""
    if not row.on:
        return state("unknown", "停用", "circle-off", bare=True)
    if row.last_seen_at is None:
        return state("warn", "还没有来过", "plug-off", bare=True)
    if timezone.now() - row.last_seen_at > dt.timedelta(minutes=2):
        return state("late", "没有来取", "plug-off", bare=True)
    return state("ok", "正常", "plug-connected", bare=True)


@register.simple_tag
def channel_names(channels: Iterable[str]) -> str:
    return "、".join(Outbox.Channel(c).label for c in channels if c in Outbox.Channel.values)
