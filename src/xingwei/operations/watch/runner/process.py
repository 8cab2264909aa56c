"""A watching process: takes its share of the probes, looks when they are due, writes what it found, says that it lives."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from ..engine.baseline import slot_of
from ..engine.judging import Judged, Looked, judge
from ..engine.schedule import Agenda, first
from ..probes.base import MS, UP, ProbeProblem, Signal, Task, why
from . import configuration
from .configuration import Running
from .leases import BEAT_S, Leases
from .store import Change, Measured, Row, Store

log = logging.getLogger(__name__)

TOPIC = "watch_probes"
AT_ONCE = 400  # looks under way at the same time
FLUSH_S = 1.0
READ_S = 5.0
USUAL_S = 600.0
LATE_S = 5.0
STOP_S = 3.0
CHINA = dt.timezone(dt.timedelta(hours=8))


class Watcher:
    """dsn: of the product's database. name: of the process. weekday: of a date, as the working calendar counts it."""

    def __init__(self, dsn: str, name: str, *, at_once: int = AT_ONCE) -> None:
        self.dsn = dsn
        self.leases = Leases(name)
        self.store = Store()
        self.probes: dict[int, Running] = {}
        self.agenda = Agenda()
        self.shared: dict[str, Any] = {"db": self._db}
        self.ready = asyncio.Event()
        self.done = 0
        self._late = 0
        self._gate = asyncio.Semaphore(at_once)
        self._dbs: dict[str, psycopg.AsyncConnection[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._reread = asyncio.Event()
        self._why = "没有监测进程在运行"
        self._done_at_beat = (time.monotonic(), 0)
        self._weekdays: dict[dt.date, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises ProbeProblem where a living process bears the name."""
        await self._enroll(stop)
        if stop.is_set():
            return
        works: tuple[tuple[Callable[[], Awaitable[None]], float], ...] = (
            (self._beat, BEAT_S), (self._lease, BEAT_S), (self._read, 0.0), (self._flush, FLUSH_S),
            (self._listen, 0.0), (self._learn, USUAL_S),
        )  # fmt: skip
        loops = [asyncio.create_task(self._forever(work, every)) for work, every in works]
        loops.append(asyncio.create_task(self._start_what_is_due()))
        try:
            await stop.wait()
        finally:
            await self._stop(loops)

    # Life

    async def _enroll(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.leases.enroll(await self._db("control"))
                return
            except psycopg.Error as error:
                log.warning("waiting for the database: %s", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)

    async def _stop(self, loops: list[asyncio.Task[None]]) -> None:
        for task in (*loops, *self._tasks):
            task.cancel()
        await asyncio.gather(*loops, *self._tasks, return_exceptions=True)
        with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.store.flush(await self._db("store"))
                await self.leases.release(await self._db("control"))
        await asyncio.gather(*(p.forget() for p in self.probes.values()), return_exceptions=True)
        if session := self.shared.pop("http", None):
            await session.close()
        for connection in self._dbs.values():
            await connection.close()

    async def _forever(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Again and again, whatever happens; a database that does not answer is asked again."""
        while True:
            began = time.monotonic()
            try:
                await work()
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._why = "监测进程停顿，或数据库没有应答"
                log.warning("%s: %s", work.__name__, error)
                await asyncio.sleep(0.5)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception(work.__name__)
                await asyncio.sleep(1)
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - began)))

    async def _db(self, name: str) -> psycopg.AsyncConnection[Any]:
        found = self._dbs.get(name)
        if found is None or found.closed:
            found = self._dbs[name] = await psycopg.AsyncConnection.connect(
                self.dsn,
                autocommit=True,
                connect_timeout=5,
                application_name=f"xingwei watch {self.leases.name} {name}",
            )
            await found.execute("SET statement_timeout = '30s'")
        return found

    # Loops

    async def _beat(self) -> None:
        now = time.monotonic()
        then, done = self._done_at_beat
        rate = 60 * (self.done - done) / max(now - then, 0.001)
        await self.leases.beat(await self._db("control"), round(rate, 1), self._late, self._why)
        self._why = "监测进程停顿，或数据库没有应答"
        if now - then > 10:
            self._done_at_beat, self._late = (now, self.done), 0

    async def _lease(self) -> None:
        before = set(self.leases.shares)
        if await self.leases.share(await self._db("lease")) != before:
            self._reread.set()

    async def _listen(self) -> None:
        db = await self._db("listen")
        await db.execute(f"LISTEN {TOPIC}")
        async for note in db.notifies():
            if note.payload.startswith("now:"):
                self._at_once(int(note.payload[4:]))
            else:
                self._reread.set()

    async def _read(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reread.wait(), READ_S)
        self._reread.clear()
        shares = self.leases.shares
        db = await self._db("read")
        wanted = await configuration.versions(db, shares)
        if wanted != {pk: p.version for pk, p in self.probes.items()}:
            await self._take_up(await configuration.read(db, shares))
        self.ready.set()

    async def _take_up(self, found: list[Running]) -> None:
        now = time.time()
        for pk in set(self.probes) - {p.id for p in found}:
            self.agenda.drop(pk)
            await self.probes.pop(pk).forget()
        for new in found:
            old = self.probes.get(new.id)
            if old is not None and old.version == new.version:
                continue
            if old is not None:
                await old.forget()
            self.probes[new.id] = new
            if new.kind is not None and new.kind.look is None:
                continue  # results come by themselves
            self.agenda.put(new.id, first(new.id, new.every_s, now, at_once=new.since is None or old is not None))
        self._wake.set()
        await self._learn()

    async def _learn(self) -> None:
        """Take up what is usual for the probes held."""
        db = await self._db("read")
        found = await configuration.read_baselines(db, list(self.probes))
        for pk, probe in self.probes.items():
            probe.usual = found.get(pk, {})
        rows = await (
            await db.execute("SELECT day, weekday FROM watch_day_kind WHERE day >= current_date - 1")
        ).fetchall()
        self._weekdays = dict(rows)

    async def _flush(self) -> None:
        await self.store.flush(await self._db("store"))

    async def _start_what_is_due(self) -> None:
        while True:
            now = time.time()
            held = self.leases.shares
            for pk in self.agenda.take(now):
                probe = self.probes.get(pk)
                if probe is None:
                    continue
                self.agenda.put(pk, first(pk, probe.every_s, now))
                if probe.busy or pk % 64 not in held:
                    continue  # the last look still runs, or somebody else looks
                probe.busy = True
                task = asyncio.create_task(self._look(probe, now))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            due = self.agenda.next()
            wait = 1.0 if due is None else min(1.0, max(0.005, due - time.time()))
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    def _at_once(self, pk: int) -> None:
        if pk in self.probes:
            self.agenda.put(pk, time.time())
            self._wake.set()

    # One look

    async def _look(self, probe: Running, due: float) -> None:
        try:
            async with self._gate:
                if time.time() - due > LATE_S:
                    self._late += 1
                began, at = time.perf_counter(), time.time()
                looked = await self._ask(probe)
                self._found(probe, looked, at, (time.perf_counter() - began) * 1000)
        finally:
            probe.busy = False

    async def _ask(self, probe: Running) -> Looked:
        if probe.problem or probe.kind is None or probe.kind.look is None:
            return Looked(False, probe.problem or "这种方式不由监测进程发起")
        task = Task(probe.code, probe.settings, probe.timeout_s, probe.own, self.shared)
        try:
            async with asyncio.timeout(probe.timeout_s + 2.0):
                return await probe.kind.look(task)
        except ProbeProblem as problem:
            return Looked(False, str(problem))
        except Exception as error:
            return Looked(False, why(error))

    def _found(self, probe: Running, looked: Looked, at: float, took_ms: float) -> None:
        moment = dt.datetime.fromtimestamp(at, dt.UTC)
        local = moment.astimezone(CHINA)
        slot = slot_of(local, self._weekdays.get(local.date()))
        values = {k: float(v) for k, v in looked.values.items()}
        far = {}
        for signal, (usual, worse) in probe.usual.items():
            if signal in values and (z := usual.odd(values[signal], slot, worse)) is not None:
                far[signal] = z
        before = probe.memory.state
        kind = probe.kind
        titles = {s.name: (s.title, s.unit) for s in kind.signals} if kind else {}
        judged = judge(looked, probe.limits, probe.memory, at=at, fails=probe.fails, far=far, titles=titles)
        changed = judged.state != before or probe.since is None
        if changed:
            probe.since = moment
        self.done += 1
        signals = [(UP, 1.0 if looked.ok else 0.0)]
        signals += [(self._signal(probe, name), value) for name, value in values.items()]
        self.store.add(
            Measured(probe.id, probe.code, probe.node, at, tuple(signals)),
            self._row(probe, looked, judged, moment, values),
            Change(probe.id, moment, before, judged.state, judged.said) if changed and judged.state != before else None,
        )

    @staticmethod
    def _row(probe: Running, looked: Looked, judged: Judged, at: dt.datetime, values: dict[str, float]) -> Row:
        kept = {k: round(v, 4) for k, v in values.items()}
        return Row(
            probe.id, at, judged.state, probe.since, looked.ok, judged.said, values.get("ms"), kept, dict(judged.odd)
        )

    @staticmethod
    def _signal(probe: Running, name: str) -> Signal:
        if name == MS.name:
            return MS
        return probe.kind.signal(name) if probe.kind else Signal(name, name)
