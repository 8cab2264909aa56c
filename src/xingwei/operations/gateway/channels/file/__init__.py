"""Files that are dropped into a folder, in and out. One kind for each form of their content."""

from __future__ import annotations

from ..base import ChannelConfig, DocumentKind, Intake, Kind, Listener, Sender, register
from .schema import SCHEMA

_FORMS: dict[str, tuple[str, DocumentKind]] = {
    "file": ("文件（原样）", "bytes"),
    "file_hl7": ("文件（HL7）", "hl7"),
    "file_astm": ("文件（ASTM）", "astm"),
    "file_json": ("文件（JSON）", "json"),
    "file_xml": ("文件（XML）", "xml"),
}


def _listener(channel: ChannelConfig, intake: Intake) -> Listener:
    from .listener import FileListener

    return FileListener(channel, intake)


def _sender(channel: ChannelConfig) -> Sender:
    from .sender import FileSender

    return FileSender(channel)


KINDS = [register(Kind(code, name, SCHEMA, _listener, _sender, form)) for code, (name, form) in _FORMS.items()]
