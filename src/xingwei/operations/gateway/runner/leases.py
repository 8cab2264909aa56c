"""Which channels this process holds: by lease, with an epoch that rises with each holder (F9, F10).

The lease's end is kept on the monotonic clock and counted from before the question was asked, so that a process
that was stopped for a while knows by itself that it holds nothing any more; what it still had on its way into the
database is refused there by the epoch.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from ..channels.base import ChannelProblem
from ..engine import shares

log = logging.getLogger(__name__)

TTL_S = 6.0
RENEW_S = 1.5
_MARGIN_S = 0.5

_ENROLL = """INSERT INTO gateway_process (name, host, pid, started_at, seen_at) VALUES (%s, %s, %s, now(), now())
ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid, started_at = now(), seen_at = now()
RETURNING id"""
_SAME_NAME = """SELECT host, pid, seen_at > now() - make_interval(secs => %s) FROM gateway_process WHERE name = %s"""
_SEEN = "UPDATE gateway_process SET seen_at = now(), pid = %s WHERE id = %s"
_RENEW = """UPDATE gateway_lease AS l SET expires_at = clock_timestamp() + make_interval(secs => %s)
FROM unnest(%s::int4[], %s::int8[]) AS held (channel_id, epoch)
WHERE l.channel_id = held.channel_id AND l.epoch = held.epoch AND l.process_id = %s RETURNING l.channel_id"""
_OTHERS = """SELECT channel_id FROM gateway_lease
WHERE process_id IS NOT NULL AND process_id <> %s AND expires_at > clock_timestamp()"""
_LIVING = """SELECT count(*) FROM gateway_process WHERE seen_at > now() - make_interval(secs => %s)"""
_RELEASE = """UPDATE gateway_lease AS l SET process_id = NULL, expires_at = NULL
FROM unnest(%s::int4[], %s::int8[]) AS held (channel_id, epoch)
WHERE l.channel_id = held.channel_id AND l.epoch = held.epoch"""
_PROBLEM = "UPDATE gateway_lease SET problem = %s WHERE channel_id = %s AND epoch = %s AND problem <> %s"


class Leases:
    """epochs: what this process holds; shared with those who write, and never to be kept apart."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epochs: dict[int, int] = {}
        self._ends: dict[int, float] = {}
        self._process = 0

    def valid(self, channel_id: int) -> bool:
        """The process holds the channel, as far as its clock can tell."""
        return time.monotonic() < self._ends.get(channel_id, 0.0)

    def lost(self, channels: Iterable[int]) -> None:
        for channel in channels:
            self.epochs.pop(channel, None)
            self._ends.pop(channel, None)

    async def enroll(self, db: psycopg.AsyncConnection[Any]) -> None:
        """Raises ChannelProblem where a living process bears the name; psycopg.Error."""
        host = socket.gethostname()
        row = await (await db.execute(_SAME_NAME, [TTL_S, self.name])).fetchone()
        if row is not None and row[2] and (row[0] != host or (row[1] != os.getpid() and _lives(row[1]))):
            raise ChannelProblem(f"名为“{self.name}”的网关进程正在 {row[0]} 上运行：请换一个 --name。")
        found = await (await db.execute(_ENROLL, [self.name, host, os.getpid()])).fetchone()
        assert found is not None
        (self._process,) = found

    async def renew(self, db: psycopg.AsyncConnection[Any]) -> set[int]:
        """Prolong what is held; returns what is held no more. Raises psycopg.Error."""
        began = time.monotonic()
        await db.execute(_SEEN, [os.getpid(), self._process])
        held = dict(self.epochs)
        if not held:
            return set()
        cursor = await db.execute(_RENEW, [TTL_S, list(held), list(held.values()), self._process])
        kept = {channel for (channel,) in await cursor.fetchall()}
        for channel in kept:
            if channel in self.epochs:
                self._ends[channel] = began + TTL_S - _MARGIN_S
        gone = set(held) - kept
        self.lost(gone)
        return gone

    async def share(
        self, db: psycopg.AsyncConnection[Any], units: Sequence[tuple[int, ...]]
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """What this process should take, and what it should give away. Raises psycopg.Error."""
        others = {channel for (channel,) in await (await db.execute(_OTHERS, [self._process])).fetchall()}
        row = await (await db.execute(_LIVING, [TTL_S])).fetchone()
        assert row is not None
        held = [unit for unit in units if any(channel in self.epochs for channel in unit)]
        broken = [unit for unit in held if not all(channel in self.epochs for channel in unit)]
        free = [unit for unit in units if unit not in held and not any(channel in others for channel in unit)]
        completed = [unit for unit in broken if not any(channel in others for channel in unit)]
        torn = [unit for unit in broken if unit not in completed]
        give = shares.give([u for u in held if u not in torn], len(units), row[0]) if others or row[0] > 1 else []
        return completed + shares.take(free, len(held), len(units), row[0]), torn + give

    async def take(self, db: psycopg.AsyncConnection[Any], unit: tuple[int, ...]) -> bool:
        """All channels of the unit, or none. Raises psycopg.Error."""
        began = time.monotonic()
        taken: list[int] = []
        for channel in unit:
            if channel in self.epochs:
                continue
            row = await (
                await db.execute("SELECT gateway_take(%s, %s, %s)", [channel, self._process, TTL_S])
            ).fetchone()
            if row is None or row[0] is None:
                await self.release(db, taken)
                return False
            taken.append(channel)
            self.epochs[channel] = row[0]
            self._ends[channel] = began + TTL_S - _MARGIN_S
        return True

    async def release(self, db: psycopg.AsyncConnection[Any], channels: Iterable[int]) -> None:
        """Give channels back, so that another process need not wait for their end. Raises psycopg.Error."""
        held = {channel: self.epochs[channel] for channel in channels if channel in self.epochs}
        self.lost(held)
        if held:
            await db.execute(_RELEASE, [list(held), list(held.values())])

    async def report(self, db: psycopg.AsyncConnection[Any], channel_id: int, problem: str) -> None:
        """Why a channel does not run; empty: it does. Raises psycopg.Error."""
        if channel_id in self.epochs:
            await db.execute(_PROBLEM, [problem[:300], channel_id, self.epochs[channel_id], problem[:300]])


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
