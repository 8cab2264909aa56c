"""ASTM E1394-97 / LIS2-A2 records: the text that the frames of E1381 carry, without the frames.

Field 1 is the record's letter, so that H-5 is the sender and R-4 the result, as chapters 6 and following of LIS2-A2
number them. The delimiters are those of the header record: `H|\\^&` names field, repetition, component and escape;
Cepheid writes `H|@^\\`. Escapes: &F& &S& &R& &E& &Xhh& (LIS2-A2 5.4.7).
"""

from __future__ import annotations

import re
from typing import ClassVar

from .base import LARGEST, DocumentProblem
from .charsets import codec_of
from .delimited import Delimited, escapes


class AstmDocument(Delimited):
    kind = "astm"
    _WIDTH: ClassVar[int] = 1
    _SHIFT: ClassVar[int] = 1
    _HEADERS: ClassVar[tuple[bytes, ...]] = (b"H",)

    def __init__(self, raw: bytes, charset: str = "") -> None:
        if len(raw) > LARGEST:
            raise DocumentProblem("消息超过 64 MB。")
        start = len(raw) - len(raw.lstrip(b" \t\r\n"))
        body = raw[start:]
        if len(body) < 5 or body[:1] != b"H":
            raise DocumentProblem("不是 ASTM 消息：开头不是 H 记录。")
        separators = _delimiters(body)
        pieces = re.split(rb"(\r\n|\r|\n)", body)
        lines, seps = pieces[::2], pieces[1::2]
        tail = b""
        if lines[-1] == b"" and seps:
            lines, tail = lines[:-1], seps.pop()
        same: bytes | list[bytes] = seps if len({*seps, *filter(None, [tail])}) > 1 else (seps or [tail or b"\r"])[0]
        super().__init__(raw, raw[:start], lines, same, tail)
        self.field_sep, self.repetition_sep, self.component_sep, self.escape = tuple(separators)
        self.sub_sep = "\x00"  # LIS2-A2 knows no subcomponents
        self._given = codec_of(charset) if charset else ""

    def _declared(self) -> str:
        return self._given

    def _unescape(self, text: str) -> str:
        chars = {"F": self.field_sep, "S": self.component_sep, "R": self.repetition_sep, "E": self.escape}
        return escapes(self.escape, "FSRE").sub(lambda found: chars[found[1]], text)

    def _escape(self, text: str, *, sub: bool) -> str:
        text = text.replace(self.escape, f"{self.escape}E{self.escape}")
        for letter, char in (("F", self.field_sep), ("S", self.component_sep), ("R", self.repetition_sep)):
            text = text.replace(char, f"{self.escape}{letter}{self.escape}")
        return text

    def _break(self) -> str:
        return f"{self.escape}X0D{self.escape}"


def _delimiters(body: bytes) -> str:
    """field, repetition, component, escape."""
    text = body[1:5].decode("latin-1")
    if len(set(text)) != 4 or any(char.isalnum() or not 32 < ord(char) < 127 for char in text):
        raise DocumentProblem("H 记录的分隔符不对：H 之后应是四个不同的符号，如 |\\^&。")
    return text
