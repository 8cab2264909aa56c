"""python -m xingwei.operations.gateway.runner [NAME]: a gateway process without Django, up in a fraction of a second.

The database's address is DATABASE_URL, else that of the embedded one.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

from xingwei.base.runtime import config, database

from ..channels.base import ChannelProblem
from .process import Gateway

DEFAULT_NAME = "gw-1"


def main(name: str, dsn: str = "") -> int:
    """Until SIGTERM or SIGINT; the exit code."""
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    gc.freeze()  # what was imported stays for good
    gc.set_threshold(50_000, 20, 50)
    try:
        uvloop.run(_run(name, dsn or database.uri(config.from_environment())))
    except ChannelProblem as problem:
        print(problem.reason, file=sys.stderr)  # noqa: T201 -- the supervisor passes it on
        return 1
    return 0


async def _run(name: str, dsn: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(dsn, name)
    said = asyncio.create_task(_say(gateway))
    try:
        await gateway.run(stop)
    finally:
        said.cancel()


async def _say(gateway: Gateway) -> None:
    await gateway.ready.wait()
    logging.getLogger(__name__).info("网关 %s 已启动", gateway.leases.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_NAME))
