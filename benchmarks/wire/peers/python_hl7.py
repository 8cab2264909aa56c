"""python-hl7 that acknowledges what it gets and does nothing else."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from hl7.mllp import start_hl7_server


async def answer(reader: Any, writer: Any) -> None:
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def main() -> None:
    async with await start_hl7_server(answer, host="127.0.0.1", port=int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
