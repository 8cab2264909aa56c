"""One line to an instrument, over TCP or a serial port: receives sessions, and sends between them.

What comes in is stored before its last frame is acknowledged. Sending waits until nothing is being received; where both
sides start at once, the instrument has its way (wire.astm_frames).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from ...wire import astm_frames as frames
from ...wire.astm_records import messages, summary
from ...wire.astm_sender import Done, Failed, GiveWay, Sender, SenderAction
from ..base import Answer, ChannelConfig, Intake, NotSent, Overloaded, Received, Unknown, left

log = logging.getLogger(__name__)

_QUEUED_BYTES = 1024 * 1024
REPLY_S = 60.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a line is spoken: from a channel's settings."""

    times: frames.Times = field(default_factory=frames.Times)
    limits: frames.Limits = field(default_factory=frames.Limits)
    strict: bool = True
    ordered: bool = True
    needs_enq: bool = True
    frame_size: int = 240
    by_record: bool = True
    host: bool = True

    @classmethod
    def of(cls, channel: ChannelConfig) -> Manner:
        s = channel.settings
        times = frames.Times(
            reply_s=float(s.get("reply_s", 15)),
            frame_s=float(s.get("frame_s", 30)),
            busy_s=float(s.get("busy_s", 10)),
            contention_s=float(s.get("contention_s", 20)),
            retries=int(s.get("retries", 6)),
        )
        return cls(
            times,
            frames.Limits(int(s.get("frame_limit", 64_000)), int(float(s.get("limit_mb", 4)) * 2**20)),
            strict=s.get("checksum", "required") != "ignore",
            ordered=s.get("numbers", "strict") != "any",
            needs_enq=not s.get("without_enq", False),
            frame_size=int(s.get("frame_size", 240)),
            by_record=s.get("frame_by", "record") != "message",
            host=s.get("role", "host") != "instrument",
        )


