"""Statements read from a real database, advice tried on a real copy, its effect, pages and API."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.connections import services as connections
from xingwei.base.connections.models import Connection
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import system_actor
from xingwei.operations.backups import services as backups
from xingwei.service.contract.engine.periods import Period
from xingwei.service.desk.models import Case

from .. import evidence, queries, services
from ..models import Advice, Reading, Statement, Usage

pytestmark = pytest.mark.django_db
NAME = f"performance_source_{os.getpid()}"  # test processes share the server
SYSTEM = system_actor("test")
SLOW = "SELECT count(*) FROM visit WHERE card = $1"


@pytest.fixture(scope="module")
def source() -> Iterator[dict[str, Any]]:
    """A business database with a table that lacks an index, and one that needs none."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME}".encode())
        db.execute(f"CREATE DATABASE {NAME}".encode())
        settings = {"host": db.info.host, "port": str(db.info.port), "database": NAME, "user": db.info.user}
    with psycopg.connect(server, dbname=NAME, autocommit=True) as db:
        db.execute("CREATE EXTENSION pg_stat_statements")
        db.execute("CREATE TABLE visit AS SELECT n AS id, 'C' || n AS card FROM generate_series(1, 20000) n")
        db.execute("CREATE TABLE ward AS SELECT n AS id, 'W' || n AS name FROM generate_series(1, 20) n")
        db.execute("ANALYZE")
    yield settings
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


def ask_database(source: dict[str, Any], times: int) -> None:
    with psycopg.connect(
        host=source["host"], port=source["port"], user=source["user"], dbname=NAME, autocommit=True
    ) as db:
        for n in range(times):
            db.execute("SELECT count(*) FROM visit WHERE card = %s", [f"C{n}"])
            db.execute("SELECT name FROM ward WHERE id = %s", [n])


@pytest.fixture
def his(source: dict[str, Any]) -> Connection:
    System.objects.create(code="HIS", name="HIS", short_name="HIS", order=1)
    values = {"name": "HIS 业务库", "kind": "postgresql", "system": "HIS", "settings": source}
    row: Connection = connections.save(SYSTEM, "his", values, password="")
    return row


@pytest.fixture
def read(his: Connection, source: dict[str, Any]) -> Connection:
    now = timezone.now()
    ask_database(source, 3)
    services.read_one(his, now - dt.timedelta(minutes=20))
    ask_database(source, 10)
    services.read_one(his, now)
    return his


def slow(connection: Connection) -> Statement:
    found: Statement = Statement.objects.get(connection=connection, text=SLOW)
    return found


@pytest.mark.clause("9.3")
def test_what_was_used_between_two_readings_is_booked(read: Connection, source: dict[str, Any]) -> None:
    used = {u.statement.text: u.calls for u in Usage.objects.select_related("statement")}
    assert used[SLOW] == 10
    assert used["SELECT name FROM ward WHERE id = $1"] == 10
    ask_database(source, 4)
    services.read_one(read, timezone.now())
    assert sum(Usage.objects.filter(statement__text=SLOW).values_list("calls", flat=True)) == 14
    lines = queries.lines(read)
    assert lines[0].statement.text == SLOW
    assert lines[0].share > 50
    today = timezone.localdate()
    assert [r.system for r in evidence.readings(Period(1, today - dt.timedelta(days=1), today, ""))][:1] == ["HIS"]


