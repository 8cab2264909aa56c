"""Something to probe: HTTP and MLLP on free ports, each answered at once. Says its ports as JSON, lives until killed."""

from __future__ import annotations

import asyncio
import json

_OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok": true}'


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(_OK)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _mllp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while raw := await reader.readuntil(b"\x1c\r"):
            control = raw.split(b"|", 10)[9]
            writer.write(b"\x0bMSH|^~\\&|||||||ACK|1|P|2.4\rMSA|AA|" + control + b"\r\x1c\r")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    servers = [await asyncio.start_server(f, "127.0.0.1", 0, backlog=1000) for f in (_http, _mllp)]
    print(json.dumps([s.sockets[0].getsockname()[1] for s in servers]), flush=True)
    await asyncio.gather(*(s.serve_forever() for s in servers))


if __name__ == "__main__":
    asyncio.run(main())