class Wire(Protocol):
    """A transport: TCP's or a serial port's."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


@dataclass(slots=True)
class _Errand:
    """Something to send. over: it has been told what became of it."""

    sender: Sender
    done: asyncio.Future[Done | Failed]
    deadline: float
    started: bool = False


class Link(asyncio.Protocol):
    """intake: None where nothing is expected to come in. ended: called once when the line is gone."""

    def __init__(
        self, channel: ChannelConfig, intake: Intake | None, peer: str = "", ended: Callable[[Link], None] | None = None
    ) -> None:
        self.channel = channel
        self.intake = intake
        self.manner = Manner.of(channel)
        self.peer = peer
        self.open = False
        self._ended = ended
        self._wire: Wire | None = None
        self._inbox: asyncio.Queue[bytes | _Errand | None] = asyncio.Queue()
        self._queued = 0
        self._paused = False
        self._errands: list[_Errand] = []
        self._replies: set[asyncio.Task[None]] = set()
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None
        m = self.manner
        self._receiver = frames.Receiver(m.times, m.limits, strict=m.strict, ordered=m.ordered, needs_enq=m.needs_enq)

    # the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(Wire, transport)
        address = transport.get_extra_info("peername")
        if address and not self.peer:
            self.peer = str(address[0])
        self.open = True
        if self.intake is not None:
            self.intake.connections(+1)
        self._task = asyncio.get_running_loop().create_task(self._work())

    def data_received(self, data: bytes) -> None:
        self._queued += len(data)
        self._inbox.put_nowait(bytes(data))
        if self._queued > _QUEUED_BYTES and not self._paused and self._wire is not None:
            self._paused = True
            self._wire.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.open:
            self.open = False
            if self.intake is not None:
                self.intake.connections(-1)
            self._inbox.put_nowait(None)

    # from outside

    async def transmit(self, text: bytes, deadline: float) -> Answer:
        """Raises NotSent, Unknown."""
        if not self.open:
            raise NotSent("仪器没有连接。")
        m = self.manner
        sender = Sender(text, m.times, size=m.frame_size, by_record=m.by_record, host=m.host)
        errand = _Errand(sender, asyncio.get_running_loop().create_future(), deadline)
        self._inbox.put_nowait(errand)
        try:
            result = await asyncio.wait_for(asyncio.shield(errand.done), left(deadline) + 0.2)
        except TimeoutError:
            result = Failed("对方在时限内没有收完", sender.whole)
        if isinstance(result, Done):
            return Answer(True, code="ACK")
        if result.refused:
            return Answer(False, code="NAK", text=result.reason)
        if result.whole:
            raise Unknown(f"{result.reason}。", timeout=True)
        raise NotSent(f"{result.reason}。")

    async def close(self) -> None:
        """What is being stored is finished; what is not yet sent is given back."""
        if self._wire is not None:
            self._wire.close()
        self.connection_lost(None)
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(self._task, 3)

    # work

    async def _work(self) -> None:
        try:
            while (item := await self._next()) is not None:
                now = time.monotonic()
                if isinstance(item, _Errand):
                    self._errands.append(item)
                elif isinstance(item, bytes):
                    self._queued -= len(item)
                    await self._bytes(item, now)
                await self._tick()
                if self._paused and self._queued <= _QUEUED_BYTES // 2 and self._wire is not None:
                    self._paused = False
                    self._wire.resume_reading()
            await self._done(self._receiver.close())
        except Exception:
            log.exception("a line of %s", self.channel.code)
        finally:
            self._abandon()

    def _abandon(self) -> None:
        for errand in self._errands:
            self._finish(errand, Failed("连接中断", errand.sender.whole))
        if self._wire is not None:
            self._wire.close()
        if self._ended is not None:
            self._ended(self)

    async def _next(self) -> bytes | _Errand | Any | None:
        """The next thing to do; () where only the clock has come round."""
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        times = [self._receiver.deadline, *(self._due(errand) for errand in self._errands[:1])]
        ends = [time_ for time_ in times if time_ is not None]
        wait = max(0.0, min(ends) - time.monotonic()) if ends else None
        try:
            return await asyncio.wait_for(self._inbox.get(), wait)
        except TimeoutError:
            return ()

    def _due(self, errand: _Errand) -> float:
        if errand.started:
            own = errand.sender.deadline
        else:
            own = None if self._receiver.receiving else self._not_before
        return min(errand.deadline, own) if own is not None else errand.deadline

    async def _bytes(self, data: bytes, now: float) -> None:
        errand = self._errands[0] if self._errands and self._errands[0].started else None
        if errand is not None and not self._receiver.receiving:
            await self._sent(errand, errand.sender.feed(data, now))
            if not (errand.sender.deadline is None and data[-1:] == frames.ENQ and self._errands):
                return
        await self._done(self._receiver.feed(data, now))

    async def _tick(self) -> None:
        now = time.monotonic()
        await self._done(self._receiver.tick(now))
        if not self._errands:
            return
        errand = self._errands[0]
        if now >= errand.deadline:
            if errand.started:
                self._write(frames.EOT)
            self._finish(errand, Failed("对方在时限内没有收完", errand.sender.whole))
        elif not errand.started:
            if not self._receiver.receiving and now >= self._not_before:
                errand.started = True
                await self._sent(errand, errand.sender.start(now))
        else:
            await self._sent(errand, errand.sender.tick(now))

    async def _sent(self, errand: _Errand, actions: list[SenderAction]) -> None:
        for action in actions:
            if isinstance(action, frames.Send):
                self._write(action.data)
            elif isinstance(action, GiveWay):
                errand.started = False
                errand.sender = errand.sender.again()
                self._not_before = time.monotonic() + action.wait_s
            else:
                self._finish(errand, action)

    def _finish(self, errand: _Errand, result: Done | Failed) -> None:
        if not errand.done.done():
            errand.done.set_result(result)
        self._errands = [other for other in self._errands if other is not errand]

    async def _done(self, actions: list[frames.Action]) -> None:
        """Carries out what the receiver wants; storing may ask for more."""
        todo = list(actions)
        while todo:
            action = todo.pop(0)
            if isinstance(action, frames.Send):
                self._write(action.data)
            elif isinstance(action, frames.Trouble):
                if self.intake is not None:
                    self.intake.trouble(action.reason)
            else:
                stored = await self._store(action)
                if action.held:
                    todo = [*self._receiver.settle(stored, time.monotonic()), *todo]

    async def _store(self, message: frames.Message) -> bool:
        if self.intake is None:
            return False
        for text in messages(message.text) or [message.text]:
            received = self._received(text, message.problem)
            try:
                answer = await self.intake.accept(received)
            except Overloaded as overloaded:
                self.intake.trouble(overloaded.reason)
                return False
            if answer:  # a query: told in a session of its own, after this one
                task = asyncio.get_running_loop().create_task(self._reply(answer))
                self._replies.add(task)
                task.add_done_callback(self._replies.discard)
        return True

    async def _reply(self, answer: bytes) -> None:
        try:
            told = await self.transmit(answer, time.monotonic() + REPLY_S)
        except (NotSent, Unknown) as error:
            told = Answer(False, text=error.reason)
        if not told.ok and self.intake is not None:
            self.intake.trouble(f"仪器的查询没有答复到：{told.text}")

    def _received(self, text: bytes, problem: str) -> Received:
        found = summary(text, str(self.channel.settings.get("charset") or ""))
        return Received(
            text,
            found.control_id,
            found.type,
            found.patient or found.reference,
            found.patient,
            found.reference,
            found.event_at,
            found.charset,
            self.peer,
            problem or found.problem,
        )

    def _write(self, data: bytes) -> None:
        if self._wire is not None and self.open:
            self._wire.write(data)


links: dict[str, Link] = {}
"""Open lines of this process: `astm:CHANNEL` of a listener, `serial:DEVICE`; an answer to an instrument goes by the line
on which it asked."""
