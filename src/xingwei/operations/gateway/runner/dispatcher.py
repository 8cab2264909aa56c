"""A way out: takes what waits in order, sends it, and says what became of it. docs/gateway.md, "States".

Its workers send beside one another, one key never twice at once. What a receiver cannot tell apart from a repeat is
`sending` in the database before its first byte leaves, and `uncertain` when no answer comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..channels.base import ChannelConfig, NotSent, Outgoing, Selective, Sender, Unknown
from ..engine.numbers import number_at
from ..engine.rules import Needs, Question
from .backlog import Item
from .configuration import Plan
from .ledger import Ledger
from .lookups import LookupDown
from .outcomes import Outcomes
from .store import now_micros

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 5.0


class Process(Protocol):
    """Turns what was received into what is sent."""

    def __call__(self, item: Item) -> list[bytes] | None:
        """The messages to send, in order; None: to be dropped. Raises ValueError (Chinese), KeyError where the version
        has to be read first."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a way out needs of the process that runs it.

    valid: does the process hold the channel, with time enough? fetch: asks for a version that `process` did not know.
    hungry: asks for a portion of the queue. look_up: answers what the rules of a message ask of other systems.
    """

    ledger: Ledger
    process: Process
    valid: Callable[[int], bool]
    fetch: Callable[[int], Any]
    hungry: Callable[[int], None]
    look_up: Callable[[Item, Sequence[Question]], Awaitable[None]]


class Dispatcher(Outcomes):
    """The half that takes and sends."""

    def __init__(self, channel: ChannelConfig, sender: Sender, around: Surroundings) -> None:
        super().__init__(channel, around.ledger)
        self.sender = sender
        self._selective = sender if isinstance(sender, Selective) else None
        self.plan: Plan | None = None
        self._around = around
        self._idle: list[asyncio.Future[None]] = []
        self._workers: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._stopping = False
        self._limit: int | None = None  # while draining: the last id that is still sent

    # Life

    def start(self) -> None:
        self._stopping = False
        lanes = max(1, min(64, int(self.channel.delivery.get("lanes", 4))))
        self._workers = [asyncio.create_task(self._work(), name=f"{self.channel.code}/{n}") for n in range(lanes)]
        self.configure(self.channel)

    def configure(self, channel: ChannelConfig) -> None:
        """State, thresholds and waits; what needs another sender is a new dispatcher."""
        self.channel = channel
        self._limit = self.backlog._newest if channel.state == "draining" else None
        self.guard.configure(channel)
        self.wake()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Takes nothing more; waits for what is on the wire, then cuts it."""
        self._stopping = True
        self.wake()
        if self._workers:
            _, running = await asyncio.wait(self._workers, timeout=timeout_s)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._workers = []
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(Exception):
            await self.sender.close()

    def offer(self, item: Item) -> None:
        """A row that was just committed."""
        if self.backlog.offer(item) and self._idle:
            self._wake_one()

    def wake(self) -> None:
        """Something has changed: everyone looks again."""
        idle, self._idle = self._idle, []
        for future in idle:
            if not future.done():
                future.set_result(None)

    def _wake_one(self) -> None:
        while self._idle:
            future = self._idle.pop()
            if not future.done():
                future.set_result(None)
                return

    # Taking

    async def _work(self) -> None:
        while not self._stopping:
            item = self._take()
            if item is None:
                await self._wait()
                continue
            ticket = self.guard.ticket()
            if ticket is None:
                self._instead(item)
                continue
            try:
                await self._deliver(item, ticket)
            except asyncio.CancelledError:
                self.guard.cancel(ticket)
                raise
            except Exception:
                log.exception("delivery %d of %s", item.id, self.channel.code)
                self.guard.cancel(ticket)
                self._set_back(item, "waiting", outcome="broken", reason="网关内部出错", wait_s=30.0)

    def _take(self) -> Item | None:
        """The next that may go now."""
        if self.channel.state in ("paused", "stopped") or self.ledger.full:
            return None
        now = time.monotonic()
        if now < self._line_until or (self._line_failures and self.backlog.lanes.out):
            return None
        if not self.guard.ready() and not self._may_skip():
            return None
        if not self._around.valid(self.channel.id):
            return None
        item = self._next(now)
        if self.backlog.hungry:
            self._around.hungry(self.channel.id)
        if item is not None and item.state != "waiting":  # its key was given free while its outcome is not known
            self.backlog.lanes.hold(item.id)
            return None
        if item is not None and self._limit is not None and item.id > self._limit:
            self.backlog.lanes.again(item.id, now + 60)
            return None
        return item

    def _next(self, now: float) -> Item | None:
        """The oldest head that may go; what piled up behind the breaker keeps to the speed that the plan agreed."""
        item = self.backlog.lanes.take(now)
        if self.plan is not None and self.plan.catch_up_per_minute:
            while item is not None:
                due = self.guard.due(item.id, item.queued_at, self.plan.catch_up_per_minute, now)
                if due <= now:
                    break
                self.backlog.lanes.again(item.id, due)
                item = self.backlog.lanes.take(now)
        return item

    async def _wait(self) -> None:
        """Until something has changed, or the time of something has come."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._idle.append(future)
        now = time.monotonic()
        at = now + 1.0
        due, breaker = self.backlog.lanes.next_due(), self.guard.wait()
        if due is not None and due < at:
            at = due
        if now < self._line_until < at:
            at = self._line_until
        if breaker and now + breaker < at:
            at = now + breaker
        if not now < self._timer_at <= at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(max(0.001, at - now), self.wake)
            self._timer_at = at
        await future

    def _may_skip(self) -> bool:
        plan = self.plan
        return plan is not None and (plan.mode == "skip" or "skip" in plan.by.values())

    def _instead(self, item: Item) -> None:
        """The breaker lets nothing through: it waits, or is skipped and marked where the plan says so."""
        if self.plan is not None and self.plan.mode_for(item.received.type) == "skip" and self.guard.shut:
            self.settle(item, "skipped", code="breaker", settled_by=self.plan.sentence)
        else:
            self.backlog.lanes.again(item.id, time.monotonic() + 1.0)

    # Sending

    async def _deliver(self, item: Item, ticket: int) -> None:
        try:
            parts = await self._processed(item)
        except ValueError as error:
            self.guard.cancel(ticket)
            self._dead(item, "rule", str(error))
            return
        except LookupDown as down:
            self.guard.cancel(ticket)
            self._set_back(item, "waiting", outcome="broken", reason=down.reason, wait_s=LOOK_AGAIN_S)
            return
        if parts is None:
            self.guard.cancel(ticket)
            self.settle(item, "dropped")
            return
        outgoing = [self._outgoing(item, raw) for raw in parts]
        repeatable = self.can_repeat(outgoing[0])
        sent_at = now_micros()
        item.first_sent_at = item.first_sent_at or sent_at
        item.tries += 1
        if not repeatable and not await self.ledger.mark(item.id, self.channel.id, sent_at, item.attempts + 1):
            self.guard.cancel(ticket)
            self.backlog.remove(item)  # a person or another process took it
            return
        began = time.monotonic()
        try:
            for one in outgoing:
                answer = await self.sender.send(one, began + self.channel.timeout_s)
                if not answer.ok:
                    break
        except NotSent as error:
            self._record(ticket, "failure", began)
            self._not_sent(item, error, began, marked=not repeatable)
        except Unknown as error:
            self._record(ticket, "timeout" if error.timeout else "failure", began)
            self._no_answer(item, error, began, repeatable)
        except asyncio.CancelledError:
            if not repeatable:
                self._uncertain(item, "进程停止时没有等到应答", began)
            raise
        else:
            self._answered(item, answer, ticket, began, sent_at, parts)

    async def _processed(self, item: Item) -> list[bytes] | None:
        if item.edited or item.version_id is None:
            return [item.received.raw]
        fetched = False
        while True:
            try:
                return self._around.process(item)
            except Needs as needs:
                await self._around.look_up(item, needs.questions)
            except KeyError:
                if fetched:
                    raise ValueError("消息所用的规则版本已不在") from None
                fetched = True
                await self._around.fetch(item.version_id)

    def _outgoing(self, item: Item, raw: bytes) -> Outgoing:
        return outgoing_of(item, raw)

    def can_repeat(self, outgoing: Outgoing) -> bool:
        return self.sender.repeatable if self._selective is None else self._selective.can_repeat(outgoing)


def outgoing_of(item: Item, raw: bytes) -> Outgoing:
    return Outgoing(
        message_id=item.message_id,
        delivery_id=item.id,
        control_id=item.received.control_id,
        type=item.received.type,
        key=item.key,
        raw=raw,
        number=number_at(item.message_at, item.message_id),
        attempt=item.tries + 1,
    )
