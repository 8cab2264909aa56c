"""The two kinds of server processes."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from xingwei.base.runtime.config import Config

WORKERS_MAX = 8
THREADS = 4  # requests that one process works on at once; each holds one database connection
JOBS_AT_ONCE = 4
_GRACE_S = 5


def serve_web(config: Config) -> None:
    """Run the web server until told to stop."""
    Granian(
        "xingwei.web.wsgi:served",
        address=config.bind,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=min(WORKERS_MAX, max(2, os.cpu_count() or 1)),
        blocking_threads=THREADS,
        backlog=1024,
        backpressure=256,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE_S,
        log_level=LogLevels.warning,
    ).serve()


def serve_worker() -> None:
    """Run background jobs until told to stop; jobs in hand get a few seconds to end."""
    from procrastinate.contrib.django import app

    with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
        app.run_worker(
            name="xingwei",
            concurrency=JOBS_AT_ONCE,
            delete_jobs="successful",
            shutdown_graceful_timeout=_GRACE_S,
        )
