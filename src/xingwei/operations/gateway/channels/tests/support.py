"""An intake that keeps what it is given, and channels made of settings alone: for tests of transports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from xingwei.operations.gateway.channels.base import ChannelConfig, Outgoing, Overloaded, Received


def channel(kind: str, settings: dict[str, Any], *, direction: str = "in", **more: Any) -> ChannelConfig:
    return ChannelConfig(1, f"{kind}-test", "测试通道", direction, kind, settings=settings, **more)  # type: ignore[arg-type]


def outgoing(raw: bytes, type: str = "T", control_id: str = "C1", delivery_id: int = 7) -> Outgoing:
    return Outgoing(1, delivery_id, control_id, type, "K", raw, "M-261125-1")


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


class FakeIntake:
    """answer: what a call gets (bytes, an exception to raise, or a function of the message)."""

    def __init__(self, answer: bytes | Exception | Callable[[Received], bytes] = b"{}") -> None:
        self.got: list[Received] = []
        self.called: list[Received] = []
        self.answer = answer
        self.overloaded = ""
        self.lines = 0
        self.most_lines = 0
        self.troubles: list[str] = []
        self.reference = ""
        self._arrived = asyncio.Event()

    async def accept(self, received: Received) -> bytes | None:
        await asyncio.sleep(0)
        if self.overloaded:
            raise Overloaded(self.overloaded)
        self.got.append(received)
        self._arrived.set()
        return received.answer

    async def call(self, received: Received, budget_s: float | None = None) -> bytes:
        await asyncio.sleep(0)
        if self.overloaded:
            raise Overloaded(self.overloaded)
        self.called.append(received)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, bytes) else self.answer(received)

    async def last_reference(self) -> str:
        return self.reference

    def connections(self, change: int) -> None:
        self.lines += change
        self.most_lines = max(self.lines, self.most_lines)

    def trouble(self, reason: str) -> None:
        self.troubles.append(reason)

    async def wait(self, count: int = 1, seconds: float = 5.0) -> list[Received]:
        """Until so many messages came in."""
        async with asyncio.timeout(seconds):
            while len(self.got) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.got


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Until something outside this loop's reach has happened."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
