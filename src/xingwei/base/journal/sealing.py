"""The sealer: gives waiting entries their numbers and hashes, and signs heads.

Whoever records never waits for it. Only one sealer works at a time (an advisory lock); another one that
comes meanwhile has nothing to do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.runtime.crypto import Signer

from . import options, wire
from .engine.chain import link
from .engine.heads import EVERY, MARK, ZERO, Head, sign
from .models import SignedHead

BATCH = 20_000
HEAD_AGE = dt.timedelta(seconds=60)  # a younger head is not followed by another one for a few rows
LOCK = 0x5857_4A31  # "XWJ1"


@dataclass(slots=True)
class _State:
    """Where the chain stands: the last row, the last head, and the marks since it."""

    seq: int = 0
    hash: bytes = ZERO
    head: Head | None = None
    marks: bytearray = field(default_factory=bytearray)


def seal(*, signer: Signer | None = None, progress: Callable[[int], None] | None = None) -> int:
    """Seal everything that waits; returns how many rows. progress is told after each portion.

    Harmless at any time and from several processes at once. A row is under a signed head after a minute at
    the latest, or when a thousand have come together.
    """
    signer = signer or options.signer()
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            if not _lock(cursor):
                return total
            taken, sealed = _seal_portion(cursor, signer)
        total += sealed
        if progress:
            progress(total)
        if taken < BATCH:
            return total


def sign_now(signer: Signer, *, purged: int | None = None) -> Head | None:
    """Sign a head over the last row, whatever its age; purged: declare rows up to this number removed.

    Call inside a transaction that holds the sealer's lock. None where there is no row at all.
    """
    with connection.cursor() as cursor:
        state = _load(cursor)
        if state.seq == 0:
            return None
        return _sign(state, signer, purged=purged)


def wait_for_lock(cursor: Any) -> None:
    """Become the only sealer until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _lock(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
    return bool(cursor.fetchone()[0])


def _seal_portion(cursor: Any, signer: Signer) -> tuple[int, int]:
    """(entries taken from the queue, rows sealed). An entry that is sealed already just leaves the queue."""
    cursor.execute(
        "DELETE FROM journal_pending WHERE entry_id IN"
        " (SELECT entry_id FROM journal_pending ORDER BY entry_id LIMIT %s) RETURNING entry_id",
        [BATCH],
    )
    waiting = [row[0] for row in cursor.fetchall()]
    state = _load(cursor)
    bodies = wire.read_bodies(cursor, waiting) if waiting else []
    rows = []
    hashes = link(state.hash, (body for _, body in bodies))
    for (entry_id, _), hash_ in zip(bodies, hashes, strict=True):
        rows.append((state.seq + 1, entry_id, state.hash, hash_))
        state.seq, state.hash = state.seq + 1, hash_
        state.marks += hash_[:MARK]
        if len(state.marks) == EVERY * MARK:
            _sign(state, signer)
    if rows:
        wire.write_seals(cursor, rows)
    if state.marks and (state.head is None or abs(timezone.now() - state.head.at) >= HEAD_AGE):
        _sign(state, signer)
    return len(waiting), len(rows)


def _load(cursor: Any) -> _State:
    state = _State()
    cursor.execute("SELECT seq, hash FROM journal_seal ORDER BY seq DESC LIMIT 1")
    if row := cursor.fetchone():
        state.seq, state.hash = row[0], bytes(row[1])
    last = SignedHead.objects.order_by("-id").first()
    state.head = last.engine() if last else None
    covered = state.head.seq if state.head else 0
    query = "SELECT substring(hash, 1, %s) FROM journal_seal WHERE seq > %s ORDER BY seq"
    cursor.execute(query, [MARK, covered])
    for (mark,) in cursor.fetchall():
        state.marks += bytes(mark)
    return state


def _sign(state: _State, signer: Signer, *, purged: int | None = None) -> Head:
    before = state.head
    head = sign(
        Head(
            seq=state.seq,
            hash=state.hash,
            at=timezone.now(),
            prev=before.digest() if before else ZERO,
            purged=purged if purged is not None else before.purged if before else 0,
            marks=bytes(state.marks),
        ),
        signer,
    )
    SignedHead.objects.create(**SignedHead.values(head))
    state.head = head
    state.marks.clear()
    return head
