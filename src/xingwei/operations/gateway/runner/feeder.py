"""What a process reads aside from its hot path: portions of the queues, what people changed in them, and the control
ids that earlier holders received."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection, Mapping
from typing import Any

import psycopg

from . import statements
from .connections import connected
from .dispatcher import Dispatcher
from .store import SPAN, Store

TOPIC = "xingwei_gateway"
_LOOK_S = 0.25


class Feeder:
    """outs: the ways out that this process runs. ins: its ways in."""

    def __init__(self, dsn: str, outs: Mapping[int, Dispatcher], store: Store, ins: Collection[int]) -> None:
        self.connection: psycopg.AsyncConnection[Any] | None = None
        self._dsn = dsn
        self._outs = outs
        self._store = store
        self._ins = ins
        self._hungry: set[int] = set()
        self._changed: set[int] = set()
        self._told: set[int] = set()
        self._work = asyncio.Event()

    def want(self, channel_id: int) -> None:
        """The way out has room for a portion."""
        self._hungry.add(channel_id)
        self._work.set()

    def follow(self, *channels: int) -> None:
        """Somebody else changed the queues of these ways out."""
        self._changed.update(channels)
        self._work.set()

    def tell(self, channel_id: int) -> None:
        """Something was queued for a way out that another process runs."""
        self._told.add(channel_id)
        self._work.set()

    async def feed(self) -> None:
        """Once through what there is to do. Raises psycopg.Error."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._work.wait(), _LOOK_S)
        self._work.clear()
        new = [channel for channel in self._ins if not self._store.memory(channel).complete]
        if not (self._hungry or self._changed or self._told or new):
            return
        db = self.connection = await connected(self._dsn, self.connection, "reader")
        while self._told:
            message = json.dumps({"what": "queued", "channel": self._told.pop()})
            await db.execute("SELECT pg_notify(%s, %s)", [TOPIC, message])
        while self._changed:
            channel = self._changed.pop()
            try:
                await self._follow(db, channel)
            except BaseException:
                self._changed.add(channel)
                raise
        while self._hungry:
            await self._portion(db, self._hungry.pop())
        for channel in new:
            await self._remember(db, channel)

    async def _follow(self, db: psycopg.AsyncConnection[Any], channel: int) -> None:
        if (out := self._outs.get(channel)) is not None:
            await out.backlog.sync(db)
            await out.backlog.count(db)
            out.wake()
            if out.backlog.late:
                self._changed.add(channel)
            self._hungry.add(channel)

    async def _portion(self, db: psycopg.AsyncConnection[Any], channel: int) -> None:
        out = self._outs.get(channel)
        if out is None or not out.backlog.hungry or out.backlog.late:
            return
        if await out.backlog.fetch(db):
            out.wake()
        if out.backlog.hungry and out.backlog.room:
            self._hungry.add(channel)
            await asyncio.sleep(0)

    async def _remember(self, db: psycopg.AsyncConnection[Any], channel: int) -> None:
        """The control ids of earlier holders; until they are known every id is asked about in the database."""
        memory = self._store.memory(channel)
        cursor = await db.execute(statements.NEWEST.encode(), [channel, SPAN])
        for at, (control_id,) in enumerate(reversed(await cursor.fetchall())):
            memory.seen.add(control_id)
            if at % 2_000 == 1_999:
                await asyncio.sleep(0)
        memory.complete = True
