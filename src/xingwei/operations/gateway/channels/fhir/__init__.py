"""FHIR R4 over HTTP, in and out."""

from __future__ import annotations

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import FhirListener

    return FhirListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import FhirSender

    return FhirSender(channel)


KIND = register(Kind("fhir", "FHIR R4", SCHEMA, _listener, _sender, "json"))
