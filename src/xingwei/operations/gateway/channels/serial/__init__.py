"""Serial ports: instruments that speak ASTM (both ways), and those that send text of their own."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA, TEXT_SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import SerialListener

    return SerialListener(channel, intake)


def _text_listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .text import TextListener

    return TextListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import SerialSender

    return SerialSender(channel)


KIND = register(Kind("serial", "ASTM（串口）", SCHEMA, _listener, _sender, "astm"))
TEXT = register(Kind("serial_text", "文本（串口）", TEXT_SCHEMA, _text_listener, None, "bytes"))
