"""Bytes that nobody reads into: DICOM objects, pictures, a text of the vendor's own. The one path is `text`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .base import Document, DocumentProblem
from .charsets import choose, codec_of


class OpaqueDocument(Document):
    kind = "bytes"

    def __init__(self, raw: bytes, charset: str = "") -> None:
        self._raw = raw
        self._given = codec_of(charset) if charset else ""
        self._codec = ""

    @property
    def charset(self) -> str:
        if not self._codec:
            self._codec = choose(self._raw, self._given)
        return self._codec

    def spots(self, path: str) -> Sequence[str]:
        if path != "text":
            raise DocumentProblem("这种消息只有整段正文可读，路径写 text。")
        return ("text",)

    def bound(self, path: str, spot: str) -> str | None:
        return None

    def read(self, spot: str) -> str:
        return self._raw.decode(self.charset, "replace")

    def write(self, spot: str, value: str) -> None:
        raise DocumentProblem("这种消息原样转发，不能改写。")

    def delete(self, spot: str) -> None:
        raise DocumentProblem("这种消息原样转发，不能改写。")

    def name(self, spot: str) -> str:
        return spot

    def fields(self) -> Iterator[tuple[str, str]]:
        if self._raw[:4096].isascii() or b"\x00" not in self._raw[:4096]:
            yield "text", self._raw[:100_000].decode(self.charset, "replace")

    def to_bytes(self) -> bytes:
        return self._raw

    def recode(self, codec: str) -> None:
        raise DocumentProblem("这种消息原样转发，不能改字符集。")
