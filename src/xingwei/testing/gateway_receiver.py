"""python -m xingwei.testing.gateway_receiver PORT BOOK: an MLLP receiver as a process, to be killed.

It writes each control id into its book before it answers: what stands there, it has done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from xingwei.operations.gateway.wire import hl7, mllp


class _Line(asyncio.Protocol):
    def __init__(self, book: int) -> None:
        self.book = book
        self.reader = mllp.Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for found in self.reader.feed(data):
            if found.flaw:
                continue
            head = hl7.head(found.body)
            os.write(self.book, head.control_id.encode() + b"\n")
            self.transport.write(mllp.frame(hl7.acknowledge(head, "AA", "R1")))  # type: ignore[attr-defined]


async def _main(port: int, book: Path) -> None:
    file = os.open(book, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    server = await asyncio.get_running_loop().create_server(lambda: _Line(file), "127.0.0.1", port, reuse_address=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2])))
