"""What comes in: stored first, then handed to the room that can make something of it.

A higher room registers what it does with a channel's messages, in its AppConfig.ready():

    from xingwei.base.notify import inbound

    @inbound.handler("mail")
    def report(message: inbound.Inbound) -> str:
        ...
        return "已登记为 2603-187"

It runs in one transaction with the message being marked as done, so that both happen or neither. It raises
ServiceRefused to have the message quarantined with that reason; anything else it raises is tried again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file as it came: neither its name nor its content is to be trusted."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """channel: mail or wecom. address: the sender's mail address or WeCom account; who that is, the handler
    looks up (sender_id stays None). text: what was written, without the mails quoted below it."""

    channel: str
    address: str
    subject: str
    text: str
    message_id: str
    received_at: dt.datetime
    files: Sequence[InboundFile] = field(default_factory=tuple)
    sender_id: int | None = None


Handler = Callable[[Inbound], str]
_handlers: dict[str, Handler] = {}


def handler(channel: str) -> Callable[[Handler], Handler]:
    """Decorator: this function handles the channel's messages and returns the reply ("" for none)."""

    def register(function: Handler) -> Handler:
        _handlers[channel] = function
        return function

    return register


def handler_of(channel: str) -> Handler | None:
    return _handlers.get(channel)
