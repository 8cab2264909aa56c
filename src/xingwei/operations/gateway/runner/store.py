"""Store, then acknowledge: what many connections received goes down in one commit, then all of them are answered.

A group is whatever waits when the one before is done: a single sender waits for one commit and nothing else, many
senders share it. Repeats (F2) are told by control id and digest: a filter in memory says "certainly new" for nearly
all, the database decides on the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xingwei.base.runtime.crypto import sm3

from ..channels.base import ChannelConfig, Overloaded, Received
from ..engine.seen import Seen
from ..engine.shares import epochs_of
from . import pg, statements
from .configuration import Target
from .pg import DatabaseGone, Fenced, Link, Refused

log = logging.getLogger(__name__)

GROUP_ROWS = 512
GROUP_BYTES = 8 * 1024 * 1024
SPAN = 65_536  # control ids that a channel remembers at least
_BLOCK = 1_000
_BLOCK_S = 1.0
"""A block of ids is used for a second at most: so ids of several processes rise together, but for that second."""

_GONE = "数据库暂时没有回答，消息没有确认：请稍后重发"
_NOT_HELD = "通道已由另一个网关进程接管：请重新连接"


@dataclass(slots=True, eq=False)
class Entry:
    """A message on its way into the database. state: as gateway_message has it."""

    channel: ChannelConfig
    received: Received
    targets: list[Target]
    state: str = "accepted"
    problem: str = ""
    inquiry: bytes | None = None
    id: int = 0
    at: int = 0
    digest: bytes = b""
    queued: list[int] = field(default_factory=list)
    repeat_of: int = 0
    answer: bytes | None = None
    done: asyncio.Future[None] | None = None


class Memory:
    """What a channel has received, as far as a holder remembers. complete: earlier holders' ids are in it as well."""

    __slots__ = ("complete", "seen")

    def __init__(self) -> None:
        self.seen = Seen(SPAN)
        self.complete = False


