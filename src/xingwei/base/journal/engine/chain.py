"""The chain: hash = SM3(hash of the row before ‖ body), and finding the first row that was tampered with.

Rows are sealed in the order in which the sealer meets them, one number after another, by one sealer at a
time; whoever writes entries never waits for it. Who can write the database can rebuild the chain, but not
the signed heads (heads.py), so rows are held against both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from xingwei.base.runtime.crypto import sm3

from .canonical import from_microseconds, identity, to_microseconds
from .heads import EVERY, MARK, ZERO, Head

# A long transaction may be sealed hours after its first entry; a day later is worth a remark.
BACKDATED: Final = dt.timedelta(hours=24)


class Row(NamedTuple):
    """A sealed row. body is None when the entry that it sealed is gone."""

    seq: int
    entry_id: int
    prev: bytes
    hash: bytes
    body: bytes | None


class Kind(StrEnum):
    """What was done to the first bad row."""

    CHANGED = "changed"
    SEAL_CHANGED = "seal_changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    REPLACED = "replaced"
    TRUNCATED = "truncated"
    UNSIGNED = "unsigned"
    HEAD_FORGED = "head_forged"
    HEAD_MISSING = "head_missing"
    EXPORT_FORGED = "export_forged"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first bad row. seq: its number; None for an entry outside the chain. until: last row of a run that
    is bad as a whole. entry_id and at (aware) where they are known."""

    kind: Kind
    seq: int | None
    entry_id: int | None = None
    at: dt.datetime | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """checked: rows that were found good. last: number and hash of the last of them. sure: the last row that
    a head vouches for. backdated: numbers of the first few rows whose time lies a day or more before the head
    that precedes them; not an error."""

    checked: int
    last: tuple[int, bytes]
    sure: int = 0
    problem: Problem | None = None
    backdated: tuple[int, ...] = ()


class Lookup(Protocol):
    """Asked only once something is wrong, to say what."""

    def after(self, hash_: bytes) -> int | None:
        """The number of the row whose prev this is."""

    def having(self, hash_: bytes) -> int | None:
        """The number of the row whose hash this is."""


def link(prev: bytes, bodies: Iterable[bytes]) -> Iterator[bytes]:
    """The hash of each body, chained on prev."""
    for body in bodies:
        prev = sm3(prev + body)
        yield prev


