"""The order in which a way out sends: first in, first out for each order key, keys beside one another.

Pure: no clock, no I/O. Times are seconds on any monotonic clock, given by the caller.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class _At(Enum):
    READY = 0  # its head may be taken (after `due`)
    OUT = 1  # its head is on the wire
    HELD = 2  # its head's outcome is not known, or a person stopped the key


@dataclass(slots=True, eq=False)
class _Entry(Generic[T]):
    id: int
    key: str
    item: T


class _Key(Generic[T]):
    __slots__ = ("at", "due", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Entry[T]] = deque()
        self.at = _At.READY
        self.due = 0.0


class Lanes(Generic[T]):
    """What waits in memory. The empty key is a key like any other, so what has no key keeps the order of all.

    Ids rise with acceptance; an entry that is added late with a smaller id takes its place before the larger ones,
    but never before one that is already on the wire.
    """

    def __init__(self) -> None:
        self._keys: dict[str, _Key[T]] = {}
        self._entries: dict[int, _Entry[T]] = {}
        self._ready: list[tuple[int, str]] = []  # id of the head when it was pushed; stale ones are skipped
        self._delayed: list[tuple[float, int, str]] = []
        self._out: set[int] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id: int) -> bool:
        return id in self._entries

    @property
    def out(self) -> int:
        """How many are on the wire."""
        return len(self._out)

    def ids(self) -> list[int]:
        return list(self._entries)

    def is_out(self, id: int) -> bool:
        return id in self._out

    def add(self, id: int, key: str, item: T, due: float = 0.0) -> None:
        """Something new. due: not before that time; holds its key back, as order demands."""
        if id in self._entries:
            return
        entry = _Entry(id, key, item)
        self._entries[id] = entry
        queue = self._keys.get(key)
        if queue is None:
            queue = self._keys[key] = _Key()
        waiting = queue.waiting
        if not waiting or waiting[-1].id < id:
            waiting.append(entry)
            if len(waiting) > 1:
                return
        else:
            fixed = [waiting.popleft()] if queue.at is not _At.READY else []
            rest = list(waiting)
            insort(rest, entry, key=_id)
            queue.waiting = waiting = deque(fixed + rest)
        if waiting[0] is entry and queue.at is _At.READY:
            queue.due = due
            self._offer(queue, key)

    def take(self, now: float) -> T | None:
        """The oldest head that may go now; it is on the wire until done, again or hold says otherwise."""
        delayed = self._delayed
        while delayed and delayed[0][0] <= now:
            due, id, key = heapq.heappop(delayed)
            queue = self._keys.get(key)
            if queue is not None and queue.at is _At.READY and queue.waiting[0].id == id and queue.due == due:
                heapq.heappush(self._ready, (id, key))
        ready = self._ready
        while ready:
            id, key = heapq.heappop(ready)
            queue = self._keys.get(key)
            if queue is None or queue.at is not _At.READY or queue.waiting[0].id != id or queue.due > now:
                continue
            queue.at = _At.OUT
            self._out.add(id)
            return queue.waiting[0].item
        return None

    def next_due(self) -> float | None:
        """When the first delayed head may go; None where none is delayed."""
        return self._delayed[0][0] if self._delayed else None

    def done(self, id: int) -> None:
        """It is settled, one way or another: its key goes on."""
        entry = self._entries.pop(id, None)
        if entry is None:
            return
        self._out.discard(id)
        queue = self._keys[entry.key]
        head = queue.waiting[0] is entry
        if head:
            queue.waiting.popleft()
        else:
            queue.waiting.remove(entry)
        if not queue.waiting:
            del self._keys[entry.key]
        elif head:
            queue.at, queue.due = _At.READY, 0.0
            self._offer(queue, entry.key)

    def again(self, id: int, due: float) -> None:
        """It failed, or may be sent after all: first of its key again, not before that time."""
        entry = self._entries.get(id)
        if entry is None:
            return
        queue = self._keys[entry.key]
        if queue.waiting[0] is entry:
            self._out.discard(id)
            queue.at, queue.due = _At.READY, due
            self._offer(queue, entry.key)

    def hold(self, id: int) -> None:
        """Its outcome is not known: the key waits behind it."""
        entry = self._entries.get(id)
        if entry is not None and self._keys[entry.key].waiting[0] is entry:
            self._out.discard(id)
            self._keys[entry.key].at = _At.HELD

    def drop(self, id: int) -> bool:
        """A person took it away. False where it is on the wire already."""
        if id in self._out:
            return False
        self.done(id)
        return True

    def _offer(self, queue: _Key[T], key: str) -> None:
        id = queue.waiting[0].id
        if queue.due > 0:
            heapq.heappush(self._delayed, (queue.due, id, key))
        else:
            heapq.heappush(self._ready, (id, key))


def _id(entry: _Entry[T]) -> int:
    return entry.id
