"""What the benchmarks of the gateway share: the database, the message, the sender, the receiver."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xingwei.testing.gateway import GatewayProcess, furnish

from ..frame import HOME, REPO, Bench, Database

HERE = Path(__file__).parent
MESSAGE = REPO.parent / "shared" / "data" / "hl7" / "erba-elite580" / "msg_013.hl7"
_TABLES = (
    "gateway_message, gateway_queued, gateway_delivery, gateway_attempt, gateway_gauge, gateway_breakerevent,"
    " gateway_breaker, gateway_lease, gateway_process, gateway_routeversion, gateway_route, gateway_channel"
)


class Wire:
    """Sender and receiver: a small C program where there is a compiler, else the same in Python (`compiled`)."""

    def __init__(self) -> None:
        program = HOME / "mllp_load"
        compiler = shutil.which("gcc") or shutil.which("cc")
        self.compiled = compiler is not None
        if compiler:
            subprocess.run([compiler, "-O2", "-o", program, HERE / "mllp_load.c"], check=True)
            self._command: list[str] = [str(program)]
        else:
            self._command = [sys.executable, str(HERE / "load.py")]
        self.message, self.real = HOME / "message.hl7", MESSAGE.exists()
        self.message.write_bytes(message())
        self._next = time.time_ns() // 1_000_000 * 1_000

    def load(self, port: int, connections: int, seconds: float) -> dict[str, Any]:
        command = [*self._command, "load", port, connections, seconds, self.message, self._next]
        out = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout
        told: dict[str, Any] = json.loads(out)
        self._next = int(told["next"]) + 1_000
        return told

    @contextmanager
    def sink(self) -> Iterator[Sink]:
        made = Sink(self._command)
        try:
            yield made
        finally:
            made.process.kill()
            made.process.wait()


class Sink:
    """A receiver that acknowledges at once and counts."""

    def __init__(self, command: Sequence[str]) -> None:
        self.port = free_port()
        self._counter = HOME / f"delivered-{self.port}"
        self.process = subprocess.Popen([*command, "sink", str(self.port), str(self._counter)])
        wait_for(self.port)

    @property
    def count(self) -> int:
        return int.from_bytes(self._counter.read_bytes(), sys.byteorder)


def message() -> bytes:
    """A real ORU^R01 of an Erba ELite 580 with 36 OBX; its control id and specimen are left to be numbered."""
    if MESSAGE.exists():
        raw = MESSAGE.read_bytes().strip(b"\x0b\x1c\r\n") + b"\r"
    else:
        obx = b"".join(b"OBX|%d|NM|6690-2^WBC^LN||7.13|10*3/uL|4.00-10.00|~N|||F\r" % n for n in range(1, 37))
        raw = (
            b"MSH|^~\\&|ELite 580|Erba|||20250628173333||ORU^R01|0123456789abcdef0123456789abcdef|P|2.3.1||||||UNICODE"
            b"\rPID|1\rPV1|1\rOBR|1||25059651|01001^Automated Count^99MRC\r" + obx
        )
    control_id = raw.split(b"|", 10)[9]
    start = raw.index(b"\rOBR|1||") + 8
    specimen = raw[start : raw.index(b"|", start)]
    return raw.replace(b"|" + control_id + b"|", b"|" + b"#" * len(control_id) + b"|", 1).replace(
        b"OBR|1||" + specimen + b"|", b"OBR|1||" + b"#" * max(len(specimen), 8) + b"|", 1
    )


def database(bench: Bench) -> Database:
    """The tables of the product, empty but for what is configured afterwards; fsync is on as in production."""
    made = bench.database("gateway", 0, made_by="gateway")
    bench.prepare(made, lambda: None)
    with made.connect() as db:
        db.execute(f"TRUNCATE {_TABLES} CASCADE".encode())
        db.execute("SELECT gateway_make_partitions(current_date, current_date + 1)")
        db.execute("CHECKPOINT")
    return made


@contextmanager
def running(
    database: Database, channels: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]], ports: Sequence[int]
) -> Iterator[GatewayProcess]:
    """A gateway with these channels, listening on these ports."""
    with database.connect() as db:
        furnish(db, channels, routes)
    gateway = GatewayProcess(database.uri, log=HOME / "gateway.log")
    gateway.start()
    try:
        for port in ports:
            wait_for(port)
        time.sleep(1.0)  # what earlier holders received has been read
        yield gateway
    finally:
        gateway.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
