"""Tables and views of other systems: polled for new rows, and 中间表 written to."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import DatabaseListener

    return DatabaseListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import DatabaseSender

    return DatabaseSender(channel)


KIND = register(Kind("database", "数据库（视图、中间表）", SCHEMA, _listener, _sender, "json"))
