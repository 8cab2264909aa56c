"""A way in, as its listener sees it: the Intake of channels.base."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from ..channels.base import ChannelConfig, Overloaded, Received
from ..engine.meter import Meter
from .backlog import Item
from .configuration import Snapshot, Target
from .dispatcher import Dispatcher
from .host_queries import HostQueries
from .store import Entry, Store

SLOW_FROM = 0.9
SLOWEST_S = 0.5


class House(Protocol):
    """What a way in needs of its process."""

    @property
    def store(self) -> Store: ...
    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def outs(self) -> Mapping[int, Dispatcher]: ...
    @property
    def elsewhere(self) -> Mapping[int, int]:
        """Rows that wait for ways out which other processes hold, as they last said."""

    async def last_reference(self, channel_id: int) -> str: ...


class Inflow:
    """caller: carries a call (calls.Caller); apart, since most ways in never call."""

    def __init__(
        self, channel: ChannelConfig, house: House, caller: Callable[[Inflow, Received, float], object]
    ) -> None:
        self.channel = channel
        self.house = house
        self.meter = Meter(time.time())
        self.lines = 0
        self.open = True
        self.queries: HostQueries | None = None
        self._caller = caller

    async def accept(self, received: Received) -> bytes | None:
        began = time.monotonic()
        if self.queries is not None and self.open and await self.queries.answered(received):
            entry = Entry(self.channel, received, [], "accepted", "")  # it was for us
        else:
            entry = self.entry(received)
        if entry.targets:
            await self.press(entry.targets)
        await self.house.store.put(entry)
        self.meter.add(time.time(), len(received.raw))
        self.meter.took(time.monotonic() - began)
        if entry.problem or received.problem:
            self.meter.error(time.time())
        return entry.answer

    async def call(self, received: Received, budget_s: float | None = None) -> bytes:
        began = time.monotonic()
        try:
            budget = budget_s or self.channel.budget_of(received.type)
            answer: bytes = await self._caller(self, received, budget)  # type: ignore[misc]
        except Exception:
            self.meter.error(time.time())
            raise
        finally:
            self.meter.add(time.time(), len(received.raw))
            self.meter.took(time.monotonic() - began)
        return answer

    async def last_reference(self) -> str:
        return await self.house.last_reference(self.channel.id)

    def connections(self, change: int) -> None:
        self.lines += change

    def trouble(self, reason: str) -> None:
        self.meter.error(time.time())

    def entry(self, received: Received) -> Entry:
        """The message with where it goes; to quarantine where it cannot be read."""
        if not self.open:
            raise Overloaded("通道正在停止：请稍后重发", unsure=True)
        if not received.key:
            received.key = self.channel.code
        if received.problem:
            return Entry(self.channel, received, [], "quarantined", received.problem)
        targets, problem = self.house.snapshot.targets(self.channel.id, received)
        return Entry(self.channel, received, targets, "quarantined" if problem and not targets else "accepted", problem)

    async def press(self, targets: list[Target]) -> None:
        """Back-pressure: near the bound of a queue its senders are slowed, at the bound they are refused (F11)."""
        for target in targets:
            out = self.house.outs.get(target.channel_id)
            channel = self.house.snapshot.channels.get(target.channel_id)
            if channel is None:
                continue
            waiting = out.backlog.waiting if out is not None else self.house.elsewhere.get(target.channel_id, 0)
            filled = waiting / max(channel.capacity, 1)
            if filled >= 1:
                raise Overloaded(f"送往“{channel.name}”的队列已满（{waiting} 条）：请稍后重发")
            if filled > SLOW_FROM:
                await asyncio.sleep(SLOWEST_S * (filled - SLOW_FROM) / (1 - SLOW_FROM))


def items_of(entry: Entry) -> list[Item]:
    """The deliveries of an entry that was just committed."""
    return [
        Item(
            id=id,
            message_id=entry.id,
            message_at=entry.at,
            source=entry.channel.id,
            version_id=target.version_id,
            key=target.key,
            received=entry.received,
            queued_at=entry.at,
        )
        for id, target in zip(entry.queued, entry.targets, strict=True)
    ]
