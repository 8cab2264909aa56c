"""mllp_load.c in Python, where there is no compiler: the same commands, the same answer, five times the work."""

from __future__ import annotations

import asyncio
import json
import mmap
import sys
import time
from pathlib import Path
from typing import Any

import uvloop


class Line(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self.load, self.held = load, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.load.next())

    def data_received(self, data: bytes) -> None:
        self.held += data
        if b"\x1c" not in self.held:
            return
        now = time.perf_counter()
        self.load.took.append(now - self.sent)
        self.load.bad += b"MSA|AA|" not in self.held and b"MSA|CA|" not in self.held
        self.held = b""
        if now < self.load.end:
            self.send()
        else:
            self.load.finished(self.transport)


class Load:
    def __init__(self, message: bytes, first: int, connections: int, seconds: float) -> None:
        self.message, self.id, self.open = message, first, connections
        self.took: list[float] = []
        self.bad = 0
        self.end = time.perf_counter() + seconds
        self.done = asyncio.Event()
        self.runs = sorted({len(run) for run in _runs(message)}, reverse=True)

    def next(self) -> bytes:
        message = self.message
        for size in self.runs:
            message = message.replace(b"#" * size, b"%0*d" % (size, self.id % 10**size))
        self.id += 1
        return b"\x0b" + message + b"\x1c\r"

    def finished(self, transport: Any) -> None:
        transport.close()
        self.open -= 1
        if not self.open:
            self.done.set()


def _runs(message: bytes) -> list[bytes]:
    import re

    return re.findall(rb"#+", message)


async def load(port: int, connections: int, seconds: float, message: bytes, first: int) -> None:
    began = time.perf_counter()
    run = Load(message, first, connections, seconds)
    for _ in range(connections):
        await asyncio.get_running_loop().create_connection(lambda: Line(run), "127.0.0.1", port)
    await run.done.wait()
    took = sorted(run.took)
    print(
        json.dumps(
            {
                "count": len(took),
                "seconds": time.perf_counter() - began,
                "p50_us": took[len(took) // 2] * 1e6,
                "p99_us": took[int(len(took) * 0.99)] * 1e6,
                "bad": run.bad,
                "next": run.id,
            }
        )
    )


class Sink(asyncio.Protocol):
    def __init__(self, counter: mmap.mmap) -> None:
        self.counter, self.held = counter, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.held + data if self.held else data
        *whole, self.held = data.split(b"\x1c\r")
        for message in whole:
            control_id = message[1:].split(b"|", 10)[9]
            self.transport.write(b"\x0bMSH|^~\\&|LIS|||||||ACK|1|P|2.3.1\rMSA|AA|" + control_id + b"\r\x1c\r")
        count = int.from_bytes(self.counter[:8], sys.byteorder) + len(whole)
        self.counter[:8] = count.to_bytes(8, sys.byteorder)


async def sink(port: int, path: Path) -> None:
    path.write_bytes(bytes(8))
    with path.open("r+b") as file:
        counter = mmap.mmap(file.fileno(), 8)
        server = await asyncio.get_running_loop().create_server(lambda: Sink(counter), "127.0.0.1", port)
        await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        uvloop.run(sink(int(sys.argv[2]), Path(sys.argv[3])))
    else:
        port, connections, seconds, message, first = sys.argv[2:7]
        uvloop.run(load(int(port), int(connections), float(seconds), Path(message).read_bytes(), int(first)))
