"""Whether a port is open, and how long the connection takes."""

from __future__ import annotations

import asyncio
import time

from ..base import HOST, MS, PORT, UP, Kind, Looked, Task, register, schema, why


async def look(task: Task) -> Looked:
    host, port = task.settings["host"], task.settings["port"]
    began = time.perf_counter()
    try:
        async with asyncio.timeout(task.timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return Looked(False, f"{host}:{port} {why(error)}")
    ms = (time.perf_counter() - began) * 1000
    writer.close()
    return Looked(True, f"端口开着，{ms:.0f} 毫秒", {"ms": ms})


register(
    Kind(
        "tcp", "端口", "连一下端口，看开没开、要多久", schema({"host": HOST, "port": PORT}, ["host", "port"]),
        (UP, MS), look, layer="network",
    )
)  # fmt: skip