class Ids:
    """Ids in blocks from the sequence that all processes share."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._next = self._end = 0
        self._until = 0.0

    async def reserve(self, count: int) -> list[int]:
        """So many ids, rising. Raises DatabaseGone."""
        if self._end - self._next >= count and time.monotonic() < self._until:
            first, self._next = self._next, self._next + count
            return list(range(first, first + count))
        found: list[int] = []
        self._next = self._end = 0
        while len(found) < count:
            (block,) = await self._link.ids("ids", [])
            wanted = min(count - len(found), _BLOCK)
            found += range(block, block + wanted)
            self._next, self._end = block + wanted, block + _BLOCK
        self._until = time.monotonic() + _BLOCK_S
        return found

    def renew(self) -> None:
        """A channel was taken over: what comes now must have larger ids than what its last holder wrote."""
        self._next = self._end = 0


class Store:
    """epochs: what the process holds now. stored: called for every entry after its commit, before its sender hears
    of it. lost: called with the channels that turned out to be another process's. unseen: called for every entry that
    was perhaps committed, and again when its repeat shows that it was: its deliveries are in the database only."""

    def __init__(
        self,
        dsn: str,
        epochs: Mapping[int, int],
        stored: Callable[[Entry], None],
        lost: Callable[[frozenset[int]], None],
        unseen: Callable[[Entry], None],
    ) -> None:
        self._link = Link(
            dsn,
            "store",
            {"store": statements.STORE, "repeats": statements.REPEATS, "ids": statements.IDS},
            statements.SESSION,
        )
        self.ids = Ids(self._link)
        self._epochs = epochs
        self._stored = stored
        self._lost = lost
        self._unseen = unseen
        self._unsure: dict[tuple[int, str], None] = {}
        self._waiting: deque[Entry] = deque()
        self._awake: asyncio.Future[None] | None = None
        self._memories: dict[int, Memory] = {}
        self.groups = 0
        self.working = True
        """The last group reached the database."""

    def memory(self, channel_id: int) -> Memory:
        if (found := self._memories.get(channel_id)) is None:
            found = self._memories[channel_id] = Memory()
        return found

    def forget(self, channel_id: int) -> None:
        """Another process holds the channel: what it receives is not known here."""
        self._memories.pop(channel_id, None)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, entry: Entry) -> asyncio.Future[None]:
        """To the next group. The future is done after the commit; Overloaded where there was none."""
        done = entry.done = asyncio.get_running_loop().create_future()
        self._waiting.append(entry)
        if self._awake is not None and not self._awake.done():
            self._awake.set_result(None)
        return done

    async def run(self) -> None:
        """Until cancelled; what waits then is refused."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                if not self._waiting:
                    self._awake = loop.create_future()
                    await self._awake
                    self._awake = None
                await self._gather()
                group = self._group()
                try:
                    await self._write(group)
                except asyncio.CancelledError:
                    self._fail(group, Overloaded(_GONE, unsure=True))
                    raise
                except Exception:
                    log.exception("a group was not stored")
                    self._doubt(group)
                    self._fail(group, Overloaded(_GONE, unsure=True))
        finally:
            self._fail(self._waiting, Overloaded("网关正在停止：请稍后重发"))
            self._waiting.clear()
            await self._link.close()

    async def _gather(self) -> None:
        """Let the loop read what has arrived by now, as long as that is anything: no clock is waited for, and eight
        senders that were answered together come into one group again."""
        seen = 0
        while seen < len(self._waiting) < GROUP_ROWS:
            seen = len(self._waiting)
            await asyncio.sleep(0)  # the sockets are read
            await asyncio.sleep(0)  # what was read is put here

    def _group(self) -> list[Entry]:
        """What waits, within bounds; the second of two with the same control id waits for the next group."""
        group: list[Entry] = []
        ids: set[tuple[int, str]] = set()
        again: list[Entry] = []
        size = 0
        while self._waiting and len(group) < GROUP_ROWS and size < GROUP_BYTES:
            entry = self._waiting.popleft()
            control_id = entry.received.control_id
            if control_id:
                known = (entry.channel.id, control_id)
                if known in ids:
                    again.append(entry)
                    continue
                ids.add(known)
            group.append(entry)
            size += len(entry.received.raw)
        self._waiting.extendleft(reversed(again))
        return group

    async def _write(self, group: list[Entry]) -> None:
        entries = group
        while entries:
            try:
                entries = self._held(entries)
                entries = await self._without_repeats(entries)
                if entries:
                    ids = await self.ids.reserve(sum(1 + len(e.targets) for e in entries))
                    await self._link.run("store", _rows(entries, ids, self._epochs))
                    self.groups += 1
                self.working = True
            except Fenced as fenced:
                self._lost(fenced.channels)
                continue
            except DatabaseGone as gone:
                if self.working:
                    log.warning("the database does not answer: %s", gone)
                self.working = False
                self._doubt(entries)
                self._fail(entries, Overloaded(_GONE, unsure=True))
                return
            except Refused as refused:
                await self._refused(entries, refused)
                return
            for entry in entries:
                self._stored(entry)
                _resolve(entry)
            return

    async def _refused(self, entries: list[Entry], refused: Refused) -> None:
        if len(entries) > 1 and refused.sqlstate[:2] != "53":  # one bad value must not refuse the others
            for entry in entries:
                await self._write([entry])
            return
        log.error("the database refused a group: %s", refused.sqlstate)
        full = refused.sqlstate[:2] == "53"
        reason = "数据库磁盘或连接已满，消息没有确认：请稍后重发" if full else "消息不能存入数据库，没有确认"
        self._fail(entries, Overloaded(reason))

    def _held(self, entries: list[Entry]) -> list[Entry]:
        held = [e for e in entries if e.channel.id in self._epochs]
        if len(held) < len(entries):
            self._fail([e for e in entries if e.channel.id not in self._epochs], Overloaded(_NOT_HELD, unsure=True))
        return held

    async def _without_repeats(self, entries: list[Entry]) -> list[Entry]:
        """Digests, and what is new; repeats are answered as the first was."""
        doubtful: list[Entry] = []
        for entry in entries:
            received = entry.received
            entry.digest = entry.digest or sm3(received.raw)
            entry.answer = received.answer
            if control_id := received.control_id:
                memory = self.memory(entry.channel.id)
                if not memory.complete or memory.seen.maybe(control_id):
                    doubtful.append(entry)
        repeats = await self._ask(doubtful) if doubtful else set()
        new = [e for e in entries if e not in repeats] if repeats else entries
        for entry in new:  # before the commit: what perhaps was committed is doubtful ever after
            if entry.received.control_id:
                self.memory(entry.channel.id).seen.add(entry.received.control_id)
        return new

    async def _ask(self, doubtful: list[Entry]) -> set[Entry]:
        rows = await self._link.rows(
            "repeats",
            [pg.int4s([e.channel.id for e in doubtful]), pg.texts([e.received.control_id for e in doubtful])],
        )
        repeats: set[Entry] = set()
        for n, id, at, digest, answer in rows:
            entry = doubtful[_int(n) - 1]
            if digest == entry.digest:
                entry.repeat_of, entry.at, entry.answer = _int(id), _int(at), answer
                repeats.add(entry)
            elif entry not in repeats and not entry.problem:
                entry.problem = f"控制号与先前的消息 {_int(id)} 相同而内容不同"
                if entry.channel.settings.get("same_id") == "quarantine":
                    entry.state, entry.targets = "quarantined", []
        for entry in repeats:
            entry.problem = ""
            if self._unsure and self._unsure.pop((entry.channel.id, entry.received.control_id), self) is None:
                self._unseen(entry)
            _resolve(entry)
        return repeats

    def _doubt(self, entries: list[Entry]) -> None:
        """Whether they were committed is not known: the commit may even come later than this."""
        for entry in entries:
            if entry.id:
                self._unseen(entry)
            if control_id := entry.received.control_id:
                self._unsure[entry.channel.id, control_id] = None
        while len(self._unsure) > SPAN:
            del self._unsure[next(iter(self._unsure))]

    @staticmethod
    def _fail(entries: list[Entry] | deque[Entry], reason: Overloaded) -> None:
        for entry in entries:
            if entry.done is not None and not entry.done.done():
                entry.done.set_exception(reason)


