"""`simhospital up` from outside: a hospital with a database of its own, whose messages reach a plain MLLP sink."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

START_S = 90


class Sink(threading.Thread):
    """Acknowledges whatever comes over MLLP, and keeps it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.messages: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        waiting = b""
        while data := connection.recv(65536):
            waiting += data
            while (end := waiting.find(b"\x1c")) >= 0:
                body, waiting = waiting[:end].rpartition(b"\x0b")[2], waiting[end + 1 :]
                number = body.split(b"\r", 1)[0].split(b"|")[9]
                self.messages.append(body)
                connection.sendall(b"\x0bMSH|^~\\&|||||||ACK|1|P|2.4\rMSA|AA|" + number + b"\r\x1c\r")


@pytest.fixture
def sink() -> Iterator[Sink]:
    thread = Sink()
    thread.start()
    yield thread
    thread.listener.close()


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a database that does not exist yet, on the server of the test session."""
    server = os.environ["DATABASE_URL"]
    name = f"simhospital_up_{os.getpid()}"
    yield make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def until(condition: object, seconds: float = START_S) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)


def settings_file(directory: Path, sink: Sink) -> Path:
    import yaml

    from simhospital import settings

    document = yaml.safe_load(settings._packaged())
    document["own"] = dict.fromkeys(document["own"], 0)
    document["gateway"] = dict.fromkeys(document["gateway"], sink.port) | {"dicom": 1, "http": 1}
    document["traffic"] |= {"least_a_minute": 300.0, "haste": 6000}
    path = directory / "hospital.yaml"
    path.write_text(json.dumps(document, ensure_ascii=False))
    return path


def test_the_living_hospital_is_heard_in_a_plain_sink_and_stops_when_told(
    tmp_path: Path, sink: Sink, database: str
) -> None:
    env = os.environ | {
        "SIMHOSPITAL_HOME": str(tmp_path / "home"),
        "SIMHOSPITAL_DATABASE_URL": database,
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "simhospital"]
    options = ["--settings", str(settings_file(tmp_path, sink)), "--days", "2", "--visits", "30"]
    with (tmp_path / "log").open("w") as log:
        up = subprocess.Popen([*command, "up", *options], env=env, stdout=log, stderr=log)
        try:
            until(lambda: len(sink.messages) >= 20)
            types = {m.split(b"\r", 1)[0].split(b"|")[8] for m in sink.messages}
            assert b"ADT^A04" in types
            until(lambda: any(b"|OML^O21|" in m for m in sink.messages))
            until(lambda: any(b"|ORU^R01|" in m for m in sink.messages))
            status = subprocess.run([*command, "status"], env=env, capture_output=True, text=True, check=True)
            assert re.search(r"his-adt +已连接", status.stdout)
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(20) == 0, (tmp_path / "log").read_text()
    with psycopg.connect(database) as connection:
        past, live = connection.execute(
            "SELECT count(*) FILTER (WHERE sbxh % 100000 < 50000), count(*) FILTER (WHERE sbxh % 100000 > 50000) FROM his.ms_ghmx"
        ).fetchone() or (0, 0)
    assert past > 20
    assert live > 5
    assert "Traceback" not in (tmp_path / "log").read_text()
