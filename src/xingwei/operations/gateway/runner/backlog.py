"""What waits for a way out: some of it in memory, in order; the rest in the database, fetched in portions.

While memory keeps up, a committed message comes in directly (`offer`) and the database is not read. Beyond the bound
only the database has it, and portions are read until memory has caught up again: a million rows are never loaded.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import psycopg

from ..channels.base import Received
from ..engine.lanes import Lanes
from . import pg, statements

ROWS_MAX = 2_000
BYTES_MAX = 32 * 1024 * 1024
PORTION = 500
_ALL = 2**63 - 1


@dataclass(slots=True, eq=False)
class Item:
    """One delivery in memory. received.raw: what is to be processed (or, where `edited`, to be sent as it is)."""

    id: int
    message_id: int
    message_at: int
    source: int
    version_id: int | None
    key: str
    received: Received
    queued_at: int
    state: str = "waiting"
    attempts: int = 0
    tries: int = 0
    first_sent_at: int | None = None
    edited: bool = False
    call: bool = False
    inquiry: dict[str, Any] | None = None
    ask_at: float = 0.0
    others: int = 0
    """How many others the way out had delivered when this one was last tried."""


class Backlog:
    """The part of a queue that is in memory, and how much there is in all.

    waiting, uncertain, dead: rows in the database. held_dead: a dead one stops its key (stop_on_dead). longest_s: the
    longest wait between two tries; one that is written down longer is the work of a clock that jumped.
    """

    def __init__(self, channel_id: int, *, held_dead: bool = False, longest_s: float = 300.0) -> None:
        self.channel_id = channel_id
        self.lanes: Lanes[Item] = Lanes()
        self.items: dict[int, Item] = {}
        self.waiting = self.uncertain = self.dead = 0
        self.settling: set[int] = set()
        """Settled, but their commit is not yet done: still in the database, not to be fetched again."""
        self.direct = False
        self.late = False
        """Rows that memory has passed by may have come: nothing more is fetched before `sync` has looked."""
        self._turn = 0
        self._held_dead = held_dead
        self._longest_s = longest_s
        self._bytes = 0
        self._cursor = 0
        self._newest = 0
        self._fetched: deque[set[int]] = deque(maxlen=2)

    @property
    def room(self) -> bool:
        return len(self.items) < ROWS_MAX and self._bytes < BYTES_MAX

    @property
    def hungry(self) -> bool:
        """A portion should be fetched."""
        return not self.direct and len(self.items) < ROWS_MAX // 2 and self._bytes < BYTES_MAX // 2

    def oldest_s(self) -> float:
        """The age of the oldest in memory, in seconds."""
        first = next(iter(self.items.values()), None)
        return max(0.0, time.time() - pg.moment(first.queued_at).timestamp()) if first else 0.0

    def offer(self, item: Item) -> bool:
        """A row that was just committed by this process; True where it is in memory."""
        if any(item.id in portion for portion in self._fetched):
            return False  # the portion was read between its commit and now
        self.waiting += 1
        self._newest = max(self._newest, item.id)
        if not self.direct or not self.room:
            self.direct = False
            return False
        self._cursor = max(self._cursor, item.id)
        self.add(item)
        return True

    def add(self, item: Item) -> None:
        """Into memory, whatever the bound (an uncertain call must be asked about)."""
        if item.id in self.items or item.id in self.settling:
            return
        self.items[item.id] = item
        self._bytes += len(item.received.raw)
        self.lanes.add(item.id, item.key, item, item.ask_at if item.state == "waiting" else 0.0)
        if item.state in ("uncertain", "dead"):
            self.lanes.hold(item.id)

    def remove(self, item: Item, *, settling: bool = False) -> None:
        """Out of memory; its key goes on. settling: until `settled`, the database has it still."""
        if self.items.pop(item.id, None) is not None:
            self._bytes -= len(item.received.raw)
        self.lanes.done(item.id)
        if settling:
            self.settling.add(item.id)

    def settled(self, id: int, state: str = "waiting") -> None:
        """The commit is done: the row has left the queue."""
        self.settling.discard(id)
        if state == "uncertain":
            self.uncertain = max(0, self.uncertain - 1)
        else:
            self.waiting = max(0, self.waiting - 1)

    async def count(self, db: psycopg.AsyncConnection[Any]) -> None:
        row = await (await db.execute(statements.COUNT, [self.channel_id])).fetchone()
        assert row is not None
        self.waiting, self.uncertain, self.dead, _, newest = row
        self._newest = max(self._newest, newest)

    async def fetch(self, db: psycopg.AsyncConnection[Any]) -> int:
        """The next portion; how many came into memory. Raises psycopg.Error."""
        turn = self._turn
        rows = await self._rows(db, statements.PORTION, [self._cursor, self._states, PORTION])
        self._load(rows)
        if len(rows) < PORTION and self._newest <= self._cursor and turn == self._turn:
            self.direct = True
        return len(rows)

    def _load(self, rows: list[Item]) -> None:
        self._fetched.append({item.id for item in rows})
        for item in rows:
            self.add(item)
        if rows:
            self._cursor = max(self._cursor, rows[-1].id)

    def behind(self) -> None:
        """Rows may have come that this process did not write, or whose commit it did not see. What is committed after
        this comes by `sync` and `fetch`, which read in the order of acceptance."""
        self.direct, self.late = False, True
        self._turn += 1

    async def sync(self, db: psycopg.AsyncConnection[Any]) -> list[Item]:
        """Follow what people and other processes did: what left the queue leaves memory, what came back comes.

        Returns what was uncertain and may now be sent. Raises psycopg.Error.
        """
        self.behind()
        turn = self._turn
        known = [id for id in self.items if not self.lanes.is_out(id)]
        states = dict(await (await db.execute(statements.STATES, [known])).fetchall()) if known else {}
        released: list[Item] = []
        for id in known:
            item = self.items.get(id)
            if item is None or self.lanes.is_out(id):
                continue
            state = states.get(id)
            if state == "waiting" and item.state in ("uncertain", "dead"):
                item.state = "waiting"
                self.lanes.again(id, 0.0)
                released.append(item)
            elif state in (None, "held") or (state == "dead" and not self._held_dead):
                self.remove(item)
        # Where there is room: what was passed by and what is next, in one look, so that neither overtakes the other.
        upto = _ALL if self.room else self._cursor
        beside = [*self.items, *self.settling]
        rows = await self._rows(db, statements.LATE, [upto, self._states, beside, PORTION])
        self._load(rows)
        if turn == self._turn and len(rows) < PORTION:
            self.late = False
        return released

    @property
    def _states(self) -> list[str]:
        return ["waiting", "uncertain", "dead"] if self._held_dead else ["waiting", "uncertain"]

    async def _rows(self, db: psycopg.AsyncConnection[Any], sql: str, params: list[Any]) -> list[Item]:
        cursor = await db.execute(sql.encode(), [self.channel_id, *params], binary=True)
        wall, monotonic = time.time(), time.monotonic()
        return [_item(row, wall, monotonic, self._longest_s) for row in await cursor.fetchall()]


def _item(row: Any, wall: float, monotonic: float, longest_s: float) -> Item:
    (id, message_id, message_at, version_id, key, state, attempts, next_at, queued_at, first_sent_at, inquiry, raw,
     edited, source, control_id, type, own_key, patient, reference, charset, peer) = row  # fmt: skip
    wait = min(longest_s, max(0.0, next_at.timestamp() - wall)) if next_at is not None else 0.0
    return Item(
        id=id,
        message_id=message_id,
        message_at=pg.micros(message_at),
        source=source,
        version_id=version_id,
        key=key,
        received=Received(raw, control_id, type, own_key, patient, reference, None, charset, peer),
        queued_at=pg.micros(queued_at),
        state=state,
        attempts=attempts,
        tries=attempts,
        first_sent_at=pg.micros(first_sent_at) if first_sent_at else None,
        edited=edited,
        call=bool(inquiry and inquiry.get("call")),
        inquiry=inquiry,
        ask_at=monotonic + wait if wait else 0.0,
    )
