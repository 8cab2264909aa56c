"""HL7 v2 messages (chapter 2 of the standard), as real senders write them.

Taken as they come: segments that end in CR, LF or CR LF; line feeds inside a value; a byte order mark; delimiters of
the message's own; a batch around messages (paths then mean the first one). MSH-1 is the field separator and MSH-2 the
other four; everywhere else field n is the n-th after the name.
"""

from __future__ import annotations

import re
from typing import ClassVar

from .base import LARGEST, DocumentProblem
from .charsets import codec_of
from .delimited import Delimited, escapes

_BOM = b"\xef\xbb\xbf"
_HEADERS = (b"MSH", b"FHS", b"BHS")
_FORMAT = re.compile(r"\\(?=(?:\.[a-z]{2}[+-]?\d*|H|N|X[0-9A-Fa-f]+|Z[^\\|^~&]*|[CM][0-9A-Fa-f]+)\\)")


class Hl7Document(Delimited):
    kind = "hl7"
    _WIDTH: ClassVar[int] = 3
    _SHIFT: ClassVar[int] = 0
    _HEADERS: ClassVar[tuple[bytes, ...]] = _HEADERS

    def __init__(self, raw: bytes, charset: str = "") -> None:
        if len(raw) > LARGEST:
            raise DocumentProblem("消息超过 64 MB。")
        prefix, body = (_BOM, raw[3:]) if raw.startswith(_BOM) else (b"", raw)
        if body[:3] not in _HEADERS:
            start = len(body) - len(body.lstrip(b" \t\r\n"))
            if body[start : start + 3] not in _HEADERS:
                raise DocumentProblem("不是 HL7 消息：开头不是 MSH 段。")
            prefix, body = prefix + body[:start], body[start:]
        separators = _delimiters(body)
        lines, seps, tail = _segments(body, separators[0].encode())
        super().__init__(raw, prefix, lines, seps, tail)
        if separators != "|^~\\&":
            self.field_sep, self.component_sep, self.repetition_sep, self.escape, self.sub_sep = tuple(separators)
        self._given = codec_of(charset) if charset else ""

    def _declared(self) -> str:
        if self._given:
            return self._given
        fields = self._lines[0].split(self.field_sep.encode())
        return codec_of(fields[17].decode("ascii", "replace")) if len(fields) > 17 else ""

    def _unescape(self, text: str) -> str:
        chars = {**dict(self._letters()), "E": self.escape}
        return escapes(self.escape, "FSRTE").sub(lambda found: chars[found[1]], text)

    def _letters(self) -> tuple[tuple[str, str], ...]:
        return ("F", self.field_sep), ("S", self.component_sep), ("R", self.repetition_sep), ("T", self.sub_sep)

    def _escape(self, text: str, *, sub: bool) -> str:
        if self.escape in text:
            text = _escaped(text, self.escape)
        for letter, char in self._letters():
            if char in text and (sub or letter != "T"):
                text = text.replace(char, f"{self.escape}{letter}{self.escape}")
        return text

    def _break(self) -> str:
        return f"{self.escape}.br{self.escape}"


def _escaped(text: str, escape: str) -> str:
    """Every escape character doubled into \\E\\, but those of a formatting sequence (\\.br\\, \\X0D\\) left alone."""
    out: list[str] = []
    at = 0
    while (found := text.find(escape, at)) >= 0:
        out.append(text[at:found])
        end = text.find(escape, found + 1)
        if end > 0 and _FORMAT.match("\\" + text[found + 1 : end] + "\\"):
            out.append(text[found : end + 1])
            at = end + 1
        else:
            out.append(f"{escape}E{escape}")
            at = found + 1
    return "".join([*out, text[at:]])


def _delimiters(body: bytes) -> str:
    """field, component, repetition, escape, subcomponent; what MSH-2 leaves out is the standard's."""
    head = body[3:16]
    if head[:6] == b"|^~\\&|":
        return "|^~\\&"
    sep = head[:1]
    if not sep or sep.isalnum() or sep in b"\r\n \t" or not sep.isascii():
        raise DocumentProblem("MSH-1（字段分隔符）不对。")
    others = re.split(b"[\r\n]", head[1:].split(sep, 1)[0], maxsplit=1)[0]
    text = others.decode("latin-1")[:4]
    if any(char.isalnum() or ord(char) > 126 or ord(char) < 33 for char in text):
        raise DocumentProblem("MSH-2（组件、重复、转义、子组件分隔符）不对。")
    text += "^~\\&"[len(text) :]
    all_of_them = sep.decode() + text
    if len(set(all_of_them)) != 5:
        raise DocumentProblem("MSH-1、MSH-2 里的分隔符有重复。")
    return all_of_them


def _segments(body: bytes, sep: bytes) -> tuple[list[bytes], bytes | list[bytes], bytes]:
    """Segments, what stands between them (one for all where it is the same), and what stands after the last."""
    if b"\n" not in body:
        lines, end = body.split(b"\r"), b"\r"
    elif b"\r" not in body and _every_line_is_segment(lines := body.split(b"\n"), sep):
        end = b"\n"
    else:
        pieces = re.split(rb"(\r\n|\r|\n(?=[A-Z][A-Z0-9]{2}(?:" + re.escape(sep) + rb"|\r|\n|\Z)|[\r\n]|\Z))", body)
        lines, seps = pieces[::2], pieces[1::2]
        if lines[-1] == b"" and seps:
            return lines[:-1], seps[:-1], seps[-1]
        return lines, seps, b""
    if lines[-1] == b"" and len(lines) > 1:
        return lines[:-1], end, end
    return lines, end, b""


def _every_line_is_segment(lines: list[bytes], sep: bytes) -> bool:
    return all(not line or line[3:4] in (sep, b"") for line in lines)
