"""python -m xingwei.operations.watch.runner [NAME]: a watching process without Django, up in a fraction of a second.

The database's address is DATABASE_URL, else that of the embedded one.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from xingwei.base.runtime import config, database

from ..probes.base import ProbeProblem
from .process import Watcher

DEFAULT_NAME = "watch-1"


def main(name: str, dsn: str = "") -> int:
    """Until SIGTERM or SIGINT; the exit code."""
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        uvloop.run(_run(name, dsn or database.uri(config.from_environment())))
    except ProbeProblem as problem:
        print(problem, file=sys.stderr)  # noqa: T201 -- the supervisor passes it on
        return 1
    return 0


async def _run(name: str, dsn: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watcher = Watcher(dsn, name)
    said = asyncio.create_task(_say(watcher))
    try:
        await watcher.run(stop)
    finally:
        said.cancel()


async def _say(watcher: Watcher) -> None:
    await watcher.ready.wait()
    logging.getLogger(__name__).info("监测进程 %s 已启动", watcher.leases.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_NAME))
