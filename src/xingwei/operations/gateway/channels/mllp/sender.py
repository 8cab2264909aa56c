"""The way out: lines that stay open, one message on each at a time, its acknowledgement compared by MSA-2."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import cast

from ...wire import hl7
from ...wire.hl7 import Ack, Hl7Error
from ...wire.mllp import Reader, frame
from ..base import Answer, ChannelConfig, NotSent, Outgoing, Unknown, left

_ANSWER_LIMIT = 1024 * 1024


class MllpSender:
    """As many lines as sends are under way at once; a line whose answer did not come in time is closed, so that a
    late one is never taken for the next one's (F13)."""

    def __init__(self, channel: ChannelConfig) -> None:
        settings = channel.settings
        self.channel = channel
        self.repeatable = bool(settings.get("repeatable", True))
        self._host, self._port = str(settings.get("host") or "127.0.0.1"), int(settings["port"])
        self._connect_s = float(settings.get("connect_s", 5))
        self._lenient = settings.get("match") == "lenient"
        self._free: list[_Line] = []
        self._all: set[_Line] = set()

    @property
    def lines(self) -> int:
        return len(self._all)

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        if b"\x1c" in outgoing.raw or b"\x0b" in outgoing.raw:
            text = "报文里有 MLLP 的开始符或结束符，发出去会被截断：请用规则去掉"
            return Answer(ok=False, permanent=True, code="frame", text=text)
        try:
            wanted = hl7.head(outgoing.raw).control_id
        except Hl7Error:
            wanted = outgoing.control_id
        line = await self._line(deadline)
        good = False
        try:
            ack, raw = await line.exchange(frame(outgoing.raw), wanted, self._lenient, deadline)
            good = True
        finally:
            if good and not line.lost:
                self._free.append(line)
            else:
                line.close()
        return Answer(
            ok=ack.code[1] == "A",
            permanent=ack.code[1] == "R",
            code=ack.code,
            text=ack.text[:500],
            raw=raw,
        )

    async def close(self) -> None:
        for line in list(self._all):
            line.close()
        self._free.clear()

    async def _line(self, deadline: float) -> _Line:
        while self._free:
            line = self._free.pop()
            if not line.lost:
                return line
        where = f"{self._host}:{self._port}"
        try:
            async with asyncio.timeout(min(self._connect_s, left(deadline))):
                _, line = await asyncio.get_running_loop().create_connection(
                    lambda: _Line(self._all, self.channel.charset), self._host, self._port
                )
        except TimeoutError:
            raise NotSent(f"连接 {where} 超时") from None
        except OSError as error:
            raise NotSent(f"连不上 {where}（{error.strerror or error}）") from None
        return line


class _Line(asyncio.Protocol):
    def __init__(self, all_lines: set[_Line], charset: str) -> None:
        self.lost = False
        self._all = all_lines
        self._charset = charset
        self._reader = Reader(_ANSWER_LIMIT)
        self._transport: asyncio.Transport
        self._waiting: asyncio.Future[tuple[Ack, bytes]] | None = None
        self._wanted = ""
        self._lenient = False

    async def exchange(self, message: bytes, wanted: str, lenient: bool, deadline: float) -> tuple[Ack, bytes]:
        """Raises Unknown: the message has left, and no answer to it came."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[tuple[Ack, bytes]] = loop.create_future()
        self._waiting = waiting
        self._wanted, self._lenient = wanted, lenient
        timer = loop.call_later(max(0.001, deadline - time.monotonic()), self._late)
        self._transport.write(message)
        try:
            return await waiting
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        self.lost = True
        self._all.discard(self)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._all.add(self)
        if (line := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        for found in self._reader.feed(data):
            try:
                ack = hl7.read_ack(found.body, self._charset)
            except Hl7Error as error:
                self._fail(Unknown(f"对方的应答读不懂：{error}"))
                return
            if self._waiting is None or self._waiting.done():
                continue  # nobody asked: an application acknowledgement after the commit one, or an echo
            if ack.control_id == self._wanted or (self._lenient and not ack.control_id):
                self._waiting.set_result((ack, found.body))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._all.discard(self)
        self._fail(Unknown("对方在应答之前断开了连接"))

    def _late(self) -> None:
        self._fail(Unknown("对方没有在时限内应答", timeout=True))

    def _fail(self, reason: Unknown) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(reason)