class Verifier:
    """Holds rows, in order, against each other and against the heads.

    heads: those that a known key vouches for (heads.trusted). start: number and hash after which the rows
    begin; (0, ZERO) for a whole chain. stop: the last number to come, for a part; None to the end.
    Feed rows in any number of portions, then ask for the verdict.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        lookup: Lookup,
        *,
        start: tuple[int, bytes] = (0, ZERO),
        stop: int | None = None,
    ) -> None:
        self._lookup = lookup
        self._start = self._seq = start[0]
        self._running = start[1]
        self._stop = stop
        self._heads = sorted((h for h in heads if h.seq > start[0]), key=lambda h: h.seq)
        self._any_head = bool(heads)
        self._next = 0  # the first head that is still to come
        self._sure = start[0]  # the last row that a head vouches for
        self._since: list[tuple[int, bytes, int]] = []  # (seq, hash, entry_id) of the next head's span
        passed = (to_microseconds(h.at - BACKDATED) for h in heads if h.seq <= start[0])
        self._oldest = max(passed, default=-(1 << 62))
        self._backdated: list[int] = []
        self.problem: Problem | None = None

    def feed(self, rows: Iterable[Row]) -> bool:
        """Check a portion; False once something is wrong, after which nothing more is looked at."""
        if self.problem is not None:
            return False
        next_at, collect_from = self._horizon()
        for row in rows:
            expected = self._seq + 1
            if (
                row.seq != expected
                or row.prev != self._running
                or row.body is None
                or sm3(self._running + row.body) != row.hash
            ):
                self.problem = self._off_mark(expected) or self._diagnose(row, expected)
                return False
            self._seq, self._running = expected, row.hash
            if identity(row.body)[1] < self._oldest and len(self._backdated) < 10:
                self._backdated.append(expected)
            if expected >= collect_from:
                self._since.append((expected, row.hash, row.entry_id))
            if expected == next_at:
                if not self._pass_heads():
                    return False
                next_at, collect_from = self._horizon()
        return True

    def verdict(self) -> Verdict:
        """After the last row: also whether rows are missing at the end, or were never signed."""
        if self.problem is None:
            self.problem = self._end()
        last = (self._seq, self._running)
        return Verdict(self._seq - self._start, last, self._sure, self.problem, tuple(self._backdated))

    def _horizon(self) -> tuple[int, int]:
        """Where the next head stands, and from where on the rows before it must be remembered."""
        if self._next == len(self._heads):
            return 0, 1 << 62
        head = self._heads[self._next]
        return head.seq, max(self._sure + 1, head.first)

    def _pass_heads(self) -> bool:
        while self._next < len(self._heads) and self._heads[self._next].seq == self._seq:
            head = self._heads[self._next]
            if head.hash != self._running:
                off = self._off_mark(self._seq + 1)
                self.problem = off or Problem(Kind.REPLACED, self._sure + 1, until=self._seq)
                return False
            self._next += 1
            self._oldest = max(self._oldest, to_microseconds(head.at - BACKDATED))
        self._sure = self._seq
        self._since.clear()
        return True

    def _mark(self, seq: int) -> bytes | None:
        """What a head says the row's hash begins with."""
        for head in self._heads[self._next :]:
            if head.first <= seq <= head.seq:
                place = (seq - head.first) * MARK
                return head.marks[place : place + MARK]
            if head.seq > seq + 2 * EVERY:
                break
        return None

    def _off_mark(self, before: int) -> Problem | None:
        """The first of the remembered rows that is not the one that was sealed under its number."""
        for seq, hash_, entry_id in self._since:
            mark = self._mark(seq)
            if seq >= before or mark is None:
                break
            adjacent = seq == self._sure + 1
            if mark != hash_[:MARK]:
                return Problem(Kind.REPLACED, self._sure + 1, entry_id if adjacent else None)
            if adjacent:
                self._sure = seq
        return None

    def _diagnose(self, row: Row, n: int) -> Problem:
        """What is wrong with the row that stands where number n should."""
        known = Problem(Kind.CHANGED, n, row.entry_id, _time(row.body))
        follower = self._lookup.after(self._running)
        if row.seq != n:
            if follower == row.seq:
                return replace(known, kind=Kind.SEAL_CHANGED)  # only its number was
            if follower is not None:
                return Problem(Kind.REORDERED, n)
            return Problem(Kind.REMOVED, n, until=row.seq - 1 if row.seq > n + 1 else None)
        if row.body is None:
            return replace(known, kind=Kind.REMOVED)
        if row.prev == self._running:
            return replace(known, kind=self._content_or_seal(row, n))
        if sm3(row.prev + row.body) == row.hash:
            return self._misplaced(row, known, follower)
        if sm3(self._running + row.body) == row.hash:
            return replace(known, kind=Kind.SEAL_CHANGED)
        if follower is not None and follower != n:
            return replace(known, kind=Kind.INSERTED)
        return known

    def _content_or_seal(self, row: Row, n: int) -> Kind:
        """The row's hash is not its own: has the entry been changed, or its seal?"""
        assert row.body is not None
        computed = sm3(self._running + row.body)
        mark = self._mark(n)
        if mark is not None:
            return Kind.SEAL_CHANGED if mark == computed[:MARK] else Kind.CHANGED
        return Kind.SEAL_CHANGED if self._lookup.after(computed) == n + 1 else Kind.CHANGED

    def _misplaced(self, row: Row, known: Problem, follower: int | None) -> Problem:
        """The row is whole, but does not follow the one before it."""
        n = row.seq
        before = self._lookup.having(row.prev)
        if before is not None and before < n - 1:
            run = n - 1 if before < n - 2 else None
            return Problem(Kind.INSERTED, before + 1, until=run)
        if follower is not None and follower > n:
            return replace(known, kind=Kind.REORDERED if before is not None else Kind.INSERTED)
        return replace(known, kind=Kind.REMOVED, entry_id=None, at=None)

    def _end(self) -> Problem | None:
        if self._stop is not None:
            if self._seq < self._stop:
                return Problem(Kind.REMOVED, self._seq + 1, until=self._stop)
            return self._off_mark(self._seq + 1)
        if self._next < len(self._heads):
            last = self._heads[-1].seq
            return self._off_mark(self._seq + 1) or Problem(Kind.TRUNCATED, self._seq + 1, until=last)
        if self._seq - self._sure >= EVERY or (self._seq > 0 and not self._any_head):
            return Problem(Kind.UNSIGNED, self._sure + 1, until=self._seq)
        return None


def _time(body: bytes | None) -> dt.datetime | None:
    try:
        return from_microseconds(identity(body)[1]) if body is not None else None
    except OverflowError:  # PostgreSQL knows later years than Python
        return None
