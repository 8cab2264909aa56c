"""A watching process that really runs on the test's database, for as long as a test needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import connection

from xingwei.operations.watch.runner.process import Watcher


def dsn() -> str:
    s = connection.settings_dict
    return f"postgresql:///{s['NAME']}?host={s['HOST']}&user={s['USER']}&port={s['PORT'] or 5432}"


def watch(
    until: Callable[[], bool],
    *,
    beside: Callable[[], Awaitable[Any]] | None = None,
    name: str = "t-1",
    timeout_s: float = 15,
) -> Watcher:
    """Run a process until the condition (asked in a thread, of the database) holds; fails after timeout_s."""

    async def life() -> Watcher:
        stop = asyncio.Event()
        watcher = Watcher(dsn(), name)
        running = asyncio.create_task(watcher.run(stop))
        other = asyncio.create_task(beside()) if beside else None
        try:
            async with asyncio.timeout(timeout_s):
                while not await asyncio.to_thread(_ask, until):
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.05)
        finally:
            stop.set()
            await running
            if other:
                other.cancel()
        return watcher

    return asyncio.run(life())


def _ask(until: Callable[[], bool]) -> bool:
    try:
        return until()
    finally:
        connection.close()
