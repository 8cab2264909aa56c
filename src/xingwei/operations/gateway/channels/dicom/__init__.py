"""DICOM: images in and out (C-STORE), worklists for modalities (MWL C-FIND), and C-ECHO."""

from __future__ import annotations

import logging

from ..base import ChannelConfig, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA

logging.getLogger("pynetdicom").setLevel(logging.WARNING)  # it tells of every association


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import DicomListener

    return DicomListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import DicomSender

    return DicomSender(channel)


KIND = register(Kind("dicom", "DICOM", SCHEMA, _listener, _sender, "bytes"))