def _resolve(entry: Entry) -> None:
    if entry.done is not None and not entry.done.done():
        entry.done.set_result(None)


def _int(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "big", signed=True)


def now_micros() -> int:
    return time.time_ns() // 1_000 - 946_684_800_000_000


def _rows(entries: list[Entry], ids: list[int], epochs: Mapping[int, int]) -> list[bytes | None]:
    """The parameters of statements.STORE."""
    at, used = now_micros(), 0
    queued: list[tuple[Entry, int, Target]] = []
    for entry in entries:
        entry.id, entry.at, used = ids[used], at, used + 1
        entry.queued = ids[used : used + len(entry.targets)]
        used += len(entry.targets)
        queued += [(entry, id, target) for id, target in zip(entry.queued, entry.targets, strict=True)]
    held, their_epochs = epochs_of(epochs, [e.channel.id for e in entries])
    got = [e.received for e in entries]
    sending = [at if t.state == "sending" else None for _, _, t in queued]
    return [
        pg.int4s(held),
        pg.int8s(their_epochs),
        pg.int8s([e.id for e in entries]),
        pg.moments([at] * len(entries)),
        pg.int4s([e.channel.id for e in entries]),
        pg.texts([e.state for e in entries]),
        pg.texts([r.control_id for r in got]),
        pg.texts([r.type for r in got]),
        pg.texts([r.key for r in got]),
        pg.texts([r.patient for r in got]),
        pg.texts([r.reference for r in got]),
        pg.moments([pg.micros(r.event_at) if r.event_at else None for r in got]),
        pg.texts([r.charset for r in got]),
        pg.texts([r.peer for r in got]),
        pg.int4s([len(r.raw) for r in got]),
        pg.byteas([e.digest for e in entries]),
        pg.byteas([r.raw for r in got]),
        pg.byteas([e.answer for e in entries]),
        pg.texts([e.problem or r.problem for e, r in zip(entries, got, strict=True)]),
        pg.int2s([len(e.targets) for e in entries]),
        pg.int8s([id for _, id, _ in queued]),
        pg.int8s([e.id for e, _, _ in queued]),
        pg.moments([at] * len(queued)),
        pg.int4s([t.channel_id for _, _, t in queued]),
        pg.int4s([t.version_id for _, _, t in queued]),
        pg.texts([t.key for _, _, t in queued]),
        pg.texts([t.state for _, _, t in queued]),
        pg.moments([at] * len(queued)),
        pg.int4s([len(e.received.raw) for e, _, _ in queued]),
        pg.moments(sending),
        pg.int4s([0 if since is None else 1 for since in sending]),
        pg.jsons([e.inquiry for e, _, _ in queued]),
    ]
