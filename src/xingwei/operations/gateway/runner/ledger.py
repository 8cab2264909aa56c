"""What became of deliveries, written in groups: out of the queue and into the deliveries in one commit.

Nothing is thrown away while the database is gone: results wait here and the ways out stop sending when too many do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..engine.backoff import Backoff
from ..engine.shares import epochs_of
from . import pg, statements
from .pg import DatabaseGone, Fenced, Link, Refused

log = logging.getLogger(__name__)

GROUP_ROWS = 512
LINGER_S = 0.003
"""Plain deliveries, for which nobody waits, are gathered so long: fewer commits, and a crash repeats no more than that."""
FULL = 2_000
"""So many results may wait for the database; then nothing more is sent."""

Told = Callable[[bool], None]
"""Called after the commit: was the row still there, and ours?"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A delivery that is done. Times in pg.micros; processed: None where it is the message as it was received."""

    id: int
    channel_id: int
    outcome: str
    done_at: int
    attempts: int = 1
    first_sent_at: int | None = None
    sent_at: int | None = None
    latency_us: int = 0
    processed: bytes | None = None
    response: bytes | None = None
    code: str = ""
    size: int = 0
    settled_by: str = ""
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Setback:
    """A delivery that is not done: its next state. outcome: of the try; empty where there was none."""

    id: int
    channel_id: int
    state: str
    at: int
    attempts: int
    next_at: int | None = None
    code: str = ""
    reason: str = ""
    first_sent_at: int | None = None
    inquiry: bytes | None = None
    outcome: str = ""
    latency_us: int = 0
    response: bytes | None = None
    wait_ms: int = 0
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A delivery whose first byte is about to leave for a receiver that cannot tell repeats."""

    id: int
    channel_id: int
    at: int
    attempts: int
    told: Told | None = None


Line = TypeVar("Line", Settlement, Setback, Mark)


class Ledger:
    """epochs: what the process holds now. lost: called with the channels that turned out to be another process's."""

    def __init__(self, dsn: str, epochs: Mapping[int, int], lost: Callable[[frozenset[int]], None]) -> None:
        self._link = Link(
            dsn,
            "ledger",
            {"settle": statements.SETTLE, "change": statements.CHANGE, "mark": statements.MARK},
            statements.SESSION,
        )
        self._epochs = epochs
        self._lost = lost
        self._settlements: list[Settlement] = []
        self._setbacks: list[Setback] = []
        self._marks: list[Mark] = []
        self._awake: asyncio.Future[None] | None = None
        self._busy = self._urgent = False
        self._lingering: asyncio.TimerHandle | None = None
        self.working = True
        """The last group reached the database."""

    @property
    def waiting(self) -> int:
        return len(self._settlements) + len(self._setbacks) + len(self._marks)

    @property
    def full(self) -> bool:
        return self.waiting >= FULL or not self.working

    def settle(self, settlement: Settlement, *, urgent: bool = True) -> None:
        """urgent: somebody waits for the commit."""
        self._settlements.append(settlement)
        if urgent or len(self._settlements) >= GROUP_ROWS:
            self._wake(urgent=urgent)
        elif self._lingering is None and self._awake is not None:
            self._linger()

    def set_back(self, setback: Setback) -> None:
        self._setbacks.append(setback)
        self._wake(urgent=True)

    async def mark(self, id: int, channel_id: int, at: int, attempts: int) -> bool:
        """True when the row says `sending` and may be sent; False where a person or another process took it."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def told(there: bool) -> None:
            if not done.done():
                done.set_result(there)

        self._marks.append(Mark(id, channel_id, at, attempts, told))
        self._wake(urgent=True)
        return await done

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where the time was up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        self._wake(urgent=True)
        while (self.waiting or self._busy) and loop.time() < end:
            await asyncio.sleep(0.01)
        return not self.waiting

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        backoff, failures = Backoff(0.1, 2.0, jitter=0.0), 0
        try:
            while True:
                if not self.waiting or not (self._urgent or failures or self.waiting >= GROUP_ROWS):
                    self._awake = loop.create_future()
                    if self.waiting:
                        self._linger()
                    await self._awake
                    self._awake = None
                self._busy = True
                try:
                    await self._write()
                    self.working, failures = True, 0
                except DatabaseGone as gone:
                    if self.working:
                        log.warning("results wait, the database does not answer: %s", gone)
                    self.working, failures = False, failures + 1
                finally:
                    self._busy = False
                if failures:
                    await asyncio.sleep(backoff.wait(failures, 0))
        finally:
            await self._link.close()

    def _linger(self) -> None:
        self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self._wake)

    def _wake(self, *, urgent: bool = False) -> None:
        self._urgent = self._urgent or urgent
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._awake is not None and not self._awake.done():
            self._awake.set_result(None)

    async def _write(self) -> None:
        """Once through the three kinds, in the order in which one delivery meets them. What is not written stays.

        Raises DatabaseGone.
        """
        self._urgent = len(self._setbacks) > GROUP_ROWS or len(self._marks) > GROUP_ROWS
        if self._setbacks:
            setbacks = _once_each(self._setbacks)
            await self._group("change", setbacks, _setback_rows)
            del self._setbacks[: len(setbacks)]
        if self._marks:
            marks = self._marks[:GROUP_ROWS]
            await self._group("mark", marks, _mark_rows)
            del self._marks[: len(marks)]
        if self._settlements:
            settlements = self._settlements[:GROUP_ROWS]
            await self._group("settle", settlements, _settlement_rows)
            del self._settlements[: len(settlements)]

    async def _group(self, statement: str, lines: list[Line], rows: Callable[[list[Line]], list[bytes | None]]) -> None:
        while True:
            held: list[Line] = [line for line in lines if line.channel_id in self._epochs]
            _tell([line for line in lines if line.channel_id not in self._epochs], set())
            if not held:
                return
            channels, epochs = epochs_of(self._epochs, [line.channel_id for line in held])
            parameters = [pg.int4s(channels), pg.int8s(epochs), *rows(held)]
            try:
                if statement == "settle":
                    await self._link.run(statement, parameters)
                    there = {line.id for line in held}
                else:
                    there = await self._link.ids(statement, parameters)
            except Fenced as fenced:
                self._lost(fenced.channels)
                lines = held
                continue
            except Refused as refused:
                await self._refused(statement, held, rows, refused)
                return
            _tell(held, there)
            return

    async def _refused(
        self,
        statement: str,
        lines: list[Line],
        rows: Callable[[list[Line]], list[bytes | None]],
        refused: Refused,
    ) -> None:
        if refused.sqlstate[:2] == "53":  # disk or memory full: as if it were gone
            raise DatabaseGone(str(refused))
        if len(lines) > 1:
            for line in lines:
                await self._group(statement, [line], rows)
            return
        line = lines[0]
        if isinstance(line, Settlement) and line.processed is not None:
            await self._group(statement, [replace(line, processed=None, response=None, code="")], rows)
            return
        log.error("a result of delivery %d cannot be written: %s", line.id, refused.sqlstate)
        _tell(lines, set())


def _once_each(setbacks: list[Setback]) -> list[Setback]:
    """The first ones, no delivery twice: one statement changes a row once."""
    ids: set[int] = set()
    for at, setback in enumerate(setbacks[:GROUP_ROWS]):
        if setback.id in ids:
            return setbacks[:at]
        ids.add(setback.id)
    return setbacks[:GROUP_ROWS]


def _tell(lines: list[Line], there: set[int]) -> None:
    for line in lines:
        if line.told is not None:
            line.told(line.id in there)


def _settlement_rows(lines: list[Settlement]) -> list[bytes | None]:
    return [
        pg.int8s([s.id for s in lines]),
        pg.moments([s.done_at for s in lines]),
        pg.texts([s.outcome for s in lines]),
        pg.int4s([s.attempts for s in lines]),
        pg.moments([s.first_sent_at for s in lines]),
        pg.moments([s.sent_at for s in lines]),
        pg.int4s([s.latency_us for s in lines]),
        pg.byteas([s.processed for s in lines]),
        pg.byteas([s.response for s in lines]),
        pg.texts([s.code for s in lines]),
        pg.int4s([s.size for s in lines]),
        pg.texts([s.settled_by for s in lines]),
    ]


def _setback_rows(lines: list[Setback]) -> list[bytes | None]:
    return [
        pg.int8s([s.id for s in lines]),
        pg.texts([s.state for s in lines]),
        pg.int4s([s.attempts for s in lines]),
        pg.moments([s.next_at for s in lines]),
        pg.texts([s.code for s in lines]),
        pg.texts([s.reason for s in lines]),
        pg.moments([s.first_sent_at for s in lines]),
        pg.jsons([s.inquiry for s in lines]),
        pg.texts([s.outcome for s in lines]),
        pg.moments([s.at for s in lines]),
        pg.int4s([s.latency_us for s in lines]),
        pg.byteas([s.response for s in lines]),
        pg.int4s([s.wait_ms for s in lines]),
    ]


def _mark_rows(lines: list[Mark]) -> list[bytes | None]:
    return [
        pg.int8s([m.id for m in lines]),
        pg.int4s([m.attempts for m in lines]),
        pg.moments([m.at for m in lines]),
    ]
