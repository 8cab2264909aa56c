"""Lines over which a system sends: MLLP and ASTM. They take from the book what waits, in order, one at a time.

They reconnect patiently and never give up; what a fault or a device's habits do to the bytes happens here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass, field

from simhospital.settings import Charset, Habits

from . import codec, points
from .book import Book, Waiting

log = logging.getLogger("simhospital.links")
_chance = random.Random()  # noqa: S311 - habits of devices


class Broken(Exception):
    """The line is gone, or an answer did not come; the message stays in the book."""


@dataclass(slots=True)
class Link:
    """One line out. channel: its code in hospital.yaml, also the target of faults."""

    channel: str
    host: str
    port: int
    book: Book
    charset: Charset = field(default_factory=Charset)
    habits: Habits = field(default_factory=Habits)
    owner: str = ""  # the system that is down when `system-down` names it
    answer_s: float = 15.0
    patience_s: float = 30.0
    connected: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def put(self, control_id: str, type_: str, key: str, text: str) -> None:
        """Book a message and let it go when the line allows."""
        encoding = self.charset.encoding
        if strike := points.active("send-mojibake", self.channel):
            encoding = "gb18030" if encoding.lower().replace("-", "") == "utf8" else "utf-8"
            points.did(strike, control_id=control_id)
        if strike := points.active("send-poison", self.channel):
            text = f"{text}ZZ\x01|{'坏' * 3}\x0c|\x00\r"
            points.did(strike, control_id=control_id)
        self.book.write(self.channel, control_id, type_, key, text.encode(encoding, "replace"))
        if strike := points.active("send-new-id", self.channel):
            twin = f"{control_id}X"
            points.did(strike, control_id=control_id, twin=twin)
            body = text.replace(control_id, twin, 1).encode(encoding, "replace")
            self.book.write(self.channel, twin, type_, key, body)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        pause = 0.5
        try:
            while True:
                if self._held() or (waiting := self.book.waiting(self.channel)) is None:
                    await self._rest()
                    continue
                try:
                    await self._connect()
                    await self._send(waiting)
                    pause = 0.5
                except (OSError, Broken, asyncio.IncompleteReadError, TimeoutError) as error:
                    log.debug("%s: %s", self.channel, error)
                    self._drop()
                    await asyncio.sleep(pause * (0.75 + _chance.random() / 2))
                    pause = min(self.patience_s, pause * 2)
        finally:
            self._drop()

    async def _rest(self) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._wake.wait()

    def _held(self) -> bool:
        if points.active("system-down", self.owner or self.channel):
            self._drop()
            return True
        return points.active("send-silent", self.channel) is not None

    async def _connect(self) -> None:
        if self._streams is None or self._streams[1].is_closing() or self._streams[0].at_eof():
            self._drop()
            async with asyncio.timeout(10):
                self._streams = await asyncio.open_connection(self.host, self.port)
        self.connected = True

    def _drop(self) -> None:
        self.connected = False
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    @property
    def _in(self) -> asyncio.StreamReader:
        assert self._streams is not None
        return self._streams[0]

    async def _write(self, data: bytes) -> None:
        """Send the bytes; now and then in several pieces, as devices do."""
        assert self._streams is not None
        writer = self._streams[1]
        if len(data) > 8 and _chance.random() < self.habits.split:
            cuts = sorted({_chance.randrange(1, len(data)) for _ in range(3)})
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                writer.write(data[start:end])
                await writer.drain()
                await asyncio.sleep(0.02)
            return
        await self._at_once(data)

    async def _at_once(self, data: bytes) -> None:
        assert self._streams is not None
        self._streams[1].write(data)
        await self._streams[1].drain()

    async def _send(self, waiting: Waiting) -> None:
        raise NotImplementedError


class MllpLink(Link):
    """HL7 over MLLP, one message outstanding."""

    __slots__ = ()

    async def _send(self, waiting: Waiting) -> None:
        if strike := points.active("send-lost", self.channel):
            points.did(strike, control_id=waiting.control_id)
            self.book.answered(waiting.id, "lost")
            return
        if strike := points.active("send-truncated", self.channel):
            points.did(strike, control_id=waiting.control_id)
            await self._write(codec.VT + waiting.body[: len(waiting.body) // 2])
            raise Broken("sent half a message")
        self.book.tried(waiting.id)
        await self._exchange(waiting)
        twice = points.active("send-twice", self.channel)
        if twice or _chance.random() < self.habits.repeat:
            points.did(twice, control_id=waiting.control_id)
            await self._write(codec.frame(waiting.body))
            await self._answer(waiting.control_id)

    async def _exchange(self, waiting: Waiting) -> None:
        if self.channel == "dev-cbc" and _chance.random() < self.habits.tail:
            await self._at_once(codec.with_tail(waiting.body))
        else:
            await self._write(codec.frame(waiting.body, bare_end=_chance.random() < self.habits.bare_end))
        answer = await self._answer(waiting.control_id)
        code, text = answer.field("MSA", 1), answer.field("MSA", 3)
        if code in {"AA", "CA"}:
            self.book.answered(waiting.id, "acknowledged", code)
        elif code in {"AR", "CR"} or waiting.tries >= 8:
            self.book.answered(waiting.id, "refused", f"{code} {text}"[:200])
        else:
            raise Broken(f"{code} {text}")

    async def _answer(self, control_id: str) -> codec.Message:
        async with asyncio.timeout(self.answer_s):
            raw = await self._in.readuntil(codec.FS)
        body = raw[:-1].rsplit(codec.VT, 1)[-1]
        try:
            answer = codec.parse(body)
        except codec.Garbled as error:
            raise Broken(str(error)) from error
        if (about := answer.field("MSA", 2)) and about != control_id:
            raise Broken(f"an answer to {about}")
        return answer


class AstmLink(Link):
    """ASTM E1381 over TCP: ENQ, frames, EOT; a frame is sent up to six times."""

    __slots__ = ()

    async def _send(self, waiting: Waiting) -> None:
        self.book.tried(waiting.id)
        await self._bid()
        records = [r for r in waiting.body.split(b"\r") if r]
        for index, framed in enumerate(codec.astm_frames([r.decode("latin-1") for r in records], "latin-1")):
            await self._frame(framed, waiting.control_id, first=index == 0)
        await self._write(codec.EOT)
        self.book.answered(waiting.id, "acknowledged", "ACK")

    async def _byte(self) -> bytes:
        async with asyncio.timeout(self.answer_s):
            return await self._in.readexactly(1)

    async def _bid(self) -> None:
        for _ in range(6):
            await self._write(codec.ENQ)
            answer = await self._byte()
            if answer == codec.ACK:
                return
            await asyncio.sleep(1)  # NAK: busy; ENQ: contention, the other side waits longer
        raise Broken("the host does not listen")

    async def _frame(self, framed: bytes, control_id: str, *, first: bool) -> None:
        for attempt in range(6):
            bad = points.active("dev-checksum", self.channel)
            points.did(bad, control_id=control_id)
            spoil = bad or (attempt == 0 and first and _chance.random() < self.habits.bad_checksum)
            await self._write(codec.spoilt(framed) if spoil else framed)
            answer = await self._byte()
            if answer in {codec.ACK, codec.EOT}:
                return
        await self._write(codec.EOT)
        raise Broken("a frame was refused six times")
