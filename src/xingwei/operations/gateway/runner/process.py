"""A gateway process: takes its share of the channels and runs them until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from ..channels.base import ChannelConfig, ChannelProblem, Listener, kind
from ..engine import shares
from ..engine.rules import facts_of
from . import configuration, gauges, statements
from .backlog import Item
from .calls import Caller
from .configuration import RouteInForce, Snapshot
from .connections import connected
from .dispatcher import Dispatcher, Surroundings
from .feeder import TOPIC, Feeder
from .host_queries import HostQueries
from .inflow import Inflow, items_of
from .inquiries import Inquiries
from .leases import RENEW_S, Leases
from .ledger import Ledger
from .lookups import Lookups
from .store import Entry, Store

log = logging.getLogger(__name__)

POLL_S = 5.0
STOP_S = 5.0


class Gateway:
    """dsn: of the database. name: of the process; two that live at once need two names."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn = dsn
        self.leases = Leases(name)
        self.snapshot = Snapshot()
        self.store = Store(dsn, self.leases.epochs, self._stored, self._lost, self._unseen)
        self.ledger = Ledger(dsn, self.leases.epochs, self._lost)
        self.ins: dict[int, Inflow] = {}
        self.outs: dict[int, Dispatcher] = {}
        self.elsewhere: dict[int, int] = {}
        self.lookups = Lookups(dsn, lambda: self.snapshot.channels)
        self.caller = Caller(self.store, self.ledger, self.process, self.lookups.resolve)
        self.inquiries = Inquiries(self.ledger)
        self.ready = asyncio.Event()
        self._listeners: dict[int, Listener] = {}
        self._running: dict[int, ChannelConfig] = {}
        self._versions: dict[int, RouteInForce] = {}
        self._breakers = gauges.BreakerRows()
        self._db: psycopg.AsyncConnection[Any] | None = None
        self._lease: psycopg.AsyncConnection[Any] | None = None
        self._changed = asyncio.Event()
        self.feeder = Feeder(dsn, self.outs, self.store, self._listeners)
        self._problems: dict[int, str] = {}
        self._reconcile_lock = asyncio.Lock()

    # Life

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then takes nothing more, lets what is under way finish, and gives its channels back.

        Raises ChannelProblem where a living process bears the name.
        """
        await self._enroll(stop)
        if stop.is_set():
            return
        writers = [asyncio.create_task(self.store.run()), asyncio.create_task(self.ledger.run())]
        loops = [
            asyncio.create_task(self._forever(work, every), name=work.__name__)
            for work, every in (
                (self._renew, RENEW_S),
                (self._hold, RENEW_S),
                (self._listen, 0.5),
                (self.feeder.feed, 0.0),
                (self._show, gauges.EVERY_S),
                (self._ask, 0.5),
            )
        ]
        try:
            await stop.wait()
        finally:
            await self._stop(loops, writers)

    async def _enroll(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.leases.enroll(await self._control())
                return
            except psycopg.Error as error:
                log.warning("waiting for the database: %s", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)

    async def _stop(self, loops: list[asyncio.Task[None]], writers: list[asyncio.Task[None]]) -> None:
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for channel in list(self._listeners):
            await self._stop_in(channel)
        await asyncio.gather(*(out.stop(STOP_S) for out in self.outs.values()), return_exceptions=True)
        await self.ledger.flush(STOP_S)
        for task in writers:
            task.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
            async with asyncio.timeout(2):
                db = await self._control()
                await gauges.write(db, self.ins.values(), self.outs.values())
                await self.leases.release(db, list(self.leases.epochs))
        await self.lookups.close()
        for connection in (self._db, self.feeder.connection, self._lease):
            if connection is not None:
                await connection.close()

    async def _forever(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Again and again, whatever happens; a database that does not answer is asked again."""
        failures = 0
        while True:
            try:
                await work()
                failures = 0
            except (psycopg.Error, OSError, TimeoutError) as error:
                failures += 1
                if failures == 1:
                    log.warning("%s: %s", work.__name__, error)
            except Exception:
                failures += 1
                log.exception("%s", work.__name__)
            await asyncio.sleep(min(2.0, every_s + 0.1 * 2 ** min(failures, 5)) if failures else every_s)

    async def _control(self) -> psycopg.AsyncConnection[Any]:
        self._db = await connected(self.dsn, self._db, "control")
        return self._db

    # Leases

    async def _renew(self) -> None:
        """On a connection of its own: nothing else may make it late."""
        db = self._lease = await connected(self.dsn, self._lease, "lease")
        if gone := await self.leases.renew(db):
            log.warning("held no more: %s", sorted(gone))

    async def _hold(self) -> None:
        """Take a fair share, and run what is held."""
        db = await self._control()
        if not self.snapshot.channels:
            self.snapshot = await configuration.read(db)
        units = shares.units(self.snapshot.channels, self.snapshot.joined())
        take, give = await self.leases.share(db, units)
        for unit in give:
            for channel in unit:
                await self._stop_channel(channel)
            await self.leases.release(db, unit)
        taken = [unit for unit in take if await self.leases.take(db, unit)]
        if taken:
            self.store.ids.renew()
        await self._reconcile(db)
        self.ready.set()

    def _lost(self, channels: frozenset[int]) -> None:
        log.warning("another process holds %s", sorted(channels))
        self.leases.lost(channels)
        self._changed.set()

    # What runs

    async def _reconcile(self, db: psycopg.AsyncConnection[Any]) -> None:
        """Bring what runs into line with what is held and configured: ways out first, so that what comes in can go."""
        async with self._reconcile_lock:
            wanted = {c: self.snapshot.channels[c] for c in self.leases.epochs if c in self.snapshot.channels}
            for channel in list(self._running):
                if channel not in wanted or not _same(self._running[channel], wanted[channel]):
                    await self._stop_channel(channel)
            for channel in sorted(wanted, key=lambda c: wanted[c].direction == "in"):
                config = wanted[channel]
                if channel not in self._running:
                    await self._start(db, config)
                elif self._running[channel] is not config:
                    self._running[channel] = config
                    if channel in self.outs:
                        self.outs[channel].configure(config)
            for channel, out in self.outs.items():
                out.plan = self.snapshot.plans.get(channel)

    async def _start(self, db: psycopg.AsyncConnection[Any], channel: ChannelConfig) -> None:
        problem = ""
        try:
            if channel.direction == "out":
                await self._start_out(db, channel)
            else:
                await self._start_in(channel)
            self._running[channel.id] = channel
        except ChannelProblem as error:
            problem = error.reason
        except psycopg.Error:
            raise
        except Exception as error:
            log.exception("channel %s does not start", channel.code)
            problem = f"通道不能启动：{type(error).__name__}"
        if problem != self._problems.get(channel.id):
            if problem:
                log.warning("%s: %s", channel.code, problem)
            self._problems[channel.id] = problem
            await self.leases.report(db, channel.id, problem)

    async def _start_out(self, db: psycopg.AsyncConnection[Any], channel: ChannelConfig) -> None:
        factory = kind(channel.kind).sender
        if factory is None:
            raise ChannelProblem(f"“{channel.kind}”不能用于送出：请改协议或方向。")
        sender = factory(channel)
        epoch = self.leases.epochs[channel.id]
        await db.execute(statements.INTERRUPTED.encode(), [channel.id, channel.id, epoch])
        around = Surroundings(
            self.ledger, self.process, self.leases.valid, self._fetch_version, self.feeder.want, self.lookups.resolve
        )
        out = Dispatcher(channel, sender, around)
        out.plan = self.snapshot.plans.get(channel.id)
        await out.backlog.count(db)
        await self._breakers.exchange(db, {channel.id: out.guard})
        self.outs[channel.id] = out
        out.start()
        self.feeder.want(channel.id)

    async def _start_in(self, channel: ChannelConfig) -> None:
        factory = kind(channel.kind).listener
        if factory is None:
            raise ChannelProblem(f"“{channel.kind}”不能用于接入：请改协议或方向。")
        inflow = Inflow(channel, self, self.caller)
        self.ins[channel.id] = inflow
        if channel.settings.get("host_query"):
            inflow.queries = HostQueries(self.dsn, channel, self.lookups, lambda: self.snapshot)
        if channel.state != "running":
            return
        listener = factory(channel, inflow)
        await listener.start()
        self._listeners[channel.id] = listener

    async def _stop_channel(self, channel: int) -> None:
        if channel in self.ins:
            await self._stop_in(channel)
            self.ins.pop(channel, None)
            self.store.forget(channel)
        if (out := self.outs.pop(channel, None)) is not None:
            await out.stop(STOP_S if self.leases.valid(channel) else 0.1)
            self._breakers.forget(channel)
        self._running.pop(channel, None)

    async def _stop_in(self, channel: int) -> None:
        self.ins[channel].open = False
        if (listener := self._listeners.pop(channel, None)) is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(listener.stop(), STOP_S)
        if (queries := self.ins[channel].queries) is not None:
            await queries.close()

    # Messages

    def _stored(self, entry: Entry) -> None:
        """Committed: to the ways out that this process holds; others are told."""
        for item, target in zip(items_of(entry), entry.targets, strict=True):
            if target.state == "waiting":
                self._queued(target.channel_id, item)

    def _queued(self, channel_id: int, item: Item) -> None:
        out = self.outs.get(channel_id)
        if out is not None:
            out.offer(item)
        else:
            self.feeder.tell(channel_id)

    def _unseen(self, entry: Entry) -> None:
        """Perhaps committed, and nobody told: what comes after it must not overtake it."""
        for target in entry.targets:
            if (out := self.outs.get(target.channel_id)) is not None:
                out.backlog.behind()
                self.feeder.follow(target.channel_id)
            else:
                self.feeder.tell(target.channel_id)
        self.caller.abandon(entry)

    def process(self, item: Item) -> list[bytes] | None:
        """By the version under which the message was accepted. Raises ValueError, KeyError, Needs."""
        assert item.version_id is not None
        route = self._route(item.version_id)
        answers = self.lookups.answers(item.message_id)
        applied = route.compiled().apply(
            route.read(item.received), facts_of(item.received), trace=False, answers=answers
        )
        if applied.dropped:
            return None
        if len(applied.parts) <= 1:
            return [applied.document.to_bytes()]
        return [part.to_bytes() for part in applied.parts]

    def _route(self, version_id: int) -> RouteInForce:
        if (found := self._versions.get(version_id)) is not None:
            return found
        for routes in self.snapshot.routes.values():
            for route in routes:
                if route.version_id == version_id:
                    self._versions[version_id] = route
                    return route
        raise KeyError(version_id)

    async def _fetch_version(self, version_id: int) -> None:
        with contextlib.suppress(psycopg.Error):
            route = await configuration.read_version(await self._control(), version_id, self.snapshot)
            if route is not None:
                self._versions[version_id] = route

    async def last_reference(self, channel_id: int) -> str:
        cursor = await (await self._control()).execute(
            "SELECT reference FROM gateway_message WHERE channel_id = %s ORDER BY received_at DESC, id DESC LIMIT 1",
            [channel_id],
        )
        row = await cursor.fetchone()
        return str(row[0]) if row else ""

    # What others do

    async def _listen(self) -> None:
        """Configuration, queues and breakers that others changed: by notice, else by the slow poll."""
        connection = await connected(self.dsn, None, "listen")
        try:
            await connection.execute(f"LISTEN {TOPIC}".encode())
            await self._reload()
            self.feeder.follow(*self.outs)  # what happened while nobody listened
            while True:
                async for notice in connection.notifies(timeout=POLL_S, stop_after=1):
                    await self._notice(notice.payload)
                if self._changed.is_set() or time.monotonic() > self._next_poll:
                    await self._reload()
        finally:
            await connection.close()

    _next_poll = 0.0

    async def _notice(self, payload: str) -> None:
        try:
            told = json.loads(payload)
            what, channel = str(told["what"]), int(told.get("channel") or 0)
        except (ValueError, KeyError, TypeError):
            return
        if what == "queued" and channel in self.outs:
            self.feeder.follow(channel)
        elif what == "configuration":
            await self._reload()
        elif what == "breaker" and channel in self.outs:
            await self._breakers.exchange(await self._control(), {channel: self.outs[channel].guard})

    async def _reload(self) -> None:
        self._changed.clear()
        self._next_poll = time.monotonic() + POLL_S
        db = await self._control()
        self.snapshot = await configuration.read(db, self.snapshot)
        await self._reconcile(db)

    async def _show(self) -> None:
        db = await self._control()
        await gauges.write(db, self.ins.values(), self.outs.values())
        await self._breakers.exchange(db, {channel: out.guard for channel, out in self.outs.items()})
        self.elsewhere = await gauges.elsewhere(db, self.outs)

    async def _ask(self) -> None:
        for out in list(self.outs.values()):
            if out.backlog.uncertain:
                await self.inquiries.ask(out)


def _same(a: ChannelConfig, b: ChannelConfig) -> bool:
    """Nothing differs that needs a new listener or sender."""
    if a is b:
        return True
    if (a.kind, a.direction, a.settings, a.code) != (b.kind, b.direction, b.settings, b.code):
        return False
    if a.direction == "in":
        return (a.state, a.call) == (b.state, b.call)
    return dict(a.delivery) == dict(b.delivery)
