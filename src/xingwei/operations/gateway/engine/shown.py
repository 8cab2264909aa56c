"""Bytes as a page shows them: control characters by their names, or in hexadecimal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .masking import Part, parts

NAMES = {
    0x00: "NUL", 0x01: "SOH", 0x02: "STX", 0x03: "ETX", 0x04: "EOT", 0x05: "ENQ", 0x06: "ACK", 0x08: "BS", 0x0B: "VT",
    0x0C: "FF", 0x0D: "CR", 0x10: "DLE", 0x15: "NAK", 0x17: "ETB", 0x1A: "SUB", 0x1B: "ESC", 0x1C: "FS", 0x1D: "GS",
    0x1E: "RS", 0x1F: "US", 0x7F: "DEL",
}  # fmt: skip
LONGEST = 200_000
_HEX = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Piece:
    """kind: text, name (of a segment), ctl (a control character), covered, or more (what is left out)."""

    kind: str
    text: str


def pieces(masked: str, *, segments: bool) -> Iterator[Piece]:
    """segments: the first three characters of a line are a segment's name."""
    cut = masked[:LONGEST]
    fresh = True
    for part in parts(cut):
        if part.covered:
            yield Piece("covered", part.text)
            fresh = False
            continue
        for piece, begins in _text(part, fresh, segments):
            yield piece
            fresh = begins
    if len(masked) > len(cut):
        yield Piece("more", f"… 还有 {len(masked) - len(cut):,} 字没有显示")


def _text(part: Part, fresh: bool, segments: bool) -> Iterator[tuple[Piece, bool]]:
    run = ""
    text = part.text
    i = 0
    while i < len(text):
        c = text[i]
        code = ord(c)
        if (code < 0x20 and c not in "\n\t") or code == 0x7F:
            if run:
                yield Piece("text", run), False
                run = ""
            yield Piece("ctl", NAMES.get(code, f"{code:02X}")), False
            if c == "\r":
                if text[i + 1 : i + 2] == "\n":
                    yield Piece("ctl", "LF"), False
                    i += 1
                yield Piece("text", "\n"), True
            fresh = c in "\r\x0b\x02" or (fresh and code != 0x1C)
            i += 1
            continue
        if c == "\n":
            yield Piece("text", run + "\n"), True
            run, fresh = "", True
            i += 1
            continue
        if c == "\\" and text[i + 1 : i + 2] == "x" and _HEX.match(text, i + 2):
            if run:
                yield Piece("text", run), False
                run = ""
            yield Piece("ctl", text[i : i + 4]), False
            i += 4
            continue
        if fresh and segments and text[i : i + 3].isalnum() and text[i : i + 3].isascii() and not run:
            yield Piece("name", text[i : i + 3]), False
            fresh = False
            i += 3
            continue
        run += c
        fresh = False
        i += 1
    if run:
        yield Piece("text", run), fresh


def hexadecimal(raw: bytes, *, most: int = 16_384) -> str:
    """Sixteen bytes a line: place, bytes, characters."""
    lines = []
    for at in range(0, min(len(raw), most), 16):
        row = raw[at : at + 16]
        left = " ".join(f"{b:02x}" for b in row[:8])
        right = " ".join(f"{b:02x}" for b in row[8:])
        plain = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row)
        lines.append(f"{at:08x}  {left:<23}  {right:<23}  {plain}")
    if len(raw) > most:
        lines.append(f"… 还有 {len(raw) - most:,} 字节没有显示")
    return "\n".join(lines)
