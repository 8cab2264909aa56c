"""Every kind of probe against something that really answers, and against nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from xingwei.operations.watch.engine.judging import Looked
from xingwei.operations.watch.probes.base import Task, all_kinds, kind
from xingwei.operations.watch.probes.host import reading
from xingwei.operations.watch.probes.sql.statements import ENGINES, refused, statements

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def look(code: str, settings: dict[str, Any], *, served: Served | None = None, tls: ssl.SSLContext | None = None, times: int = 1,
         memory: dict[str, Any] | None = None) -> Looked:  # fmt: skip
    async def run() -> Looked:
        server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls) if served else None
        chosen = dict(settings)
        if server:
            chosen |= {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
        task = Task("t", chosen, 2.0, {} if memory is None else memory)
        found = kind(code)
        assert found.look is not None
        try:
            for _ in range(times):
                looked = await found.look(task)
        finally:
            if server:
                server.close()
            for kept in task.memory.values():
                if hasattr(kept, "close"):
                    kept.close()
        return looked

    return asyncio.run(run())


def test_every_kind_says_what_it_takes_and_measures() -> None:
    assert {"tcp", "tls", "http", "sql", "mllp", "astm", "dicom", "insurance", "host", "agent", "process", "file", "log", "licence",
            "gateway", "steps", "figures"} <= set(all_kinds())  # fmt: skip
    for found in all_kinds().values():
        assert found.title
        assert found.does
        assert found.schema["type"] == "object"


def test_a_closed_port() -> None:
    looked = look("tcp", {"host": "127.0.0.1", "port": 1})
    assert not looked.ok
    assert "拒绝连接" in looked.said


async def _mllp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lie: bool = False) -> None:
    raw = await reader.readuntil(b"\x1c\r")
    control = raw.split(b"|")[9].decode()
    writer.write(f"\x0bMSH|^~\\&|LIS|||||ACK|1|P|2.4\rMSA|AR|{'other' if lie else control}|不支持\r\x1c\r".encode())
    await writer.drain()


def test_an_hl7_system_that_refuses_the_type_is_alive() -> None:
    looked = look("mllp", {}, served=_mllp)
    assert looked.ok
    assert "AR" in looked.said
    assert not look("mllp", {"accept": ["AA"]}, served=_mllp).ok


def test_an_acknowledgement_of_another_message_is_none() -> None:
    looked = look("mllp", {}, served=lambda r, w: _mllp(r, w, lie=True))
    assert not looked.ok
    assert "MSA-2" in looked.said


@pytest.mark.parametrize(("answer", "ok"), [(b"\x06", True), (b"\x15", True), (b"x", False)])
def test_astm(answer: bytes, ok: bool) -> None:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(1) == b"\x05"
        writer.write(answer)
        await writer.drain()
        await reader.read()

    assert look("astm", {}, served=served).ok is ok


def certificate(path: Path, days: float, name: str = "his.local") -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(1)
        .not_valid_before(end - dt.timedelta(days=400)).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def _quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize(("days", "ok"), [(20, True), (-1, False)])
def test_the_age_of_a_certificate(tmp_path: Path, days: int, ok: bool) -> None:
    looked = look("tls", {"name": "his.local"}, served=_quiet, tls=certificate(tmp_path / "c.pem", days))
    assert looked.ok is ok
    assert looked.values["tls.days"] == pytest.approx(days, abs=0.1)
    assert look("licence", {"path": str(tmp_path / "c.pem")}).ok is ok
    assert not look("tls", {"name": "other.local"}, served=_quiet, tls=certificate(tmp_path / "c.pem", 20)).ok


def test_files_logs_and_processes(tmp_path: Path) -> None:
    old = tmp_path / "b1.dmp"
    old.write_bytes(b"x" * 2_000_000)
    os.utime(old, (time.time() - 30 * 3600,) * 2)
    assert not look("file", {"path": f"{tmp_path}/*.dmp", "max_age_h": 26}).ok
    (tmp_path / "b2.dmp").write_bytes(b"x")
    looked = look("file", {"path": f"{tmp_path}/*.dmp", "max_age_h": 26})
    assert looked.ok
    assert looked.values["file.count"] == 2
    assert not look("file", {"path": f"{tmp_path}/*.dmp", "min_mb": 1}).ok
    assert not look("file", {"path": f"{tmp_path}/none*"}).ok

    log = tmp_path / "app.log"
    log.write_text("old ERROR\n")
    memory: dict[str, Any] = {}
    settings = {"path": str(log), "match": "ERROR"}
    assert look("log", settings, memory=memory).values["log.hits"] == 0, "what was there before is no news"
    with log.open("a") as file:
        file.write("fine\nERROR 1\nhalf ERR")
    assert look("log", settings, memory=memory).values == {"log.lines": 2, "log.hits": 1}
    with log.open("a") as file:
        file.write("OR line\n")
    assert look("log", settings, memory=memory).values["log.hits"] == 1, "half a line waited for its end"
    log.write_text("ERROR after rotation\n")
    assert look("log", settings, memory=memory).values["log.hits"] == 1

    assert look("process", {"match": "pytest"}).ok
    assert not look("process", {"match": "no-such-program-anywhere-x9"}).ok


def test_a_host_is_read_from_proc() -> None:
    text = subprocess.run(["sh", "-c", reading.COMMAND], capture_output=True, text=True, check=True).stdout
    memory: dict[str, Any] = {}
    first = reading.read(text, memory, now=time.time())
    assert 0 < first["host.mem"] < 100
    assert first["host.clock"] < 5
    assert "host.cpu" not in first
    time.sleep(0)
    later = text.replace(
        text.split("@stat\n")[1].split("\n")[0], "cpu  900000000 0 900000000 900000000 900000000 0 0 0 0 0"
    )
    assert 0 <= reading.read(later, memory, now=time.time())["host.cpu"] <= 100
    assert reading.read("no linux\n", {}, now=1.0) == {}


def test_statements_only_read() -> None:
    for engine in ENGINES:
        assert len({(s.signal, s.engine) for s in statements(engine)}) == len(statements(engine))
        for statement in statements(engine):
            assert refused(statement.sql, engine) == "", (engine, statement.signal)
    for sql in ("DELETE FROM a", "SELECT 1; DROP TABLE a", "WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a", "UPDATE a SET b = 1",
                "SELECT * INTO x FROM y", "SELECT * FROM a FOR UPDATE"):  # fmt: skip
        assert refused(sql, "postgresql"), sql


@pytest.mark.django_db(transaction=True)
def test_postgresql_for_real() -> None:
    from django.db import connection

    s = connection.settings_dict
    where = {
        "engine": "postgresql",
        "host": s["HOST"],
        "port": int(s["PORT"] or 5432),
        "database": s["NAME"],
        "user": s["USER"],
    }
    looked = look("sql", where | {"checks": [{"signal": "biz.sum", "title": "合计", "sql": "SELECT 6 * 7"}]}, times=2)
    assert looked.ok, looked.said
    assert looked.values["biz.sum"] == 42
    assert looked.values["db.sess_pct"] > 0
    assert {"db.blocked", "db.longtx_s", "db.deadlock", "db.active", "ms", "db.cost_ms"} <= looked.values.keys()
    refused_login = look("sql", where | {"user": "nobody_here"})
    assert not refused_login.ok
    assert "nobody_here" not in refused_login.said or "数据库" in refused_login.said


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    if not (server := shutil.which("mariadbd")):
        pytest.skip("no MariaDB here")
    home = tmp_path_factory.mktemp("maria")
    data, socket = home / "data", str(home / "s.sock")
    user = ["--user=root"] if os.getuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", f"--datadir={data}", "--auth-root-authentication-method=normal", *user],
        check=True,
        capture_output=True,
    )
    process = subprocess.Popen([server, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking",
                                f"--pid-file={home}/pid", *user], stderr=subprocess.DEVNULL)  # fmt: skip
    for _ in range(150):
        if Path(socket).exists():
            break
        time.sleep(0.1)
    yield {"engine": "mysql", "host": socket, "user": "root"}
    process.terminate()
    process.wait(20)


def test_mariadb_for_real(mariadb: dict[str, Any]) -> None:
    import pymysql

    holder = pymysql.connect(unix_socket=mariadb["host"], user="root", autocommit=False)
    waiter = pymysql.connect(unix_socket=mariadb["host"], user="root", autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("CREATE DATABASE w")
        cursor.execute("CREATE TABLE w.n (id int PRIMARY KEY, v int) ENGINE=InnoDB")
        cursor.execute("INSERT INTO w.n VALUES (1, 1)")
        holder.commit()
        cursor.execute("UPDATE w.n SET v = 2 WHERE id = 1")
    import threading

    blocked = threading.Thread(target=lambda: waiter.cursor().execute("UPDATE w.n SET v = 3 WHERE id = 1"), daemon=True)
    blocked.start()
    time.sleep(0.5)
    looked = look("sql", mariadb, times=2)
    holder.rollback()
    blocked.join(5)
    assert looked.ok, looked.said
    assert looked.values["db.blocked"] == 1
    assert looked.values["db.sess_pct"] > 0
    assert {"db.longtx_s", "db.deadlock", "db.slow", "db.active"} <= looked.values.keys()
    wrote = look("sql", mariadb | {"checks": [{"signal": "x", "title": "写", "sql": "INSERT INTO w.n VALUES (2, 2)"}]})
    assert not wrote.ok, "the session is read-only whatever is asked"


def test_a_function_is_walked_and_taken_back() -> None:
    seen: list[str] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        seen.append(path)
        body = (
            b'{"code": 0, "no": "A7"}'
            if path == "/save"
            else b'{"code": 1, "message": "full"}'
            if path == "/pay/A7"
            else b"{}"
        )
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (len(body), body)
        )
        await writer.drain()
        writer.close()

    async def run() -> Looked:
        server = await asyncio.start_server(served, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        steps = [
            {
                "name": "保存",
                "http": {"url": base + "/save", "method": "POST", "body": {"no": "{id}"}},
                "keep": {"no": "no"},
            },
            {"name": "付款", "http": {"url": base + "/pay/{no}", "expect": {"json": {"code": 0}, "say": "message"}}},
            {"name": "确认", "http": {"url": base + "/never"}},
            {"name": "撤回", "http": {"url": base + "/undo/{no}"}, "always": True},
        ]
        found = kind("steps")
        assert found.look is not None
        task = Task("t", {"steps": steps}, 2.0)
        looked = await found.look(task)
        await task.shared["http"].close()
        server.close()
        return looked

    looked = asyncio.run(run())
    assert not looked.ok
    assert looked.said.startswith("第 2 步“付款”：full")
    assert seen == ["/save", "/pay/A7", "/undo/A7"]


def test_figures_of_others() -> None:
    from xingwei.operations.watch.probes.figures import read

    document = {
        "rows": [{"series": "host.cpu", "node": "A", "value": 41}, {"series": "host.cpu", "node": "B", "value": 99}]
    }
    rows = {"path": "rows", "name": "series", "value": "value", "where": {"node": "A"}}
    assert read({"rows": rows}, document) == {"host.cpu": 41.0}
    assert read({"fields": {"host.offset": "clock.offset"}}, {"clock": {"offset": -3}}) == {
        "host.offset": -3.0,
        "host.clock": 3.0,
    }
