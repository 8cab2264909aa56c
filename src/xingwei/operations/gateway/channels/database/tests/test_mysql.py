"""The same on MariaDB, as hospitals' MySQL databases are; statements of servers that are not here, by their parsers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlglot

from xingwei.operations.gateway.channels.base import ChannelProblem, NotSent
from xingwei.operations.gateway.channels.database.listener import DatabaseListener
from xingwei.operations.gateway.channels.database.sender import DatabaseSender
from xingwei.operations.gateway.channels.database.statements import DIALECTS, prepare
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon, until

from .test_database import INTO, ONCE, ORU, run

SERVER = shutil.which("mariadbd") or shutil.which("mysqld") or shutil.which("mariadbd", path="/usr/sbin")
TABLES = (
    "CREATE DATABASE lis CHARACTER SET utf8mb4",
    "CREATE TABLE lis.lis_out (id BIGINT PRIMARY KEY, at DATETIME(3), pid VARCHAR(20), name VARCHAR(40),"
    " fee DECIMAL(10,2), pic BLOB, done INT DEFAULT 0)",
    "CREATE TABLE lis.middle (msg_id VARCHAR(40), pid VARCHAR(20) NOT NULL, item VARCHAR(20), value VARCHAR(8))",
    "CREATE USER 'gw'@'127.0.0.1' IDENTIFIED BY 'a%b''c'",
    "GRANT SELECT, INSERT, UPDATE ON lis.* TO 'gw'@'127.0.0.1'",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A MariaDB of its own; its port."""
    if SERVER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no MariaDB server in CI")
        pytest.skip("no mariadbd or mysqld on this machine")
    home = tmp_path_factory.mktemp("mariadb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = ["--user=root"] if os.geteuid() == 0 else []
    data, quiet = [f"--datadir={home / 'data'}", *user], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = ["mariadb-install-db", *data, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, **quiet)  # type: ignore[call-overload]
    command = [SERVER, "--no-defaults", *data, f"--socket={home / 's'}", f"--port={port}", "--bind-address=127.0.0.1",
               "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]  # fmt: skip
    process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    try:
        root = _root(home / "s", process)
        with root, root.cursor() as cursor:
            for statement in TABLES:
                cursor.execute(statement)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _root(path: Path, process: subprocess.Popen[bytes]) -> Any:
    end = time.monotonic() + 60
    while True:
        try:
            return pymysql.connect(unix_socket=str(path), user="root", charset="utf8mb4", autocommit=True)
        except pymysql.err.OperationalError:
            assert time.monotonic() < end, "MariaDB did not start"
            assert process.poll() is None, "MariaDB ended"
            time.sleep(0.05)


def base(port: int, **more: Any) -> dict[str, Any]:
    return {"driver": "mysql", "host": "127.0.0.1", "port": port, "database": "lis", "user": "gw",
            "password": "a%b'c", "poll_s": 0.05, **more}  # fmt: skip


@pytest.fixture
def other(server: int) -> Iterator[Any]:
    found = pymysql.connect(host="127.0.0.1", port=server, user="gw", password="a%b'c", database="lis", autocommit=True)
    with found.cursor() as cursor:
        cursor.execute("UPDATE lis_out SET done = 1")
        yield cursor
    found.close()


def test_new_rows_become_messages_and_are_marked(server: int, other: Any) -> None:
    async def work() -> None:
        settings = base(
            server,
            query="SELECT id, at, pid, name, fee, pic, name LIKE '王%' AS hit FROM lis_out WHERE done = 0 ORDER BY id",
            mark="UPDATE lis_out SET done = 1 WHERE id = :id",
            identity=["id"],
            patient="pid",
        )
        other.execute("INSERT INTO lis_out VALUES (1, '2026-11-25 08:00:00.125', 'P1', '王𠮷', 10.50, x'00ff', 0)")
        intake = FakeIntake()
        poller = DatabaseListener(channel("database", settings), intake)
        await poller.start()
        await intake.wait(1)
        other.execute("INSERT INTO lis_out VALUES (2, NULL, 'P2', NULL, NULL, NULL, 0)")
        await intake.wait(2)  # what was committed after the first look is seen: no old snapshot is read
        await until(lambda: other.execute("SELECT id FROM lis_out WHERE done = 0") == 0)
        await poller.stop()
        assert [json.loads(got.raw) for got in intake.got] == [
            {"id": 1, "at": "2026-11-25T08:00:00.125000", "pid": "P1", "name": "王𠮷", "fee": "10.50", "pic": "AP8=",
             "hit": 1},
            {"id": 2, "at": None, "pid": "P2", "name": None, "fee": None, "pic": None, "hit": None},
        ]  # fmt: skip
        assert [got.patient for got in intake.got] == ["P1", "P2"]

    run(work)


def test_by_time_and_outlives_lines_that_break(server: int, other: Any) -> None:
    async def work() -> None:
        settings = base(
            server,
            query="SELECT id, at FROM lis_out WHERE at >= :after ORDER BY at, id",
            watermark="at",
            watermark_type="timestamp",
            start="2026-11-26T00:00:00",
            identity=["id"],
            batch=2,
        )
        for number in range(11, 16):
            other.execute("INSERT INTO lis_out (id, at) VALUES (%s, '2026-11-26 08:00:00')", [number])
        intake = FakeIntake()
        poller = DatabaseListener(channel("database", settings), intake)
        await poller.start()
        await intake.wait(5)
        other.execute("SELECT id FROM information_schema.processlist WHERE user = 'gw' AND id <> connection_id()")
        for (line,) in other.fetchall():
            other.execute(f"KILL {line}")
        other.execute("INSERT INTO lis_out (id, at) VALUES (16, '2026-11-26 08:00:01')")
        await intake.wait(6)
        await poller.stop()
        assert [int(got.control_id) for got in intake.got] == list(range(11, 17))

    run(work)


def test_a_row_for_each_result_once_and_nothing_of_what_is_refused(server: int, other: Any) -> None:
    async def work() -> None:
        sender = DatabaseSender(channel("database", base(server, **INTO, **ONCE), direction="out"))
        assert (await sender.send(outgoing(ORU), soon())).text == "2 行"
        assert (await sender.send(outgoing(ORU), soon())).code == "已有"
        refused = await sender.send(outgoing(ORU.replace(b"140", b"x" * 20), control_id="C2"), soon())
        assert (refused.ok, refused.permanent, refused.code) == (False, True, "22001")
        assert "xxxx" not in refused.text
        other.execute("SELECT msg_id, pid, item, value FROM middle ORDER BY item")
        assert list(other.fetchall()) == [("C1", "P9", "K", "4.1"), ("C1", "P9", "NA", "140")]
        await sender.close()

    run(work)


def test_a_wrong_password_is_said_without_the_password(server: int) -> None:
    async def work() -> None:
        settings = base(server, **INTO) | {"password": "secret-9"}
        with pytest.raises(NotSent, match="账号和口令") as problem:
            await DatabaseSender(channel("database", settings, direction="out")).send(outgoing(ORU), soon())
        assert "secret-9" not in str(problem.value)

    asyncio.run(work())


STATEMENTS = {
    "oracle": [
        ("SELECT * FROM (SELECT LSH, JZSJ FROM HIS.V_FEE WHERE LSH > :after ORDER BY LSH) WHERE ROWNUM <= 200", "select"),
        ("SELECT TO_CHAR(JZSJ, 'YYYY-MM-DD HH24:MI:SS') AT, NVL(JE, 0) JE FROM T WHERE JZSJ >= :after", "select"),
        ("INSERT INTO LIS.MIDDLE (MSG_ID, AT) VALUES (:control_id, SYSDATE)", "write"),
        ("MERGE INTO M USING (SELECT :no NO FROM DUAL) S ON (M.NO = S.NO)"
         " WHEN NOT MATCHED THEN INSERT (NO) VALUES (S.NO)", "write"),
    ],
    "sqlserver": [
        ("SELECT TOP 200 [单号], [金额] FROM dbo.[收费明细] WITH (NOLOCK) WHERE [单号] > :after ORDER BY [单号]", "select"),
        ("SELECT CONVERT(VARCHAR(19), at, 120) AS at FROM dbo.t WHERE name LIKE N'王%' AND at >= :after", "select"),
        ("UPDATE dbo.t SET flag = 1, at = GETDATE() WHERE id = :id", "write"),
        ("INSERT INTO dbo.middle (msg_id) SELECT :control_id WHERE NOT EXISTS"
         " (SELECT 1 FROM dbo.middle WHERE msg_id = :control_id)", "write"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("driver", "sql", "wanted"), [(d, *s) for d, found in STATEMENTS.items() for s in found])
def test_statements_of_oracle_and_sql_server_stay_what_they_are(driver: str, sql: str, wanted: str) -> None:
    made = prepare(sql, driver, wanted)
    assert made.names
    back = made.sql if driver == "oracle" else made.sql % {name: f"@{name}" for name in made.names}
    again = sqlglot.parse_one(back, dialect=DIALECTS[driver])
    original = sqlglot.parse_one(sql.replace(":", "@") if driver == "sqlserver" else sql, dialect=DIALECTS[driver])
    assert again == original  # bound values are all that was changed


@pytest.mark.parametrize(
    ("driver", "sql", "wanted"),
    [
        ("oracle", "SELECT * INTO T2 FROM T WHERE A = :a", "select"),
        ("oracle", "DELETE FROM T WHERE A = :a", "write"),
        ("sqlserver", "SELECT * INTO t2 FROM t WHERE a = :a", "select"),
        ("sqlserver", "SELECT 1 FROM t; DROP TABLE t", "select"),
        ("sqlserver", "WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a = :a", "write"),
    ],
)
def test_statements_that_do_more_than_they_should_are_refused_for_each_server(
    driver: str, sql: str, wanted: str
) -> None:
    with pytest.raises(ChannelProblem):
        prepare(sql, driver, wanted)
