"""The frames of an ASTM transmission (E1381, LIS1-A) as they came: content, checksum sent and computed. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FRAME = re.compile(rb"\x02([^\x02]*?)([\x03\x17])([0-9A-Fa-f]{2})?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Frame:
    """number: as sent, "" for none. sent, computed: checksums in hexadecimal; sent is "" where it never came."""

    number: str
    body: bytes
    end: str
    sent: str
    computed: str

    @property
    def right(self) -> bool:
        return self.sent.upper() == self.computed


def frames(raw: bytes) -> list[Frame]:
    """Every frame that has a beginning; the last may lack its end."""
    found = []
    rest = raw
    while (start := rest.find(b"\x02")) >= 0:
        match = _FRAME.match(rest, start)
        if match is None:
            body = rest[start + 1 :].split(b"\x02")[0]
            found.append(_frame(body, "", b""))
            rest = rest[start + 1 + len(body) :]
            continue
        found.append(_frame(match[1], "ETX" if match[2] == b"\x03" else "ETB", match[3] or b"", match[2]))
        rest = rest[match.end() :]
    return found


def _frame(body: bytes, end: str, sent: bytes, closing: bytes = b"") -> Frame:
    number = chr(body[0]) if body[:1].isdigit() else ""
    total = sum(body + closing) % 256
    return Frame(number, body[1:] if number else body, end, sent.decode(), f"{total:02X}" if end else "")
