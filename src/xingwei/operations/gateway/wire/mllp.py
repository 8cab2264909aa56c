"""MLLP: VT, the message, FS, CR. Bytes in as the network splits them, frames out. Pure.

What is wrong never stops the line: the reader finds the next frame by itself, keeps no more than its limit in
memory, and names the flaw, so that nothing that came is lost without a trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VT, FS, CR = b"\x0b", b"\x1c", b"\r"
_VT, _FS, _CR, _LF = 0x0B, 0x1C, 0x0D, 0x0A
LIMIT = 16 * 1024 * 1024

Flaw = Literal["", "tail", "no_start", "no_end", "outside", "oversize"]

FLAWS: dict[Flaw, str] = {
    "tail": "报文结束符之后还有内容，段的次序可能已乱",
    "no_start": "报文前没有开始符（VT）",
    "no_end": "报文没有结束符（FS）",
    "outside": "报文之外的字节",
    "oversize": "报文超过长度上限，只保留了前面一段",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """body: what stood between VT and FS; with the flaw `tail` also FS, CR and what followed up to the next VT.

    tail: segments came after the end, as the Erba ELite 580 sends them; no_start, no_end: a start or end is missing;
    outside: bytes that belong to no frame; oversize: longer than the limit, only its beginning is kept.
    """

    body: bytes
    flaw: Flaw = ""


def frame(body: bytes) -> bytes:
    """The bytes that go on the line."""
    return b"\x0b" + body + b"\x1c\r"


class Reader:
    """One for each connection. `feed` returns the frames that came to their end; `close` what was left."""

    __slots__ = ("_buffer", "_inside", "_skipping", "limit")

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._inside = False  # a VT was seen and no end yet
        self._skipping = False  # the rest of an oversize frame

    @property
    def pending(self) -> int:
        """Bytes held of a frame that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        if not self._buffer and not self._inside and not self._skipping and data[:1] == VT:
            end = len(data) - 2  # one whole frame in one read: the usual case
            if data[end:] == b"\x1c\r" and data.find(FS) == end and data.find(VT, 1) < 0 and end <= self.limit:
                return [Frame(data[1:end])]
        self._buffer += data
        frames: list[Frame] = []
        while self._step(frames):
            pass
        return frames

    def close(self) -> list[Frame]:
        """The connection has ended."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        inside, self._inside = self._inside, False
        if self._skipping or not rest.strip(b"\r\n \0"):
            self._skipping = False
            return []
        return [Frame(rest, "no_end" if inside or rest.startswith(b"MSH") else "outside")]

    def _step(self, frames: list[Frame]) -> bool:
        """One frame or one piece of noise; False where more bytes are needed."""
        if self._skipping:
            return self._skip()
        if not self._inside:
            return self._between(frames)
        end, start = self._buffer.find(FS), self._buffer.find(VT)
        if start >= 0 and (end < 0 or start < end):
            frames.append(Frame(bytes(self._buffer[:start]), "no_end"))
            del self._buffer[: start + 1]
            return True
        if end < 0:
            return self._too_long(frames)
        if end > self.limit:
            self._cut(frames)
            return True
        self._inside = False
        self._finish(frames, end)
        return True

    def _finish(self, frames: list[Frame], end: int, flaw: Flaw = "") -> None:
        """A frame ends at `end`; what follows in the same read without a VT belongs to it."""
        buffer = self._buffer
        after = end + 1
        while after < len(buffer) and buffer[after] in (_CR, _LF):
            after += 1
        start = buffer.find(VT, after)
        stop = len(buffer) if start < 0 else start
        if stop > after and bytes(buffer[after:stop]).strip(b"\r\n \0\x1c"):
            stop = min(stop, self.limit)
            frames.append(Frame(bytes(buffer[:stop]), "tail"))
            del buffer[:stop]
        else:
            frames.append(Frame(bytes(buffer[:end]), flaw))
            del buffer[:stop]

    def _between(self, frames: list[Frame]) -> bool:
        """Between frames: up to the next VT, or a message that forgot it."""
        buffer = self._buffer
        start = buffer.find(VT)
        end = buffer.find(FS)
        if end >= 0 and (start < 0 or end < start) and bytes(buffer[:end]).lstrip(b"\r\n \0").startswith(b"MSH"):
            if end > self.limit:
                self._cut(frames)
            else:
                self._finish(frames, end, "no_start")
            return True
        if start < 0:
            if not buffer.lstrip(b"\r\n \0\x1c"):
                buffer.clear()
            elif not bytes(buffer[:64]).lstrip(b"\r\n \0").startswith(b"MSH"):
                frames.append(Frame(bytes(buffer[: self.limit]), "outside"))
                buffer.clear()
            else:
                return self._too_long(frames)
            return False
        noise = bytes(buffer[:start])
        del buffer[: start + 1]
        self._inside = True
        if noise.strip(b"\r\n \0\x1c"):
            frames.append(Frame(noise[: self.limit], "no_end" if noise.lstrip().startswith(b"MSH") else "outside"))
        return True

    def _too_long(self, frames: list[Frame]) -> bool:
        if len(self._buffer) <= self.limit:
            return False
        self._cut(frames)
        return True

    def _cut(self, frames: list[Frame]) -> None:
        frames.append(Frame(bytes(self._buffer[: self.limit]), "oversize"))
        del self._buffer[: self.limit]
        self._inside, self._skipping = False, True

    def _skip(self) -> bool:
        """Throw away up to the end of the oversize frame, or to the next start."""
        end, start = self._buffer.find(FS), self._buffer.find(VT)
        if end < 0 and start < 0:
            self._buffer.clear()
            return False
        self._skipping = False
        if start >= 0 and (end < 0 or start < end):
            del self._buffer[:start]
        else:
            del self._buffer[: end + 1]
        return True
