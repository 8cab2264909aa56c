"""The way in: stored, then acknowledged; one message of a line after the other, lines beside one another."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import logging
import time
from collections import deque
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from ...wire import hl7
from ...wire.hl7 import Head, Hl7Error
from ...wire.mllp import FLAWS, LIMIT, Frame, Reader, frame
from ..base import CallFailed, ChannelConfig, ChannelProblem, Intake, Overloaded, Received, not_listening

log = logging.getLogger(__name__)

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_QUEUED_MAX = 64  # frames of one line that wait; then nothing more is read from it
_BYTES_MAX = 8 * 1024 * 1024
_own_ids = itertools.count(1)
_PREFIX = f"XW{int(time.time()):X}"

_PARTIAL = ("no_end", "outside", "oversize")
"""What is not whole has no control id of its own: the repeat in full must not be taken for another content."""


class MllpListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        settings = channel.settings
        self.channel = channel
        self.intake = intake
        self.limit = int(float(settings.get("limit_mb", LIMIT / 2**20)) * 2**20)
        self.most = int(settings.get("connections", 200))
        self.frame_s = float(settings.get("frame_s", 60))
        self.allowed = _networks(settings.get("allow") or [])
        self.lines: set[_Line] = set()
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens (for port 0: the one that the system chose)."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        host, port = str(self.channel.settings.get("host") or "127.0.0.1"), int(self.channel.settings["port"])
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Line(self), host, port, backlog=512, reuse_address=True
            )
        except OSError as error:
            raise not_listening(host, port, error) from None
        self._watch = asyncio.create_task(self._watch_lines())

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
        lines = list(self.lines)
        for line in lines:
            line.finish()
        if lines:
            await asyncio.wait([line.task for line in lines], timeout=3)
        for line in lines:
            line.drop()

    async def _watch_lines(self) -> None:
        """A message that comes in drops is not waited for for ever."""
        while True:
            await asyncio.sleep(min(5.0, self.frame_s))
            now = time.monotonic()
            for line in list(self.lines):
                if line.reader.pending and now - line.began > self.frame_s:
                    self.intake.trouble("报文没有在时限内收完")
                    line.end("报文没有在时限内收完")


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, listener: MllpListener) -> None:
        self.listener = listener
        self.reader = Reader(listener.limit)
        self.began = 0.0
        self.peer = ""
        self.task: asyncio.Task[None]
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._transport: asyncio.Transport
        self._awake: asyncio.Future[None] | None = None
        self._paused = self._closing = self._counted = False

    # The transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        address = self._transport.get_extra_info("peername") or ("",)
        self.peer = str(address[0])
        listener = self.listener
        if len(listener.lines) >= listener.most or not _may(self.peer, listener.allowed):
            listener.intake.trouble("连接被拒绝：数量已满或来源不在允许之列")
            self._closing = True
            self.task = asyncio.create_task(asyncio.sleep(0))
            self._transport.abort()
            return
        self._counted = True
        listener.lines.add(self)
        listener.intake.connections(+1)
        self.task = asyncio.create_task(self._work())

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if not self.reader.pending:
            self.began = time.monotonic()
        if found := self.reader.feed(data):
            self.began = time.monotonic()
            self._take(found)

    def eof_received(self) -> bool:
        self._take(self.reader.close())
        self.finish()
        return True  # what came in is answered before the line is closed

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted:
            self._counted = False
            self.listener.intake.connections(-1)
        self._take(self.reader.close())
        self._closing = True
        self._wake()

    # From outside

    def finish(self) -> None:
        """Nothing more is read; what is queued is stored and answered."""
        self._closing = True
        self._wake()

    def end(self, reason: str) -> None:
        """The sender does not finish: what came of it is kept, the line is closed."""
        self._take(self.reader.close())
        self.finish()

    def drop(self) -> None:
        if not self._transport.is_closing():
            self._transport.abort()
        self.task.cancel()

    # Work

    def _take(self, frames: list[Frame]) -> None:
        if not frames:
            return
        self._frames.extend(frames)
        self._bytes += sum(len(f.body) for f in frames)
        if not self._paused and (len(self._frames) > _QUEUED_MAX or self._bytes > _BYTES_MAX):
            self._paused = True
            with contextlib.suppress(RuntimeError):
                self._transport.pause_reading()
        self._wake()

    def _wake(self) -> None:
        if self._awake is not None and not self._awake.done():
            self._awake.set_result(None)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                if not self._frames:
                    if self._closing:
                        return
                    self._awake = loop.create_future()
                    await self._awake
                    self._awake = None
                    continue
                found = self._frames.popleft()
                self._bytes -= len(found.body)
                if not await self._handle(found):
                    return
                if self._paused and len(self._frames) <= _QUEUED_MAX // 2:
                    self._paused = False
                    with contextlib.suppress(RuntimeError):
                        self._transport.resume_reading()
        except Exception:
            log.exception("a line of %s", self.listener.channel.code)
        finally:
            self.listener.lines.discard(self)
            if not self._transport.is_closing():
                self._transport.close()

    async def _handle(self, found: Frame) -> bool:
        """Store it, then answer; False where the line must be closed without an answer."""
        received, head = read(found, self.listener.channel, self.peer)
        intake = self.listener.intake
        try:
            if self.listener.channel.call and not received.problem:
                answer: bytes | None = await intake.call(received)
            else:
                answer = await intake.accept(received)
        except Overloaded as overloaded:
            if overloaded.unsure or head is None:
                return False
            answer = hl7.acknowledge(head, "AE", own_id(), overloaded.reason)
        except CallFailed as failed:
            if head is None:
                return False
            answer = hl7.acknowledge(head, "AR" if failed.outcome == "refused" else "AE", own_id(), failed.reason)
        if answer and not self._transport.is_closing():
            self._transport.write(frame(answer))
        return True


def read(found: Frame, channel: ChannelConfig, peer: str) -> tuple[Received, Head | None]:
    """What the gateway keeps of a frame, with the acknowledgement that it will get once it is committed."""
    problem = FLAWS[found.flaw] if found.flaw else ""
    if found.flaw == "tail" and channel.settings.get("after_end") == "accept":
        problem = ""
    try:
        head = hl7.head(found.body)
    except Hl7Error as error:
        return _unreadable(found, problem or str(error), peer), None
    facts = hl7.facts(found.body, head, channel.charset)
    control_id = "" if found.flaw in _PARTIAL else head.control_id
    if not control_id and not problem:
        problem = "报文没有控制号（MSH-10）"
    received = Received(
        found.body, control_id, head.type, facts.key, facts.patient, facts.reference, facts.event_at, facts.codec, peer,
        problem,
    )  # fmt: skip
    code = "AR" if found.flaw == "oversize" or (not control_id and not found.flaw) else "AA"
    if found.flaw not in ("no_end", "outside") and hl7.wants_answer(head, code == "AA"):
        text = problem if code == "AR" else ""
        received.answer = hl7.acknowledge(head, code, own_id(), text, datetime.now(_SHANGHAI))
    return received, head


def _unreadable(found: Frame, problem: str, peer: str) -> Received:
    """No MSH: to quarantine; a frame is refused, noise between frames is not answered."""
    received = Received(found.body, peer=peer, problem=problem)
    if found.flaw not in ("no_end", "outside"):
        received.answer = hl7.acknowledge(_NOBODY, "AR", own_id(), problem, datetime.now(_SHANGHAI))
    return received


_NOBODY = hl7.head(b"MSH|^~\\&|||||||ACK||P|2.4||||||UNICODE UTF-8\r")


def own_id() -> str:
    """A control id for an acknowledgement of ours."""
    return f"{_PREFIX}{next(_own_ids)}"


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(allowed: list[str]) -> list[_Network]:
    try:
        return [ipaddress.ip_network(text, strict=False) for text in allowed]
    except ValueError as error:
        raise ChannelProblem(f"允许的来源写得不对（{error}）：应是 IP 或网段，如 10.1.2.0/24。") from None


def _may(peer: str, allowed: list[_Network]) -> bool:
    if not allowed:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in allowed)
