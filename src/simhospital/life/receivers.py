"""Systems that receive over MLLP: store, then answer AA, AE or AR; a repeat gets the answer that it had."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simhospital.settings import Habits

from . import codec, points
from .book import Book, digest

log = logging.getLogger("simhospital.receivers")
_chance = random.Random()  # noqa: S311 - habits of systems
LONGEST = 4 * 2**20
Handle = Callable[[codec.Message, bytes], Awaitable[str]]


class Refused(Exception):
    """The system does not take the message: AR (for good), or AE (come back later) where later is set."""

    def __init__(self, text: str, *, later: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.later = later


@dataclass(slots=True)
class Receiver:
    """One MLLP server. code: of the system, the target of faults. handle: returns a word for the log, raises Refused.

    foreign: takes bytes that are no HL7 (ASTM records, JSON) and returns (control id, type, key), or None.
    """

    code: str
    host: str
    port: int
    book: Book
    handle: Handle
    habits: Habits = field(default_factory=Habits)
    foreign: Callable[[bytes], tuple[str, str, str] | None] | None = None
    taken: int = 0
    _server: asyncio.Server | None = None
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._line, self.host, self.port, limit=LONGEST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every line."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._lines):
            writer.close()

    async def run(self) -> None:
        """Keep listening until cancelled; away while `system-down` is on."""
        try:
            while True:
                down = points.active("system-down", self.code)
                if down and self._server is not None:
                    points.did(down, system=self.code)
                    await self.stop()
                elif not down and self._server is None:
                    with contextlib.suppress(OSError):
                        await self.start()
                await asyncio.sleep(0.5)
        finally:
            await self.stop()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            if strike := points.active("mllp-close", self.code):
                points.did(strike, system=self.code)
                return
            while True:
                while points.active("mllp-half-open", self.code):
                    await asyncio.sleep(0.5)
                raw = await reader.readuntil(codec.FS)
                if codec.VT in raw:
                    await self._message(raw[:-1].rsplit(codec.VT, 1)[1], writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, _Hang):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _message(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        if strike := points.active("mllp-lose", self.code):
            points.did(strike, system=self.code, digest=digest(body))
            raise _Hang
        answer = await self._answer(body)
        if answer is None:
            return
        if strike := points.active("mllp-hang", self.code):
            points.did(strike, system=self.code, digest=digest(body))
            return
        if strike := points.active("mllp-garbage", self.code):
            points.did(strike, system=self.code)
            answer = b"\x00\xffERR 0x80004005\r"
        await self._wait()
        writer.write(codec.frame(answer))
        await writer.drain()

    async def _wait(self) -> None:
        if slow := points.active("mllp-slow", self.code):
            points.did(slow, system=self.code)
            await asyncio.sleep(float(slow.get("seconds", 8)))
        elif _chance.random() < self.habits.late_ack:
            await asyncio.sleep(self.habits.late_ack_s)

    async def _answer(self, body: bytes) -> bytes | None:
        """What to answer, once the message is in the book; None: nothing can be answered to such bytes."""
        try:
            message = codec.parse(body)
        except codec.Garbled:
            return await self._strange(body)
        control_id = message.control_id or digest(body)
        if (known := self.book.known(self.code, control_id, body)) is not None:
            return known
        for name, code in (("mllp-refuse", "AE"), ("mllp-reject", "AR")):
            if strike := points.active(name, self.code):
                points.did(strike, system=self.code, control_id=control_id)
                return self._ack(message, code, str(strike.get("text", "系统忙，请稍后再试")))
        if message.field("MSH", 11, 1) == "T":  # somebody tries the line: answered, never kept or counted
            return self._ack(message, "AA")
        key = message.field("PID", 3, 1)
        try:
            await self.handle(message, body)
        except Refused as refused:
            answer = self._ack(message, "AE" if refused.later else "AR", refused.text)
            if not refused.later:
                self.book.took(self.code, control_id, message.type, key, body, answer, "refused")
            return answer
        answer = self._ack(message, "AA")
        self.book.took(self.code, control_id, message.type, key, body, answer)
        self.taken += 1
        return answer

    def _ack(self, message: codec.Message, code: str, text: str = "") -> bytes:
        about = ""
        if strike := points.active("mllp-wrong-ack", self.code):
            points.did(strike, system=self.code, control_id=message.control_id)
            about = f"{message.control_id}9"
        return codec.acknowledgement(message, code, text, about, datetime.now())  # noqa: DTZ005 - as devices write it

    async def _strange(self, body: bytes) -> bytes | None:
        found = self.foreign(body) if self.foreign else None
        control_id, type_, key = found or ("", "", "")
        code = "AA" if found else "AR"
        head = f"MSH|^~\\&|{self.code.upper()}||||||ACK|A{control_id}|P|2.4\rMSA|{code}|{control_id}\r".encode()
        if (known := self.book.known(self.code, control_id or digest(body), body)) is not None:
            return known
        self.book.took(self.code, control_id or digest(body), type_, key, body, head, "taken" if found else "refused")
        self.taken += bool(found)
        return head


class _Hang(Exception):
    """The line is to be closed without an answer."""


async def nothing(message: codec.Message, body: bytes) -> str:
    """A system that only keeps what it gets."""
    return message.type


def told(receivers: list[Receiver]) -> dict[str, Any]:
    """How many messages each has taken since it was started."""
    return {r.code: r.taken for r in receivers}
