"""The national medical-insurance interface (两定接口): calls from the HIS in, signed calls to the platform out."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import InsuranceListener

    return InsuranceListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import InsuranceSender

    return InsuranceSender(channel)


KIND = register(Kind("insurance", "医保两定接口", SCHEMA, _listener, _sender, "json"))