@pytest.mark.clause("9.3")
def test_advice_is_tried_on_a_copy_adopted_applied_and_followed(
    read: Connection, actor: Callable[..., Any], tmp_path: Any
) -> None:
    engineer, hospital = actor("onsite_engineer"), actor("it_head")
    with pytest.raises(services.PerformanceRefused, match="还没有备份"):
        services.ask(engineer, slow(read))
    plan = backups.save_plan(
        SYSTEM, "his",
        {"name": "HIS", "maker": "xingwei", "form": "pg_dump", "connection": "his", "at": dt.time(2),
         "weekdays": [1], "directory": str(tmp_path)},
    )  # fmt: skip
    backups.carry_out(backups.begin(SYSTEM, plan, "taken"))
    asked = services.ask(engineer, slow(read))
    with pytest.raises(services.PerformanceRefused, match="正在副本上试"):
        services.ask(engineer, slow(read))
    advice = services.carry_out(asked)
    assert (advice.state, advice.cause, advice.problem) == ("open", "缺少索引", "")
    assert advice.change == "CREATE INDEX CONCURRENTLY ON public.visit (card)"
    assert advice.after["cost"] < advice.before["cost"] / 10
    assert "约 20,000 行" in advice.words
    small = Statement.objects.get(text="SELECT name FROM ward WHERE id = $1")
    assert services.carry_out(services.ask(engineer, small)).state == "nothing"
    case = services.adopt(hospital, advice)
    assert (case.kind, "CREATE INDEX" in case.description) == ("change", True)
    advice.refresh_from_db()
    services.apply(engineer, advice)
    advice.refresh_from_db()
    assert queries.effect(advice) is None
    hour = advice.applied_at.replace(minute=0, second=0, microsecond=0)
    Usage.objects.filter(statement=advice.statement).delete()
    for at, ms in ((hour - dt.timedelta(hours=5), 900.0), (hour + dt.timedelta(hours=2), 30.0)):
        Usage.objects.create(statement=advice.statement, hour=at, calls=10, total_ms=ms, rows=1, read=0)
    assert queries.effect(advice) == (90.0, 3.0)
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=NAME) as db:
        assert db.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'visit'").fetchone() == (0,)


def test_a_database_that_keeps_no_statistics_says_so_and_stops_no_other(his: Connection) -> None:
    connections.save(
        SYSTEM, "bare", {"name": "没有统计的库", "kind": "postgresql", "settings": dict(his.settings) | {"database": "postgres"}},
        password="",
    )  # fmt: skip
    problems = {r.connection.code: r.problem for r in services.read_all()}
    assert problems["his"] == ""
    assert problems["bare"]


def test_pages_lead_from_the_list_to_the_decision(
    read: Connection, as_role: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    client = as_role("onsite_engineer")
    url = reverse("performance:home")
    page = client.get(url).content.decode()
    assert "FROM visit WHERE card" in page
    with django_assert_max_num_queries(34):
        client.get(url)
    assert "没有变慢的语句" in client.get(url + "?slower=1").content.decode()
    sheet = b"".join(client.get(url + "?export=csv").streaming_content).decode()
    assert "FROM visit WHERE card" in sheet
    statement = slow(read)
    refused = client.post(reverse("performance:ask", args=[statement.pk]), HTTP_REFERER=url)
    assert refused.status_code in (302, 409)
    assert not Advice.objects.exists()
    advice = Advice.objects.create(
        statement=statement, asked_at=timezone.now(), state="open", cause="缺少索引", words="…"
    )
    detail = client.get(statement.get_absolute_url()).content.decode()
    assert "缺少索引" in detail
    assert "采纳并登记变更" not in detail  # that is the hospital's
    decide = reverse("performance:decide", args=[statement.pk, advice.pk])
    client.post(decide, {"what": "adopt"})
    assert not Case.objects.exists()
    hospital = as_role("it_head")
    hospital.post(decide, {"what": "decline", "reason": ""})
    advice.refresh_from_db()
    assert advice.state == "open"
    hospital.post(decide, {"what": "decline", "reason": "先等升级"})
    advice.refresh_from_db()
    assert (advice.state, advice.reason) == ("declined", "先等升级")
    assert as_role("reporter").get(url).status_code == 403


def test_the_api_gives_the_same(read: Connection, api_as: Callable[..., Any]) -> None:
    client = api_as("onsite_engineer")
    (first, *_) = client.get("/api/v1/performance/databases/his/statements").json()
    assert (first["text"], first["trend"]) == (SLOW, "unknown")
    assert client.get("/api/v1/performance/databases/none/statements").status_code == 404
    assert client.get(f"/api/v1/performance/statements/{first['statement']}/advice").json() == []
    assert client.post(f"/api/v1/performance/statements/{first['statement']}/advice").status_code in (409, 422)
    assert Reading.objects.count() == 2
