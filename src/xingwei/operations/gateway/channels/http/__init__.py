"""JSON over HTTP, in and out; also calls that wait for the receiver."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import HttpListener

    return HttpListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import HttpSender

    return HttpSender(channel)


KIND = register(Kind("http", "HTTP（JSON）", SCHEMA, _listener, _sender, "json"))
