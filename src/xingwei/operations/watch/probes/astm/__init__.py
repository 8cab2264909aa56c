"""ASTM E1381: ENQ must be answered by ACK (ready) or NAK (busy, but alive); EOT ends it before anything is sent."""

from __future__ import annotations

import asyncio
import time

from ..base import HOST, MS, PORT, UP, Kind, Looked, Signal, Task, register, schema, why

ENQ, EOT, ACK, NAK = b"\x05", b"\x04", b"\x06", b"\x15"
NAKS = Signal("dev.nak", "NAK", "次")


async def look(task: Task) -> Looked:
    settings = task.settings
    began = time.perf_counter()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(task.timeout_s):
            reader, writer = await asyncio.open_connection(settings["host"], settings["port"])
            writer.write(ENQ)
            await writer.drain()
            answer = await reader.readexactly(1)
            writer.write(EOT)
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        return Looked(False, f"{settings['host']}:{settings['port']} {why(error)}")
    finally:
        if writer is not None:
            writer.close()
    ms = (time.perf_counter() - began) * 1000
    values = {"ms": ms, "dev.nak": 1.0 if answer == NAK else 0.0}
    if answer == ACK:
        return Looked(True, f"ENQ 得到 ACK，{ms:.0f} 毫秒", values)
    if answer in {NAK, ENQ}:
        return Looked(True, "在线，但正忙（NAK）" if answer == NAK else "在线，对方也要发送（争用）", values)
    return Looked(False, f"ENQ 得到的不是 ACK：0x{answer.hex()}", values)


register(
    Kind("astm", "ASTM 询问", "发 ENQ，要得到 ACK 或 NAK，随即 EOT，不发数据", schema({"host": HOST, "port": PORT}, ["host", "port"]),
         (UP, MS, NAKS), look, layer="device")
)  # fmt: skip
