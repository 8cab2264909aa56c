"""What the pages show: a row a channel every two seconds, breakers and the history of their states."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from .dispatcher import Dispatcher
from .guard import Guard
from .inflow import Inflow

EVERY_S = 2.0

_GAUGE = """INSERT INTO gateway_gauge (channel_id, at, values)
SELECT g.channel_id, now(), g.values FROM unnest(%s::int4[], %s::jsonb[]) AS g (channel_id, values)
JOIN gateway_channel c ON c.id = g.channel_id
ON CONFLICT (channel_id) DO UPDATE SET at = excluded.at, values = excluded.values"""
_OTHERS = """SELECT channel_id, (values ->> 'waiting')::bigint FROM gateway_gauge
WHERE NOT channel_id = ANY(%s) AND values ? 'waiting'"""
# A cut stands until its writer, a person, or its end lifts it: the holder never overwrites one that it has not seen.
_BREAKER = """INSERT INTO gateway_breaker AS b (channel_id, state, since, until, reason, by, "window", updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, now())
ON CONFLICT (channel_id) DO UPDATE SET state = excluded.state, since = excluded.since, until = excluded.until,
  reason = excluded.reason, by = excluded.by, "window" = excluded."window", updated_at = now()
WHERE b.updated_at <= %s"""
_EVENT = """INSERT INTO gateway_breakerevent (channel_id, at, before, after, reason, by, "window")
VALUES (%s, %s, %s, %s, %s, %s, %s)"""
_ROW = "SELECT channel_id, state, since, until, reason, by, updated_at FROM gateway_breaker WHERE channel_id = ANY(%s)"


def of_way_in(inflow: Inflow) -> dict[str, Any]:
    return {
        **inflow.meter.values(time.time()),
        "waiting": 0,
        "oldest_s": 0,
        "connections": inflow.lines,
        "state": inflow.channel.state,
        "lanes": 0,
        "uncertain": 0,
        "dead": 0,
    }


def of_way_out(out: Dispatcher) -> dict[str, Any]:
    backlog = out.backlog
    return {
        **out.meter.values(time.time()),
        "waiting": backlog.waiting,
        "oldest_s": round(backlog.oldest_s(), 1),
        "connections": getattr(out.sender, "lines", 0),
        "state": out.channel.state,
        "lanes": int(out.channel.delivery.get("lanes", 4)),
        "uncertain": backlog.uncertain,
        "dead": backlog.dead,
    }


async def write(db: psycopg.AsyncConnection[Any], ins: Iterable[Inflow], outs: Iterable[Dispatcher]) -> None:
    """Raises psycopg.Error."""
    rows = {i.channel.id: of_way_in(i) for i in ins} | {o.channel.id: of_way_out(o) for o in outs}
    if rows:
        await db.execute(_GAUGE, [list(rows), [Jsonb(v) for v in rows.values()]])


async def elsewhere(db: psycopg.AsyncConnection[Any], own: Iterable[int]) -> dict[int, int]:
    """Rows that wait for other processes' ways out. Raises psycopg.Error."""
    rows = await (await db.execute(_OTHERS, [list(own)])).fetchall()
    return {channel: waiting or 0 for channel, waiting in rows}


class BreakerRows:
    """Reads what people wrote into the breakers' rows, and writes what the breakers are."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}

    async def exchange(self, db: psycopg.AsyncConnection[Any], guards: Mapping[int, Guard]) -> None:
        """Raises psycopg.Error."""
        if not guards:
            return
        rows = await (await db.execute(_ROW, [list(guards)])).fetchall()
        told = {row[0] for row in rows}
        for channel, state, since, until, reason, by, updated_at in rows:
            guard = guards[channel]
            if channel not in self._seen:
                guard.restore(state, since, until, reason, by)
                guard.dirty = False
            elif updated_at != self._seen[channel]:
                guard.obey(state, since, until, reason, by)
            self._seen[channel] = updated_at
        for channel, guard in guards.items():
            guard.tick()
            if guard.dirty or channel not in told or guard.breaker.state != "closed":
                await self._write(db, channel, guard)
            await self._history(db, guard)

    def forget(self, channel_id: int) -> None:
        self._seen.pop(channel_id, None)

    async def _write(self, db: psycopg.AsyncConnection[Any], channel: int, guard: Guard) -> None:
        state, since, until, reason, by, window = guard.row()
        seen = self._seen.get(channel)
        values = [channel, state, since, until, reason[:300], by[:40], Jsonb(window), seen or since]
        await db.execute(_BREAKER, values)
        row = await (await db.execute(_ROW, [[channel]])).fetchone()
        if row is not None and row[1] == state:
            self._seen[channel] = row[6]
        guard.dirty = False

    @staticmethod
    async def _history(db: psycopg.AsyncConnection[Any], guard: Guard) -> None:
        while guard.events:
            event = guard.events[0]
            change = event.change
            await db.execute(
                _EVENT,
                [guard.channel_id, event.at, change.before, change.after, change.reason[:300], change.by[:40],
                 Jsonb(event.window)],
            )  # fmt: skip
            del guard.events[0]
