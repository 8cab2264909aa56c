"""One HTTP server a port, shared by every channel that listens on it; the longest path that fits has the request.

Bounded against the outside: size of a body, seconds for its head and its body, number of connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from ..base import ChannelProblem, Intake, not_listening
from ..sources import Network, may

HEAD_S = 15.0
IDLE_S = 60.0
MOST_CONNECTIONS = 2_000
_LARGEST = 64 * 1024 * 1024
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 2\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What a channel gets: read whole. path: after the channel's own."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] | None = None


Handler = Callable[[Request], Awaitable[Reply]]


@dataclass(slots=True)
class Mount:
    """A channel's place on a server. refuse: how its protocol says no, in words."""

    prefix: str
    handler: Handler
    refuse: Callable[[int, str], Reply]
    intake: Intake
    largest: int
    body_s: float = 30.0
    allowed: list[Network] | None = None
    methods: tuple[str, ...] = ("POST",)


class SharedServer:
    """port: where it listens really (the system's choice for 0)."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self.host, self.port = host, port
        self.mounts: dict[str, Mount] = {}
        self.connections = 0
        self._context = context
        self._runner: web.ServerRunner | None = None
        self._under_way: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        runner = web.ServerRunner(_Server(self), shutdown_timeout=3)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port, ssl_context=self._context, backlog=512, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise not_listening(self.host, self.port, error) from None
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def mount_of(self, path: str) -> Mount | None:
        found = [prefix for prefix in self.mounts if path == prefix.rstrip("/") or path.startswith(prefix)]
        return self.mounts[max(found, key=len)] if found else None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, _Guarded):
            request.protocol.began = True
        mount = self.mount_of(request.path)
        if mount is None:
            return _response(Reply(404, '{"code":404,"message":"网关在这个地址上没有接入通道"}'.encode()))
        peer = request.remote or ""
        if mount.allowed and not may(peer, mount.allowed):
            mount.intake.trouble("请求的来源不在允许之列")
            return _response(mount.refuse(403, "这台机器不在允许的来源里。"))
        if request.method not in mount.methods:
            return _response(mount.refuse(405, f"只接收 {'、'.join(mount.methods)} 请求。"))
        return await self._serve(request, mount, peer)

    async def _serve(self, request: web.BaseRequest, mount: Mount, peer: str) -> web.StreamResponse:
        if (request.content_length or 0) > mount.largest:
            mount.intake.trouble("请求超过长度上限")
            return _closing(mount.refuse(413, f"请求超过 {mount.largest // 1024} KB。"))
        try:
            body = await asyncio.wait_for(_read(request, mount.largest), mount.body_s)
        except TimeoutError:
            mount.intake.trouble("请求没有在时限内收完")
            return _closing(mount.refuse(408, "请求没有在时限内收完。"))
        except _TooLarge:
            mount.intake.trouble("请求超过长度上限")
            return _closing(mount.refuse(413, f"请求超过 {mount.largest // 1024} KB。"))
        path = request.path[len(mount.prefix.rstrip("/")) :] or "/"
        given = Request(request.method, path, request.headers, request.query, body, peer)
        mount.intake.connections(+1)
        try:
            # What is accepted must be answered for, even where the caller hangs up meanwhile.
            task = asyncio.ensure_future(mount.handler(given))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            return _response(await asyncio.shield(task))
        finally:
            mount.intake.connections(-1)


class _TooLarge(Exception):
    pass


async def _read(request: web.BaseRequest, largest: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(65536):
        body += chunk
        if len(body) > largest:
            raise _TooLarge
    return bytes(body)


def _response(reply: Reply) -> web.Response:
    headers = {"Content-Type": reply.content_type, **(reply.headers or {})}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def _closing(reply: Reply) -> web.Response:
    """What is left of the request is not read."""
    response = _response(reply)
    response.force_close()
    return response


class _Guarded(RequestHandler):
    """A connection that says nothing, or never ends its head, is closed."""

    began = False

    def __init__(self, manager: _Server, **more: Any) -> None:
        super().__init__(manager, loop=asyncio.get_running_loop(), keepalive_timeout=IDLE_S, **more)
        self._house = manager.house
        self._timer: asyncio.TimerHandle | None = None
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._house.connections >= MOST_CONNECTIONS:
            transport.write(_FULL)  # type: ignore[attr-defined]
            transport.close()
            return
        self._house.connections += 1
        self._counted = True
        self._timer = asyncio.get_running_loop().call_later(HEAD_S, self._late)

    def _late(self) -> None:
        if not self.began and self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._counted:
            self._counted = False
            self._house.connections -= 1
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)


class _Server(web.Server):
    def __init__(self, house: SharedServer) -> None:
        super().__init__(house.handle)
        self.house = house

    def __call__(self) -> _Guarded:
        return _Guarded(self, access_log=None, lingering_time=0.5, max_line_size=8190, max_field_size=16_380)


_servers: dict[tuple[int, str, int], SharedServer] = {}
_lock: dict[int, asyncio.Lock] = {}


async def join(host: str, port: int, mount: Mount, tls: Mapping[str, str] | None = None) -> SharedServer:
    """Puts a channel on the server of a port, which starts with the first. Raises ChannelProblem."""
    loop = id(asyncio.get_running_loop())
    async with _lock.setdefault(loop, asyncio.Lock()):
        key = (loop, host, port)
        server = _servers.get(key) if port else None
        if server is not None and mount.prefix in server.mounts:
            raise ChannelProblem(f"{host}:{port} 的路径 {mount.prefix} 已被另一个通道占用。")
        if server is None:
            server = SharedServer(host, port, _context(tls))
            await server.start()
            _servers[(loop, host, server.port)] = server
        server.mounts[mount.prefix] = mount
        return server


async def leave(server: SharedServer, prefix: str) -> None:
    """Takes a channel off; the server stops with the last."""
    loop = id(asyncio.get_running_loop())
    async with _lock.setdefault(loop, asyncio.Lock()):
        server.mounts.pop(prefix, None)
        if not server.mounts:
            with contextlib.suppress(KeyError):
                del _servers[(loop, server.host, server.port)]
            await server.stop()


def _context(tls: Mapping[str, str] | None) -> ssl.SSLContext | None:
    if not tls or not tls.get("certificate"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls["certificate"], tls.get("key") or None)
    except (OSError, ssl.SSLError):
        raise ChannelProblem("证书或私钥读不到，或不是一对。") from None
    return context
