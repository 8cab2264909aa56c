"""ASTM E1381-95 / LIS01-A2: how an instrument and a host pass frames over a line. Pure: bytes and seconds in, actions out.

A session: ENQ, then frames `STX n text ETB|ETX c1 c2 CR LF`, each answered by ACK or NAK, then EOT. n counts 1…7,0,1…;
c1 c2 are the sum of all bytes from n to ETB or ETX, modulo 256, in hexadecimal (LIS01-A2 6.3.1). A frame with a wrong
sum or number is answered by NAK and sent again, at most six times (6.5.1.1). Where both send ENQ at once, the
instrument has priority: the host gives way (6.2.7.1). Times: 15 s for a reply, 30 s for the next frame, 10 s after a
NAK to ENQ, 20 s (host) or 1 s (instrument) after contention (6.5.2). They are data: `Times`.

The last frame of a message is acknowledged only after the caller has stored it: `Receiver` hands out `Message` and
goes on when `settle` is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ENQ, ACK, NAK, EOT, STX, ETX, ETB = b"\x05", b"\x06", b"\x15", b"\x04", b"\x02", b"\x03", b"\x17"
_HEX = re.compile(rb"[0-9A-Fa-f]{2}")
_CONTROLS = re.compile(rb"[\x05\x02\x04]")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, and how often a frame is sent again (LIS01-A2 6.5)."""

    reply_s: float = 15
    frame_s: float = 30
    busy_s: float = 10
    contention_s: float = 20
    retries: int = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """text: bytes of one frame's text (240 in E1381, 64,000 in LIS01-A2). message: bytes of one message."""

    text: int = 64_000
    message: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to put on the line."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Records of one message, without frames, as they came. problem: not empty where it is incomplete (Chinese).
    held: its last frame waits for `settle`."""

    text: bytes
    problem: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is no good frame, in Chinese; never with the bytes, which may name a patient."""

    reason: str


Action = Send | Message | Trouble


def checksum(body: bytes) -> bytes:
    """body: from the frame number to ETB or ETX, both included."""
    return b"%02X" % (sum(body) & 0xFF)


def frame(number: int, text: bytes, *, last: bool) -> bytes:
    body = b"%d" % (number % 8) + text + (ETX if last else ETB)
    return STX + body + checksum(body) + b"\r\n"


def frames(text: bytes, size: int = 240, *, by_record: bool = True) -> list[bytes]:
    """A message as frames. by_record: each record ends a frame, as E1381 asks; otherwise frames are filled."""
    records = [record for record in re.findall(rb"[^\r]*\r|[^\r]+$", text) if record] if by_record else [text]
    pieces: list[tuple[bytes, bool]] = []
    for record in records:
        cuts = [record[at : at + size] for at in range(0, len(record), size)]
        pieces.extend((cut, at == len(cuts) - 1) for at, cut in enumerate(cuts))
    return [frame(number, piece, last=last) for number, (piece, last) in enumerate(pieces, 1)]


