"""Small codecs of the hospital's own: MLLP frames, HL7 v2 text, ASTM E1381 frames. They know nothing of the gateway's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

VT, FS, CR = b"\x0b", b"\x1c", b"\r"
ENQ, ACK, NAK, EOT, STX, ETX, ETB = b"\x05", b"\x06", b"\x15", b"\x04", b"\x02", b"\x03", b"\x17"
FRAME_TEXT = 240  # characters of a record in one ASTM frame

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"})


class Garbled(ValueError):
    """Bytes that are no message."""


def frame(body: bytes, *, bare_end: bool = False) -> bytes:
    """An MLLP frame; bare_end: without the CR that some devices forget."""
    return VT + body + FS + (b"" if bare_end else CR)


def with_tail(body: bytes) -> bytes:
    """As the Erba ELite 580 sends now and then: the end comes early, the last segments follow it."""
    segments = body.rstrip(CR).split(CR)
    cut = max(1, len(segments) * 2 // 3)
    return VT + CR.join(segments[:cut]) + CR + FS + CR + CR.join(segments[cut:]) + CR


def escape(text: str) -> str:
    """A text for an HL7 field."""
    return text.translate(_ESCAPES)


def stamp(at: datetime) -> str:
    """A moment as HL7 and ASTM write it here: to the second, without a zone."""
    return at.strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class Message:
    """An HL7 message taken apart: segments as lists of fields, MSH counted as HL7 counts it."""

    segments: tuple[tuple[str, ...], ...]

    def field(self, segment: str, number: int, component: int = 0) -> str:
        """The first such field, "" where there is none; component: from 1, 0 the whole field."""
        for s in self.segments:
            if s[0] == segment:
                value = s[number] if number < len(s) else ""
                parts = value.split("^")
                return value if not component else parts[component - 1] if component <= len(parts) else ""
        return ""

    def all(self, segment: str) -> list[tuple[str, ...]]:
        """Every segment of that name."""
        return [s for s in self.segments if s[0] == segment]

    @property
    def control_id(self) -> str:
        return self.field("MSH", 10)

    @property
    def type(self) -> str:
        return self.field("MSH", 9)


def parse(body: bytes) -> Message:
    """Take an HL7 message apart, in the charset that MSH-18 names or, where it names none, that fits. Raises Garbled."""
    text = decode(body)
    lines = [line for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r") if line.strip()]
    if not lines or not lines[0].startswith("MSH|"):
        raise Garbled("no MSH segment")
    segments = []
    for line in lines:
        fields = line.split("|")
        segments.append(tuple(["MSH", "|", *fields[1:]] if fields[0] == "MSH" else fields))
    return Message(tuple(segments))


def decode(body: bytes) -> str:
    """The text: as declared in MSH-18, else UTF-8, else GB18030 with marks for what does not fit."""
    head = body.split(b"\r", 1)[0].split(b"|")
    declared = head[17].decode("ascii", "replace").upper() if len(head) > 17 else ""
    order = ("gb18030", "utf-8") if "GB" in declared else ("utf-8", "gb18030")
    for encoding in order:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("gb18030", "replace")


def acknowledgement(
    message: Message, code: str, text: str = "", control_id: str = "", at: datetime | None = None
) -> bytes:
    """An ACK for the message, from its receiver; code AA, AE or AR."""
    msh = message.field
    moment = stamp(at) if at else ""
    event = msh("MSH", 9, 2)
    head = (
        f"MSH|^~\\&|{msh('MSH', 5)}|{msh('MSH', 6)}|{msh('MSH', 3)}|{msh('MSH', 4)}|{moment}||ACK{f'^{event}' if event else ''}"
        f"|A{message.control_id}|P|{msh('MSH', 12) or '2.4'}||||||{msh('MSH', 18)}"
    )
    tail = f"MSA|{code}|{control_id or message.control_id}{f'|{escape(text)}' if text else ''}"
    encoding = "gb18030" if "GB" in msh("MSH", 18).upper() else "utf-8"
    return f"{head}\r{tail}\r".encode(encoding)


def checksum(content: bytes) -> bytes:
    """Two hexadecimal digits over frame number, text and ETX or ETB."""
    return f"{sum(content) % 256:02X}".encode()


def astm_frames(records: Sequence[str], encoding: str) -> list[bytes]:
    """Frames of a message: one record a frame, long ones cut with ETB; numbers run 1…7, 0, 1…"""
    found: list[bytes] = []
    for record in records:
        text = f"{record}\r".encode(encoding)
        pieces = [text[i : i + FRAME_TEXT] for i in range(0, len(text), FRAME_TEXT)]
        for index, piece in enumerate(pieces):
            number = str((len(found) + 1) % 8).encode()
            content = number + piece + (ETX if index == len(pieces) - 1 else ETB)
            found.append(STX + content + checksum(content) + b"\r\n")
    return found


def spoilt(framed: bytes) -> bytes:
    """The frame with a wrong check sum."""
    right = framed[-4:-2]
    return framed[:-4] + (b"00" if right != b"00" else b"FF") + framed[-2:]
