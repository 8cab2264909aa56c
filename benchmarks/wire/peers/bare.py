"""The floor: asyncio on uvloop that splits the MSH, acknowledges, and keeps nothing."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop


class Line(asyncio.Protocol):
    def __init__(self) -> None:
        self.held = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.held + data if self.held else data
        *whole, self.held = data.split(b"\x1c\r")
        for message in whole:
            fields = message[1:].split(b"\r", 1)[0].split(b"|")
            self.transport.write(b"\x0bMSH|^~\\&|||||||ACK|1|P|2.3.1\rMSA|AA|" + fields[9] + b"\r\x1c\r")


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Line, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


uvloop.run(main())
