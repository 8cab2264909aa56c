"""Documents: bytes of any kind read by path, changed, and written back. Pure."""

from __future__ import annotations

from collections.abc import Callable

from . import delimited, json_document, xml_document
from .astm import AstmDocument
from .base import Document, DocumentProblem, Spot
from .hl7 import Hl7Document
from .json_document import JsonDocument
from .opaque import OpaqueDocument
from .xml_document import XmlDocument

__all__ = ["KINDS", "Document", "DocumentProblem", "Spot", "check_path", "read"]

_READERS: dict[str, Callable[[bytes, str], Document]] = {
    "hl7": Hl7Document,
    "astm": AstmDocument,
    "json": JsonDocument,
    "xml": XmlDocument,
    "bytes": OpaqueDocument,
}
KINDS = tuple(_READERS)


def read(kind: str, raw: bytes, charset: str = "") -> Document:
    """charset: what is known of the sender, as messages or codecs name it; empty: the message's own word, else what
    the bytes show. Raises DocumentProblem (Chinese) where the bytes are no such document."""
    try:
        reader = _READERS[kind]
    except KeyError:
        raise DocumentProblem(f"没有“{kind}”这种消息格式。") from None
    return reader(raw, charset)


def check_path(kind: str, path: str) -> None:
    """Raises DocumentProblem where the path is none of this kind."""
    if kind in ("hl7", "astm"):
        delimited.parse(path)
    elif kind == "json":
        json_document.parse(path)
    elif kind == "xml":
        xml_document.parse(path)
    elif path != "text":
        raise DocumentProblem("这种消息只有整段正文可读，路径写 text。")
