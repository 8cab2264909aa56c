"""A gateway to try things on: channels and routes by plain SQL, a process of it, senders and receivers over MLLP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from xingwei.operations.gateway.wire import hl7, mllp

SRC = Path(__file__).resolve().parents[2]


def furnish(
    db: psycopg.Connection[Any], channels: Iterable[Mapping[str, Any]], routes: Iterable[Mapping[str, Any]] = ()
) -> dict[str, int]:
    """Channels (code, direction, kind, and what differs from the defaults) and routes (code, source, document), each
    released; code → id. What there was under the same code is replaced by it."""
    system = db.execute(
        'INSERT INTO estate_system (id, code, name, short_name, "order", description, clause, aliases, tier)'
        " VALUES (9001, 'gwt', '网关测试', '网关', 99, '', '', '{}', 'core')"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id"
    ).fetchone()
    assert system is not None
    ids: dict[str, int] = {}
    for channel in channels:
        row = db.execute(
            "INSERT INTO gateway_channel (code, name, direction, kind, state, peer, zone, settings, delivery, call,"
            " breaker, capacity, retention_days, note, version, updated_at, system_id)"
            " VALUES (%s, %s, %s, %s, %s, '对方', 'core', %s, %s, %s, %s, %s, 184, '', 1, now(), %s)"
            " ON CONFLICT (code) DO UPDATE SET settings = excluded.settings, delivery = excluded.delivery,"
            " call = excluded.call, breaker = excluded.breaker, state = excluded.state, capacity = excluded.capacity,"
            " version = gateway_channel.version + 1 RETURNING id",
            [
                channel["code"], channel.get("name", channel["code"]), channel["direction"],
                channel.get("kind", "mllp"), channel.get("state", "running"),
                *(json.dumps(channel.get(part, {})) for part in ("settings", "delivery", "call", "breaker")),
                channel.get("capacity", 200_000), system[0],
            ],
        ).fetchone()  # fmt: skip
        assert row is not None
        ids[channel["code"]] = row[0]
    for route in routes:
        _route(db, route, ids[route["source"]], system[0])
    return ids


def _route(db: psycopg.Connection[Any], route: Mapping[str, Any], source: int, system: int) -> None:
    row = db.execute(
        "INSERT INTO gateway_route (code, name, active, source_id, system_id) VALUES (%s, %s, true, %s, %s)"
        " ON CONFLICT (code) DO UPDATE SET source_id = excluded.source_id RETURNING id",
        [route["code"], route["code"], source, system],
    ).fetchone()
    assert row is not None
    db.execute("UPDATE gateway_routeversion SET state = 'retired' WHERE route_id = %s AND state = 'released'", [row[0]])
    db.execute(
        "INSERT INTO gateway_routeversion (number, state, document, note, created_at, released_at, route_id)"
        " SELECT coalesce(max(number), 0) + 1, 'released', %s, '', now(), now(), %s FROM gateway_routeversion"
        " WHERE route_id = %s",
        [json.dumps(route["document"]), row[0], row[0]],
    )


def notify(db: psycopg.Connection[Any], what: str, channel: int = 0) -> None:
    db.execute("SELECT pg_notify('xingwei_gateway', %s)", [json.dumps({"what": what, "channel": channel})])


class GatewayProcess:
    """`xingwei gateway run` as a process of its own, to be killed."""

    def __init__(self, dsn: str, name: str = "gw-1", log: Path | None = None) -> None:
        self.dsn, self.name = dsn, name
        self._log = log.open("ab") if log else subprocess.DEVNULL
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xingwei.operations.gateway.runner", self.name],
            env=os.environ | {"DATABASE_URL": self.dsn, "PYTHONPATH": str(SRC)},
            stdout=self._log,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
        )

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.process.wait(15)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill(signal.SIGTERM)


class Receiver:
    """An MLLP receiver with a book: bodies in the order in which they came. answer: what it says to each (bytes, None
    for nothing, or an exception type to break the line)."""

    def __init__(self, answer: Callable[[bytes], bytes | None] | None = None) -> None:
        self.book: list[bytes] = []
        self.answer = answer or positive
        self.port = 0
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Transport] = set()

    async def start(self) -> None:
        """On the same port again after `stop`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Answers(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.abort()


class _Answers(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.reader = mllp.Reader()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.receiver._lines.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.receiver._lines.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        for found in self.reader.feed(data):
            self.receiver.book.append(found.body)
            answer = self.receiver.answer(found.body)
            if answer is not None:
                self.transport.write(mllp.frame(answer))


def positive(body: bytes, code: str = "AA") -> bytes:
    return hl7.acknowledge(hl7.head(body), code, "R1")


async def send(port: int, message: bytes, timeout_s: float = 10.0) -> bytes:
    """One message on a line of its own; the answer's body. Raises ConnectionError where the line is closed instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await exchange(reader, writer, message, timeout_s)
    finally:
        writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes, timeout_s: float = 10.0
) -> bytes:
    writer.write(mllp.frame(message))
    async with asyncio.timeout(timeout_s):
        try:
            return (await reader.readuntil(b"\x1c\r")).strip(b"\x0b\x1c\r") + b"\r"
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("closed without an answer") from error
