"""Tables of other systems, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from xingwei.operations.gateway.channels.base import ChannelProblem, NotSent
from xingwei.operations.gateway.channels.database.listener import DatabaseListener
from xingwei.operations.gateway.channels.database.sender import DatabaseSender
from xingwei.operations.gateway.channels.database.statements import prepare
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon, until


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


@pytest.fixture
def other(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A table of somebody else's."""
    s = connection.settings_dict
    found = psycopg.connect(
        host=s["HOST"],
        port=s["PORT"] or 5432,
        dbname=s["NAME"],
        user=s["USER"],
        password=s["PASSWORD"],
        autocommit=True,
    )
    found.execute(
        "create table if not exists lis_out (id bigint primary key, at timestamp, pid text, name text,"
        " fee numeric(10,2), done int default 0)"
    )
    found.execute("create table if not exists middle (msg_id text, pid text not null, item text, value varchar(8))")
    found.execute("truncate lis_out, middle")
    yield found
    found.execute("drop table lis_out, middle")
    found.close()


def base(**more: Any) -> dict[str, Any]:
    s = connection.settings_dict
    return {
        "driver": "postgresql",
        "host": s["HOST"],
        "port": int(s["PORT"] or 5432),
        "database": s["NAME"],
        "user": s["USER"],
        "password": s["PASSWORD"],
        "poll_s": 0.05,
        **more,
    }


BY_ID = {
    "query": "SELECT * FROM lis_out WHERE id >= :after ORDER BY id",
    "watermark": "id",
    "identity": ["id"],
    "patient": "pid",
}


def add(other: psycopg.Connection, *ids: int, at: str = "2026-11-25 08:00:00") -> None:
    for number in ids:
        other.execute(
            "insert into lis_out (id, at, pid, name, fee) values (%s, %s, %s, '王', 10.50)", (number, at, f"P{number}")
        )


def test_new_rows_become_messages_once_each(other: psycopg.Connection) -> None:
    async def work() -> None:
        intake = FakeIntake()
        add(other, 1, 2, 3)
        poller = DatabaseListener(channel("database", base(**BY_ID, batch=2)), intake)
        await poller.start()
        await intake.wait(3)
        add(other, 4)
        await intake.wait(4)
        await poller.stop()
        assert [got.control_id for got in intake.got] == ["1", "2", "3", "4"]
        got = intake.got[0]
        assert json.loads(got.raw) == {
            "id": 1,
            "at": "2026-11-25T08:00:00",
            "pid": "P1",
            "name": "王",
            "fee": "10.50",
            "done": 0,
        }
        assert (got.patient, got.reference) == ("P1", "1")

        later = FakeIntake()
        later.reference = "3"
        again = DatabaseListener(channel("database", base(**BY_ID)), later)
        await again.start()
        await later.wait(2)
        await again.stop()
        assert [got.control_id for got in later.got] == ["3", "4"], "goes on where the newest message stands"

    run(work)


def test_more_rows_with_one_time_than_a_batch_holds(other: psycopg.Connection) -> None:
    async def work() -> None:
        intake = FakeIntake()
        add(other, *range(1, 8))
        settings = base(
            query="SELECT * FROM lis_out WHERE at >= :after ORDER BY at, id",
            watermark="at",
            watermark_type="timestamp",
            identity=["id"],
            batch=2,
        )
        poller = DatabaseListener(channel("database", settings), intake)
        await poller.start()
        await intake.wait(7)
        add(other, 8, at="2026-11-25 08:00:01")
        await intake.wait(8)
        await poller.stop()
        assert [int(got.control_id) for got in intake.got] == list(range(1, 9))
        assert intake.got[-1].event_at is not None

    run(work)


def test_rows_are_marked_after_they_are_stored(other: psycopg.Connection) -> None:
    async def work() -> None:
        intake = FakeIntake()
        intake.overloaded = "队列已满"
        add(other, 1, 2)
        settings = base(
            query="SELECT * FROM lis_out WHERE done = 0 ORDER BY id",
            identity=["id"],
            mark="UPDATE lis_out SET done = 1 WHERE id = :id",
        )
        poller = DatabaseListener(channel("database", settings), intake)
        await poller.start()
        await until(lambda: bool(intake.troubles))
        assert other.execute("select sum(done) from lis_out").fetchone() == (0,)
        intake.overloaded = ""
        await intake.wait(2)
        await until(lambda: other.execute("select sum(done) from lis_out").fetchone() == (2,))
        await poller.stop()
        assert len(intake.got) == 2

    run(work)


def test_a_poller_outlives_a_database_that_goes_away(other: psycopg.Connection) -> None:
    async def work() -> None:
        intake = FakeIntake()
        poller = DatabaseListener(channel("database", base(**BY_ID)), intake)
        await poller.start()
        await asyncio.sleep(0.1)
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'xingwei-gateway'"
        )
        add(other, 1)
        await intake.wait(1)
        await poller.stop()

    run(work)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"query": "DELETE FROM lis_out", "watermark": "id"}, "只能写 SELECT"),
        ({"query": "SELECT 1; SELECT 2", "watermark": "id"}, "只能写一条"),
        ({"query": "SELECT 1"}, "要么填水位列"),
        ({"query": "SELECT (", "watermark": "id"}, "读不懂"),
        ({"query": "SELECT * FROM a", "mark": "DROP TABLE a"}, "只能写 INSERT"),
    ],
)
def test_statements_that_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ChannelProblem, match=why):
        DatabaseListener(
            channel(
                "database",
                {"driver": "postgresql", "host": "h", "database": "d", "user": "u", "identity": ["id"], **settings},
            ),
            FakeIntake(),
        )


