"""HL7 v2 over MLLP: the way in and the way out of most systems of a hospital."""

from __future__ import annotations

from ..base import Kind, register
from .listener import MllpListener
from .schema import SCHEMA
from .sender import MllpSender

KIND = register(Kind("mllp", "HL7 v2（MLLP）", SCHEMA, listener=MllpListener, sender=MllpSender, document="hl7"))

__all__ = ["KIND", "MllpListener", "MllpSender"]