class Receiver:
    """The receiving side. `feed` and `tick` give what is to be done; after a held Message nothing more is read until
    `settle`. strict: frames with a wrong check sum are refused (some instruments send none: False). ordered: frame
    numbers must follow one another (Horiba's Yumizen counts as it likes: False)."""

    def __init__(
        self,
        times: Times | None = None,
        limits: Limits | None = None,
        *,
        strict: bool = True,
        ordered: bool = True,
        needs_enq: bool = True,
    ) -> None:
        self._times = times or Times()
        self._limits = limits or Limits()
        self._strict = strict
        self._ordered = ordered
        self._needs_enq = needs_enq
        self._last = b""
        self._buffer = bytearray()
        self._text = bytearray()
        self._receiving = False
        self._expected = 1
        self._accepted = -1
        self._pending: bytes | None = None
        self._until: float | None = None
        self._skipping = False

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do; on the clock of `now`."""
        return None if self._pending is not None else self._until

    @property
    def receiving(self) -> bool:
        return self._receiving

    def feed(self, data: bytes, now: float) -> list[Action]:
        self._buffer += data
        return [] if self._pending is not None else list(self._run(now))

    def tick(self, now: float) -> list[Action]:
        """The sender has gone silent in the middle: what it began is given out as incomplete."""
        if self._until is None or now < self._until or self._pending is not None:
            return []
        return [*self._abandon("等待下一帧超时"), *self._run(now)]

    def settle(self, stored: bool, now: float) -> list[Action]:
        """The held message is stored (its frame is acknowledged) or is not (NAK: the sender tries again)."""
        assert self._pending is not None
        kept, self._pending = self._pending, None
        out: list[Action] = []
        if stored:
            self._text.clear()
            self._advance()
            out.append(Send(ACK))
        else:
            self._text[:] = kept
            out.append(Send(NAK))
        self._until = now + self._times.frame_s
        return [*out, *self._run(now)]

    def close(self) -> list[Action]:
        """The line is gone."""
        return self._abandon("连接中断") if self._receiving or self._text else []

    def _advance(self) -> None:
        self._accepted = self._expected
        self._expected = (self._expected + 1) % 8

    def _abandon(self, why: str) -> list[Action]:
        text = bytes(self._text)
        self._text.clear()
        self._buffer.clear()
        self._receiving, self._until, self._skipping = False, None, False
        return [Message(text, f"ASTM 消息不完整：{why}。")] if text else []

    def _run(self, now: float) -> Iterator[Action]:
        """Takes one thing after another off the buffer, until more bytes are needed or a message is held."""
        while self._buffer and self._pending is None:
            head = bytes(self._buffer[:1])
            if self._skipping:
                yield from self._skip()
            elif head == ENQ:
                del self._buffer[:1]
                yield from self._enquiry(now)
            elif head == EOT:
                del self._buffer[:1]
                yield from self._end()
            elif head == STX and (self._receiving or not self._needs_enq):
                if not self._receiving:
                    self._start(now)
                size = len(self._buffer)
                yield from self._frame(now)
                if len(self._buffer) == size:
                    return
            else:
                yield from self._noise()

    def _start(self, now: float) -> None:
        self._receiving, self._expected, self._accepted = True, 1, -1
        self._until = now + self._times.frame_s

    def _enquiry(self, now: float) -> Iterator[Action]:
        if self._receiving and self._text:
            text = bytes(self._text)
            self._text.clear()
            yield Message(text, "ASTM 消息不完整：对方中途重新开始了会话。")
        self._start(now)
        yield Send(ACK)

    def _end(self) -> Iterator[Action]:
        text = bytes(self._text)
        self._text.clear()
        self._receiving, self._until = False, None
        if text:
            yield Message(text, "ASTM 消息不完整：会话结束时没有 L 记录。")

    def _noise(self) -> Iterator[Action]:
        """Bytes outside a frame, up to the next control byte; CR and LF mean nothing."""
        found = re.search(rb"[\x02\x04\x05]", self._buffer[1:])
        end = found.start() + 1 if found else len(self._buffer)
        gone = bytes(self._buffer[:end])
        del self._buffer[:end]
        if not (rest := gone.strip(b"\r\n\x00 ")) or (not self._strict and _HEX.fullmatch(rest)):
            return
        yield Trouble(f"收到 {end} 字节不在帧内的数据，已丢弃。")

    def _skip(self) -> Iterator[Action]:
        """After an oversize frame: until its end, or until the sender starts again."""
        found = re.search(rb"[\x03\x17\x04\x05]", self._buffer)
        if found is None:
            self._buffer.clear()
            return
        self._skipping = False
        del self._buffer[: found.start() + (0 if found[0] in (EOT, ENQ) else 1)]
        if found[0] not in (EOT, ENQ):
            yield Send(NAK)

    def _frame(self, now: float) -> Iterator[Action]:
        """A frame at the head of the buffer, if it is whole."""
        found = re.search(rb"[\x03\x17]", self._buffer)
        broken = _CONTROLS.search(self._buffer, 1, found.start() if found else len(self._buffer))
        if broken is not None:
            del self._buffer[: broken.start()]
            yield Trouble("一帧没有收完，对方就重新开始了。")
            return
        if found is None or len(self._buffer) < found.end() + (2 if self._strict else 0):
            if len(self._buffer) > self._limits.text + 8:
                self._buffer.clear()
                self._skipping = True
                yield Trouble(f"一帧超过 {self._limits.text} 字节，已拒绝。")
            return
        body = bytes(self._buffer[1 : found.end()])
        told = bytes(self._buffer[found.end() : found.end() + 2])
        end = found.end() + (2 if _HEX.fullmatch(told) else 0)
        while bytes(self._buffer[end : end + 1]) in (b"\r", b"\n"):
            end += 1
        del self._buffer[:end]
        self._until = now + self._times.frame_s
        yield from self._judge(body, told)

    def _judge(self, body: bytes, told: bytes) -> Iterator[Action]:
        number, text = body[:1], body[1:-1]
        if self._strict and told.upper() != checksum(body):
            yield Send(NAK)
            yield Trouble("帧校验和不对，已要求重发。")
        elif not number.isdigit() or len(text) > self._limits.text:
            yield Send(NAK)
            yield Trouble("帧格式不对（帧号或长度），已要求重发。")
        elif int(number) == self._accepted and (self._ordered or text == self._last):
            yield Send(ACK)  # our last ACK was lost: the frame is here already
        elif self._ordered and int(number) != self._expected:
            yield Send(NAK)
            yield Trouble(f"帧号应是 {self._expected}，来的是 {int(number)}，已要求重发。")
        elif len(self._text) + len(text) > self._limits.message:
            yield Send(NAK)
            yield Trouble(f"一条消息超过 {self._limits.message} 字节，已拒绝。")
        else:
            self._expected, self._last = int(number), text if not self._ordered else b""
            yield from self._take(text, ends=body[-1:] == ETX)

    def _take(self, text: bytes, *, ends: bool) -> Iterator[Action]:
        before = bytes(self._text)
        self._text += text
        if ends and _complete(self._text):
            self._pending = before
            yield Message(bytes(self._text), held=True)
        else:
            self._advance()
            yield Send(ACK)


def _complete(text: bytes | bytearray) -> bool:
    """The last record is a terminator record."""
    end = len(bytes(text).rstrip(b"\r\n"))
    return text[max(text.rfind(b"\r", 0, end), text.rfind(b"\n", 0, end)) + 1 : end][:1] == b"L"
