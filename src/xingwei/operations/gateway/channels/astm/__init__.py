"""ASTM E1381/E1394 (LIS01, LIS2) over TCP."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import AstmListener

    return AstmListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import AstmSender

    return AstmSender(channel)


KIND = register(Kind("astm", "ASTM（网口）", SCHEMA, _listener, _sender, "astm"))
