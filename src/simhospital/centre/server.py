"""The centre as an HTTP server: `await start(...)`, or `simhospital centre`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from simhospital.faults.board import Board
from simhospital.home import home
from simhospital.tls import certificate

from . import moods
from .profile import profile
from .service import Centre
from .signing import account
from .store import Store

LARGEST = 60_000_000
WATCH_S = 0.1
SPREAD = 0.75  # of the logarithm: p95 is about 3.4 times the median, as observed on a working line


@dataclass
class Running:
    """A centre that listens. `port` is the real one; `tls_port` 0 where there is no TLS."""

    centre: Centre
    runner: web.AppRunner
    host: str
    port: int
    tls_port: int = 0
    latency: float = 1.0
    context: ssl.SSLContext | None = None
    sites: list[web.TCPSite] = field(default_factory=list)
    watcher: asyncio.Task[None] | None = None
    expired: bool = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    async def stop(self) -> None:
        """Stop listening and close the memory."""
        if self.watcher:
            self.watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watcher
        await self.runner.cleanup()
        self.centre.store.close()

    # ----- requests
    async def post(self, request: web.Request) -> web.StreamResponse:
        """One transaction."""
        body, file = await _content(request)
        infno, msgid = _glance(body)
        board = self.centre.board
        try:
            early = await moods.before(board, infno, msgid, len(body))
            if early is not None:
                return early
            await asyncio.sleep(self._delay(infno))
            reply = self.centre.handle(request.path, request.headers, body, file)
            reply = await moods.after(board, infno, msgid, reply)
            if fault := board.strikes("yb-cut-short", infno):
                board.did(fault, infno=infno, msgid=msgid, committed=reply.committed)
                return await _cut_short(request, reply.body)
        except moods.LineCut:
            return _tear(request)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    def _delay(self, infno: str) -> float:
        table = self.centre.profile.latency
        median = float(table.get(infno, table["default"])) * self.latency
        return min(30.0, median * math.exp(random.gauss(0, SPREAD))) if median else 0.0

    # ----- faults of the listener itself
    async def watch(self) -> None:
        """Close and open the listener, and change the certificate, as the board says."""
        while True:
            board = self.centre.board
            closed = board.active("yb-refused") is not None
            if closed and self.sites:
                await self._close()
            elif not closed and not self.sites:
                await self.listen()
            expired = board.active("tls-expired", "yb") is not None
            if self.context and expired != self.expired:
                self._certify(expired)
            await asyncio.sleep(WATCH_S)

    async def _close(self) -> None:
        for site in self.sites:
            await site.stop()
        self.sites.clear()
        for connection in getattr(self.runner.server, "connections", []):
            if connection.transport is not None:
                connection.transport.abort()

    async def listen(self) -> None:
        """Listen on the port (and the TLS port); a port of 0 is replaced by the one given."""
        site = web.TCPSite(self.runner, self.host, self.port, reuse_address=True)
        await site.start()
        self.port = self.port or _port(site)
        self.sites = [site]
        if self.context:
            secure = web.TCPSite(
                self.runner, self.host, max(0, self.tls_port), ssl_context=self.context, reuse_address=True
            )
            await secure.start()
            self.tls_port = _port(secure)
            self.sites.append(secure)

    def _certify(self, expired: bool) -> None:
        assert self.context is not None
        directory = self.centre.board.directory.parent / "tls"
        old = certificate(directory, "expired", ended_ago=timedelta(days=1))
        self.context.load_cert_chain(old if expired else certificate(directory, "centre"))
        self.expired = expired


def _port(site: web.TCPSite) -> int:
    server = site._server  # aiohttp names the port that the system chose nowhere else
    return int(server.sockets[0].getsockname()[1])  # type: ignore[union-attr]


async def _content(request: web.Request) -> tuple[bytes, tuple[str, bytes] | None]:
    """The JSON of a request, and the file beside it if it is a multipart (9101: parts `jsonStr` and `file`)."""
    if not request.content_type.startswith("multipart/"):
        return await request.read(), None
    body, file = b"", None
    async for part in await request.multipart():
        content = bytes(await part.read(decode=True))  # type: ignore[union-attr]
        if part.name == "jsonStr":  # type: ignore[union-attr]
            body = content
        elif part.name == "file":  # type: ignore[union-attr]
            file = (str(part.filename or "file.zip"), content)  # type: ignore[union-attr]
    return body, file


def _glance(body: bytes) -> tuple[str, str]:
    try:
        head: Any = json.loads(body)
        return str(head.get("infno", "")), str(head.get("msgid", ""))
    except (ValueError, AttributeError):
        return "", ""


def _tear(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut_short(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise the whole length, send a third, and tear the line."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 3])
    return _tear(request) if request.transport else response


async def start(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    profile_name: str = "guangyuan",
    directory: Path | None = None,
    latency: float = 1.0,
    tls_port: int | None = None,
) -> Running:
    """Start a centre whose memory is `directory/centre.sqlite`; `latency` 0 answers at once, 1 as on a working line."""
    place = directory or home()
    centre = Centre(
        profile(profile_name),
        Store(place / "centre" / "centre.sqlite"),
        account(place / "insurance-account.json"),
        Board(place / "faults"),
    )
    application = web.Application(client_max_size=LARGEST)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    running = Running(centre, runner, host, port, latency=latency)
    application.router.add_post("/{path:.*}", running.post)
    await runner.setup()
    if tls_port is not None:
        running.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        running.context.load_cert_chain(certificate(place / "tls", "centre"))
        running.tls_port = tls_port
    await running.listen()
    running.watcher = asyncio.create_task(running.watch())
    return running
