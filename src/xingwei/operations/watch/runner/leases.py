"""Which share of the probes this process looks after, by lease, and the heartbeat that says whether anybody watches.

The heartbeat finds a time without any by itself: whoever beats after a pause writes the pause down as blind.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import psycopg

from ..engine.schedule import SHARES, fair
from ..probes.base import ProbeProblem

TTL_S = 8.0
BEAT_S = 2.0
BLIND_S = 15.0  # without any heartbeat for so long, nobody watched

_SAME_NAME = "SELECT host, pid, seen_at > now() - make_interval(secs => %s) FROM watch_process WHERE name = %s"
_ENROLL = """INSERT INTO watch_process (name, host, pid, started_at, seen_at, rate, late)
VALUES (%s, %s, %s, now(), coalesce((SELECT max(seen_at) FROM watch_process), now()), 0, 0)
ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid, started_at = now() RETURNING id"""
_BEAT = """WITH before AS (SELECT max(seen_at) AS at FROM watch_process),
beat AS (UPDATE watch_process SET seen_at = now(), pid = %(pid)s, rate = %(rate)s, late = %(late)s WHERE id = %(id)s)
INSERT INTO watch_blind (since, until, why)
SELECT at, now(), %(why)s FROM before WHERE at < now() - make_interval(secs => %(blind)s)"""
_RENEW = """UPDATE watch_lease SET expires_at = clock_timestamp() + make_interval(secs => %s)
WHERE process_id = %s AND expires_at > clock_timestamp() RETURNING share"""
_FREE = """SELECT share FROM watch_lease WHERE process_id IS NULL OR expires_at <= clock_timestamp()
ORDER BY share LIMIT %s FOR UPDATE SKIP LOCKED"""
_TAKE = """UPDATE watch_lease SET process_id = %s, expires_at = clock_timestamp() + make_interval(secs => %s)
WHERE share = ANY(%s)"""
_GIVE = "UPDATE watch_lease SET process_id = NULL, expires_at = NULL WHERE process_id = %s AND share = ANY(%s)"
_MAKE = "INSERT INTO watch_lease (share) SELECT generate_series(0, %s) ON CONFLICT DO NOTHING"
_LIVING = "SELECT count(*) FROM watch_process WHERE seen_at > now() - make_interval(secs => %s)"


class Leases:
    """shares: what this process holds, as far as its clock can tell."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._shares: set[int] = set()
        self._end = 0.0
        self._id = 0

    @property
    def shares(self) -> set[int]:
        return self._shares if time.monotonic() < self._end else set()

    async def enroll(self, db: psycopg.AsyncConnection[Any]) -> None:
        """Raises ProbeProblem where a living process bears the name; psycopg.Error."""
        host = socket.gethostname()
        row = await (await db.execute(_SAME_NAME, [TTL_S, self.name])).fetchone()
        if row is not None and row[2] and (row[0] != host or (row[1] != os.getpid() and _lives(row[1]))):
            raise ProbeProblem(f"名为“{self.name}”的监测进程正在 {row[0]} 上运行：请换一个 --name。")
        await db.execute(_MAKE, [SHARES - 1])
        found = await (await db.execute(_ENROLL, [self.name, host, os.getpid()])).fetchone()
        assert found is not None
        (self._id,) = found

    async def beat(self, db: psycopg.AsyncConnection[Any], rate: float, late: int, why: str) -> None:
        """Say that somebody watches; write down when nobody did. Raises psycopg.Error."""
        await db.execute(
            _BEAT,
            {"id": self._id, "pid": os.getpid(), "rate": rate, "late": late, "why": why[:200], "blind": BLIND_S},
        )

    async def share(self, db: psycopg.AsyncConnection[Any]) -> set[int]:
        """Renew what is held, take or give so that all processes hold alike; what is held now. Raises psycopg.Error."""
        began = time.monotonic()
        async with db.transaction():
            held = {s for (s,) in await (await db.execute(_RENEW, [TTL_S, self._id])).fetchall()}
            row = await (await db.execute(_LIVING, [TTL_S])).fetchone()
            most = fair(len(held), range(SHARES), row[0] if row else 1)
            if len(held) > most:
                given = sorted(held)[most:]
                await db.execute(_GIVE, [self._id, given])
                held -= set(given)
            elif len(held) < most:
                free = [s for (s,) in await (await db.execute(_FREE, [most - len(held)])).fetchall()]
                if free:
                    await db.execute(_TAKE, [self._id, TTL_S, free])
                held |= set(free)
        self._shares, self._end = held, began + TTL_S - 0.5
        return held

    async def release(self, db: psycopg.AsyncConnection[Any]) -> None:
        """Raises psycopg.Error."""
        await db.execute(_GIVE, [self._id, list(self._shares)])
        self._shares = set()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
