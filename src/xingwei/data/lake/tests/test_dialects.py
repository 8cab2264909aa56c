"""One mapping, four dialects: every statement is plain SQL of its server; on MariaDB it is run for real."""

import datetime as dt
from decimal import Decimal

import pymysql
import pytest
import sqlglot
import time_machine

from xingwei.base.connections import services as connections
from xingwei.base.connections.engine import statements
from xingwei.base.connections.models import Connection
from xingwei.base.connections.tests.test_reading import mariadb  # noqa: F401 - a fixture
from xingwei.base.policy.engine import system_actor
from xingwei.data.lake import files, session
from xingwei.data.lake.engine import mapping as maps
from xingwei.data.lake.services import mappings
from xingwei.data.lake.services.extract import extract

from .conftest import ddl

NOON = dt.datetime(2026, 3, 18, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


class Anything(dict):
    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return "1"


DOCUMENTS = {m["code"]: m for m in files.read_directory(files.SHIPPED, Anything()).document["mappings"]}


@pytest.mark.parametrize("kind", statements.DIALECTS)
@pytest.mark.parametrize("code", DOCUMENTS)
def test_every_shipped_statement_is_understood_by_the_parser_of_that_server(code, kind):
    spec = maps.parse(DOCUMENTS[code])
    for text in maps.statements(spec, statements.DIALECTS[kind]).values():
        checked = statements.check(text, kind)
        assert spec.table in {t.lower() for t in checked.tables}
        tree = sqlglot.parse_one(text, read=statements.DIALECTS[kind])
        assert not tree.find(sqlglot.exp.Star) or "COUNT(*)" in text
    if spec.watermark:
        assert statements.check(maps.statements(spec, statements.DIALECTS[kind])["rows"], kind).parameters == (
            "since",
            "until",
        )


@pytest.mark.django_db
def test_settlements_come_from_mariadb_by_the_same_mapping(mariadb):  # noqa: F811
    with pymysql.connect(unix_socket=mariadb["host"], user="writer", password="w-secret", database="finance") as db:
        with db.cursor() as cursor:
            for text in ddl("mysql").split(";\n"):
                if text.startswith(("CREATE TABLE finance.cw_js (", "CREATE TABLE finance.ins_setl (")):
                    cursor.execute(text)
            cursor.execute(
                "INSERT INTO cw_js (jsid, jslx, brid, brxz, zje, ybje, zhje, xjje, yhje, wcje, jszt, jssj, czgh, lyqd) VALUES"
                " (1, '1', 7, '01', 100.10, 60, 20, 20.10, 0, 0, '1', '2026-03-17 23:59:59', '10001', '1'),"
                " (2, '1', 7, '01', 0.10, 0, 0, 0.10, 0, 0, '1', '2026-03-18 00:00:00', '10001', '1')"
            )
        db.commit()
    me = system_actor("command")
    values = {"name": "财务库", "kind": "mysql", "settings": mariadb | {"user": "reader"}, "account_only": True}
    connections.save(me, "finance", values, password="r-secret")
    mapping, _ = mappings.put(me, DOCUMENTS["settlement.finance"])
    with time_machine.travel(NOON, tick=True):
        run = extract(mapping)
        assert (run.state, run.problem, run.rows) == ("done", "", 2)
        assert extract(mapping).written == 0
    assert Connection.objects.get(code="finance").proof == "account"
    with session.opened(memory_mb=256, threads=1) as lake:
        text = "SELECT CAST(settled_at AS DATE), medfee_sumamt FROM settlement ORDER BY 1"
        assert lake.sql(text).fetchall() == [
            (dt.date(2026, 3, 17), Decimal("100.10")),
            (dt.date(2026, 3, 18), Decimal("0.10")),
        ]
