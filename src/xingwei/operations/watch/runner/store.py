"""What was measured goes to the database in bulk: samples by binary COPY, states as arrays, once a second.

While the database does not answer, results wait in memory, up to a bound; beyond it the oldest samples go, and the
time without a heartbeat is shown as blind.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from ..probes.base import Signal

log = logging.getLogger(__name__)

MOST_SAMPLES = 500_000  # about 20 MB
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_ROW = np.dtype([
    ("n", ">i2"), ("l1", ">i4"), ("series", ">i4"), ("l2", ">i4"), ("at", ">i8"), ("l3", ">i4"), ("value", ">f8"),
])  # fmt: skip
_EPOCH_2000 = 946_684_800

_SERIES = """
INSERT INTO watch_series (key, probe_id, node, signal, title, unit, worse, created_at)
SELECT n.key, n.probe_id, n.node, n.signal, n.title, n.unit, n.worse, now()
FROM unnest(%s::text[], %s::int8[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS n (key, probe_id, node, signal, title, unit, worse)
JOIN watch_probe p ON p.id = n.probe_id
ON CONFLICT (key) DO UPDATE SET probe_id = excluded.probe_id, node = excluded.node, title = excluded.title,
  unit = excluded.unit, worse = excluded.worse
RETURNING key, id
"""
_STATES = """
INSERT INTO watch_probestate AS s (probe_id, at, state, since, ok, said, ms, values, odd)
SELECT n.probe_id, n.at, n.state, n.since, n.ok, n.said, n.ms, n.values, n.odd
FROM unnest(%s::int8[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::bool[], %s::text[], %s::float8[],
  %s::jsonb[], %s::jsonb[]) AS n (probe_id, at, state, since, ok, said, ms, values, odd)
JOIN watch_probe p ON p.id = n.probe_id
ON CONFLICT (probe_id) DO UPDATE SET at = excluded.at, state = excluded.state, since = excluded.since,
  ok = excluded.ok, said = excluded.said, ms = excluded.ms, values = excluded.values, odd = excluded.odd
WHERE s.at <= excluded.at
"""
_CHANGES = """
INSERT INTO watch_probechange (probe_id, at, before, after, said)
SELECT n.probe_id, n.at, n.before, n.after, n.said
FROM unnest(%s::int8[], %s::timestamptz[], %s::text[], %s::text[], %s::text[]) AS n (probe_id, at, before, after, said)
JOIN watch_probe p ON p.id = n.probe_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    probe_id: int
    at: dt.datetime
    before: str
    after: str
    said: str


@dataclass(slots=True)
class Row:
    """The state of a probe as it is to be written."""

    probe_id: int
    at: dt.datetime
    state: str
    since: dt.datetime
    ok: bool
    said: str
    ms: float | None
    values: dict[str, float]
    odd: dict[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One probe's numbers of one look, with what is needed to name new series."""

    probe_id: int
    code: str
    node: str
    at: float
    values: tuple[tuple[Signal, float], ...]


def packed(series: Any, at: Any, value: Any) -> bytes:
    """Rows of (series_id, at, value) in COPY's binary form. at: seconds since 1970."""
    rows = np.empty(len(series), dtype=_ROW)
    rows["n"], rows["l1"], rows["l2"], rows["l3"] = 3, 4, 8, 8
    rows["series"], rows["value"] = series, value
    rows["at"] = np.round((np.asarray(at, dtype=np.float64) - _EPOCH_2000) * 1e6).astype(np.int64)
    return b"".join((_HEAD, rows.tobytes(), _TAIL))


class Store:
    """Gathers; `flush` writes."""

    def __init__(self) -> None:
        self._series: dict[str, int] = {}
        self._measured: deque[Measured] = deque()
        self._samples = 0
        self._rows: dict[int, Row] = {}
        self._changes: list[Change] = []
        self.dropped = 0

    def add(self, measured: Measured, row: Row, change: Change | None) -> None:
        self._measured.append(measured)
        self._samples += len(measured.values)
        self._rows[row.probe_id] = row
        if change is not None:
            self._changes.append(change)
        while self._samples > MOST_SAMPLES:
            gone = self._measured.popleft()
            self._samples -= len(gone.values)
            self.dropped += len(gone.values)

    @property
    def waiting(self) -> int:
        return self._samples

    async def flush(self, db: psycopg.AsyncConnection[Any]) -> int:
        """Everything that waits, in one transaction; how many samples. Raises psycopg.Error, and keeps all then."""
        if not self._rows and not self._measured:
            return 0
        measured, rows, changes = list(self._measured), dict(self._rows), list(self._changes)
        known: dict[str, int] = {}
        async with db.transaction():
            known = await self._name(db, measured)
            written = await self._copy(db, measured, self._series | known)
            await self._states(db, rows.values())
            if changes:
                await db.execute(
                    _CHANGES,
                    [[c.probe_id for c in changes], [c.at for c in changes], [c.before for c in changes],
                     [c.after for c in changes], [c.said[:300] for c in changes]],
                )  # fmt: skip
        self._series |= known
        for one in measured:
            if self._measured and self._measured[0] is one:
                self._measured.popleft()
                self._samples -= len(one.values)
        for pk, row in rows.items():
            if self._rows.get(pk) is row:
                del self._rows[pk]
        del self._changes[: len(changes)]
        return written

    async def _name(self, db: psycopg.AsyncConnection[Any], measured: Iterable[Measured]) -> dict[str, int]:
        """The ids of series that this process has not met yet."""
        new: dict[str, tuple[Any, ...]] = {}
        for one in measured:
            for signal, _ in one.values:
                key = f"{one.code}/{signal.name}"[:160]
                if key not in self._series and key not in new:
                    new[key] = (one.probe_id, one.node, signal.name[:80], signal.title[:60], signal.unit, signal.worse)
        if not new:
            return {}
        columns = [list(c) for c in zip(*new.values(), strict=True)]
        cursor = await db.execute(_SERIES, [list(new), *columns])
        return dict(await cursor.fetchall())

    async def _copy(self, db: psycopg.AsyncConnection[Any], measured: Iterable[Measured], ids: dict[str, int]) -> int:
        series, at, values = [], [], []
        for one in measured:
            for signal, value in one.values:
                pk = ids.get(f"{one.code}/{signal.name}"[:160])
                if pk is not None:  # a probe that was deleted meanwhile has no series
                    series.append(pk)
                    at.append(one.at)
                    values.append(value)
        if series:
            await copy(db, packed(series, at, values))
        return len(series)

    async def _states(self, db: psycopg.AsyncConnection[Any], rows: Iterable[Row]) -> None:
        found = list(rows)
        if not found:
            return
        await db.execute(
            _STATES,
            [[r.probe_id for r in found], [r.at for r in found], [r.state for r in found], [r.since for r in found],
             [r.ok for r in found], [r.said[:300] for r in found], [r.ms for r in found],
             [Jsonb(r.values) for r in found], [Jsonb(r.odd) for r in found]],
        )  # fmt: skip


async def copy(db: psycopg.AsyncConnection[Any], content: bytes) -> None:
    """Raises psycopg.Error."""
    async with (
        db.cursor() as cursor,
        cursor.copy("COPY watch_sample (series_id, at, value) FROM STDIN (FORMAT BINARY)") as into,
    ):
        await into.write(content)
