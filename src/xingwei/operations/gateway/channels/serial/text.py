"""Instruments that send text of their own over a serial port (urine, ESR, old analysers): cut by start and end marks,
or by silence."""

from __future__ import annotations

import asyncio
from typing import cast

from ...engine.documents.charsets import choose, codec_of
from ..base import ChannelConfig, Intake, Overloaded, Received
from .port import Port


class TextListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        self.channel = channel
        self.intake = intake
        self._port = Port(channel, intake, lambda: _Text(self))
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._port.open()
        self._port.watch()

    async def stop(self) -> None:
        await self._port.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3)

    def lost(self) -> None:
        self._port.lost()

    def take(self, raw: bytes, problem: str, transport: asyncio.WriteTransport) -> None:
        task = asyncio.create_task(self._store(raw, problem, transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store(self, raw: bytes, problem: str, transport: asyncio.WriteTransport) -> None:
        s = self.channel.settings
        charset = choose(raw, codec_of(str(s.get("charset") or "")))
        device = str(s["device"])
        try:
            await self.intake.accept(
                Received(raw, type=str(s.get("type") or "TEXT"), charset=charset, peer=device, problem=problem)
            )
        except Overloaded as overloaded:
            self.intake.trouble(overloaded.reason)  # not answered: the instrument keeps its result
            return
        if reply := bytes.fromhex(str(s.get("reply") or "")):
            transport.write(reply)


class _Text(asyncio.Protocol):
    def __init__(self, listener: TextListener) -> None:
        s = listener.channel.settings
        self._listener = listener
        self._start = bytes.fromhex(str(s.get("start") or ""))
        self._end = bytes.fromhex(str(s.get("end") or ""))
        self._gap_s = float(s.get("gap_s", 1))
        self._limit = int(float(s.get("limit_mb", 1)) * 2**20)
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._listener.intake.connections(+1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.intake.connections(-1)
        self._silence()
        self._listener.lost()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._end and (at := self._buffer.find(self._end)) >= 0:
            piece = bytes(self._buffer[: at + len(self._end)])
            del self._buffer[: len(piece)]
            self._give(piece, whole=True)
        if len(self._buffer) > self._limit:
            self._give(bytes(self._buffer[: self._limit]), whole=False)
            self._buffer.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._gap_s, self._silence)

    def _silence(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._buffer:
            piece = bytes(self._buffer)
            self._buffer.clear()
            self._give(piece, whole=not self._end)

    def _give(self, piece: bytes, *, whole: bool) -> None:
        at = piece.find(self._start) if self._start else 0
        if not piece.strip(b"\r\n\x00 "):
            return
        problem = "" if whole and at >= 0 else "报文不完整：没有开始符或结束符，或超过长度上限。"
        self._listener.take(piece[at:] if at > 0 else piece, problem, self._transport)
