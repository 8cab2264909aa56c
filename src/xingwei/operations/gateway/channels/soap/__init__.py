"""SOAP web services, in and out."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import SoapListener

    return SoapListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import SoapSender

    return SoapSender(channel)


KIND = register(Kind("soap", "Web Service（SOAP）", SCHEMA, _listener, _sender, "xml"))
