"""A stand-in for the gateway: plain sockets that take what the hospital sends, and nothing of Xingwei's."""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web

from simhospital.life import codec


class Sink:
    """MLLP, ASTM and HTTP on free ports; keeps what came in, answers as told."""

    def __init__(self):
        self.frames = {}
        self.requests = []
        self.answer = lambda message: codec.acknowledgement(message, "AA")
        self.answer_http = lambda path, body: {
            "code": 0,
            "result": "passed",
            "state": "paid",
            "order": body.get("order"),
        }
        self.ports = {}
        self.servers = []
        self.arrived = asyncio.Condition()

    async def listen(self, channel, serve):
        async def line(reader, writer):
            try:
                await serve(channel, reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(line, "127.0.0.1", self.ports.get(channel, 0))
        self.servers.append(server)
        self.ports[channel] = server.sockets[0].getsockname()[1]
        return server

    async def take(self, channel, body):
        async with self.arrived:
            self.frames.setdefault(channel, []).append(body)
            self.arrived.notify_all()

    async def until(self, condition, seconds=15):
        async with asyncio.timeout(seconds):
            async with self.arrived:
                await self.arrived.wait_for(condition)

    async def mllp(self, channel, reader, writer):
        while True:
            raw = await reader.readuntil(codec.FS)
            body = raw[:-1].rsplit(codec.VT, 1)[1]
            answer = self.answer(codec.parse(body))
            if answer is not None:
                await self.take(channel, body)
                writer.write(codec.frame(answer))
                await writer.drain()

    async def astm(self, channel, reader, writer):
        text = b""
        while True:
            first = await reader.readexactly(1)
            if first == codec.ENQ:
                writer.write(codec.ACK)
            elif first == codec.EOT:
                await self.take(channel, text)
                text = b""
            elif first == codec.STX:
                content = await reader.readuntil(b"\n")
                good = codec.checksum(content[:-4]) == content[-4:-2]
                text += content[1:-5] if good else b""
                writer.write(codec.ACK if good else codec.NAK)

    async def http(self, request):
        body = json.loads(await request.read())
        answer = self.answer_http(request.path, body)
        async with self.arrived:
            self.requests.append((request.path, body))
            self.arrived.notify_all()
        if answer is None:
            return web.json_response({"message": "busy"}, status=503)
        return web.json_response(answer)


@asynccontextmanager
async def sink():
    """All ways in."""
    gateway = Sink()
    for channel in ("his-adt", "cis-orders", "lis-report", "pacs-report", "dev-cbc", "dev-chem1", "dev-chem2"):
        await gateway.listen(channel, gateway.mllp)
    for channel in ("dev-immuno", "dev-coag"):
        await gateway.listen(channel, gateway.astm)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.http)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway.ports["http"] = runner.addresses[0][1]
    gateway.ports["dicom"] = 1
    try:
        yield gateway
    finally:
        for server in gateway.servers:
            server.close()
        await runner.cleanup()