def test_drivers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oracledb", None)
    with pytest.raises(ChannelProblem, match="没有安装 oracledb"):
        DatabaseSender(
            channel(
                "database",
                {"driver": "oracle", "host": "h", "database": "d", "user": "u", "insert": "INSERT INTO a VALUES (1)"},
            )
        )


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("oracle", "SELECT ':x', '5%' FROM t WHERE a = :a AND b = :b"),
        ("mysql", "SELECT ':x', '5%%' FROM t WHERE a = %(a)s AND b = %(b)s"),
    ],
)
def test_values_are_bound_never_pasted(driver: str, expected: str) -> None:
    found = prepare("SELECT ':x', '5%' FROM t WHERE a = :a AND b = :b;", driver, "select")
    assert found.sql == expected
    assert found.names == ("a", "b")
    assert prepare("SELECT a::text FROM t -- :no\n", "postgresql", "select").names == ()


ORU = b"MSH|^~\\&|L|L|||1||ORU^R01|C1|P|2.4\rPID|1||P9\rOBX|1|NM|K||4.1\rOBX|2|NM|NA||140\r"
INTO = {
    "insert": "INSERT INTO middle (msg_id, pid, item, value) VALUES (:control_id, :pid, :item, :value)",
    "fields": {"pid": "PID-3.1", "item": "OBX[*]-3.1", "value": "OBX[*]-5"},
    "each": "OBX[*]",
    "form": "hl7",
}
ONCE = {"exists": "SELECT 1 FROM middle WHERE msg_id = :control_id"}


def test_a_row_for_each_result_once(other: psycopg.Connection) -> None:
    async def work() -> None:
        sender = DatabaseSender(channel("database", base(**INTO, **ONCE), direction="out"))
        assert sender.repeatable
        assert (await sender.send(outgoing(ORU), soon())).text == "2 行"
        assert (await sender.send(outgoing(ORU), soon())).code == "已有"
        assert other.execute("select * from middle order by item").fetchall() == [
            ("C1", "P9", "K", "4.1"),
            ("C1", "P9", "NA", "140"),
        ]
        await sender.close()

    run(work)


def test_what_the_table_refuses_leaves_nothing_behind(other: psycopg.Connection) -> None:
    async def work() -> None:
        sender = DatabaseSender(channel("database", base(**INTO), direction="out"))
        assert not sender.repeatable
        answer = await sender.send(outgoing(ORU.replace(b"140", b"x" * 20)), soon())
        assert (answer.ok, answer.permanent, answer.code) == (False, True, "22001")
        assert "xxxx" not in answer.text, "the driver's text quotes values"
        assert (await sender.send(outgoing(ORU.replace(b"P9", b"")), soon())).code == "23502"
        assert (await sender.send(outgoing(b"junk"), soon())).permanent
        assert other.execute("select count(*) from middle").fetchone() == (0,)
        await sender.close()

    run(work)


def test_a_database_that_is_not_there() -> None:
    async def work() -> None:
        nowhere = {"driver": "postgresql", "host": "127.0.0.1", "port": 9, "database": "d", "user": "u"}
        with pytest.raises(NotSent, match="连不上数据库"):
            await DatabaseSender(channel("database", {**nowhere, **INTO}, direction="out")).send(outgoing(ORU), soon())
        with pytest.raises(ChannelProblem, match="连不上数据库"):
            await DatabaseListener(channel("database", {**nowhere, **BY_ID}), FakeIntake()).start()

    run(work)


def test_a_parameter_without_a_field() -> None:
    with pytest.raises(ChannelProblem, match=":what 没有写明"):
        DatabaseSender(
            channel(
                "database",
                {
                    "driver": "postgresql",
                    "host": "h",
                    "database": "d",
                    "user": "u",
                    "insert": "INSERT INTO a VALUES (:what)",
                },
            )
        )


LOOK = {"lookup": "SELECT pid, name, fee, at FROM lis_out WHERE id::text = :value"}


def test_a_value_is_looked_up(other: psycopg.Connection) -> None:
    async def work() -> None:
        add(other, 7)
        sender = DatabaseSender(channel("database", base(**LOOK), direction="out"))
        assert sender.can_look_up()
        assert await sender.look_up("7", soon()) == {
            "pid": "P7", "name": "王", "fee": "10.50", "at": "2026-11-25T08:00:00",
        }  # fmt: skip
        assert await sender.look_up("8' OR '1'='1", soon()) is None
        assert (await sender.send(outgoing(ORU), soon())).permanent  # it is there to be asked only
        await sender.close()
        slow = DatabaseSender(
            channel("database", base(lookup="SELECT pg_sleep(3), :value::text AS v"), direction="out")
        )
        with pytest.raises(ChannelProblem, match="时限"):
            await slow.look_up("7", soon(0.1))

    run(work)


@pytest.mark.parametrize("sql", ["DELETE FROM lis_out WHERE pid = :value", "SELECT 1", "SELECT :value, :other"])
def test_statements_that_do_not_look_up_one_value(sql: str) -> None:
    with pytest.raises(ChannelProblem):
        DatabaseSender(
            channel("database", {"driver": "postgresql", "host": "h", "database": "d", "user": "u", "lookup": sql})
        )
