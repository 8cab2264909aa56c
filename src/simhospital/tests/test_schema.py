"""The business databases: one description, four servers."""

import os
import shutil
import subprocess
import time
from datetime import date

import psycopg
import pymysql
import pytest
import sqlglot
from typer.testing import CliRunner

from simhospital import schema
from simhospital.cli import app
from simhospital.generate import build
from simhospital.generate.plan import Plan


@pytest.mark.parametrize("dialect", schema.DIALECTS)
def test_every_statement_is_understood_by_a_parser_of_that_dialect(dialect):
    tables = 0
    for statement in schema.statements(dialect):
        parsed = sqlglot.parse_one(statement, read=schema.DIALECTS[dialect].name)
        assert parsed.key in {"create", "comment"}, statement
        tables += parsed.args.get("kind") == "TABLE" and parsed.key == "create"
    assert tables == 82


def test_columns_refer_to_tables_that_exist_and_are_named_in_chinese():
    tables = {t.name: t for d in schema.databases() for t in d.tables}
    for table in tables.values():
        assert table.title
        assert len(set(table.names)) == len(table.names)
        for column in table.columns:
            assert column.title, f"{table.name}.{column.name}"
            assert not column.refers or column.refers in tables


@pytest.fixture
def database(database_url):
    """A connection to a database of its own."""
    with psycopg.connect(database_url) as connection:
        yield connection


def test_postgresql_takes_it_and_can_have_it_anew(database):
    schema.create_all(database)
    schema.create_all(database, anew=True)
    found = database.execute(
        "SELECT table_schema, count(*) FROM information_schema.tables WHERE table_schema = ANY(%s) GROUP BY 1",
        [[d.name for d in schema.databases()]],
    ).fetchall()
    assert dict(found) == {d.name: len(d.tables) for d in schema.databases()}
    comment = database.execute("SELECT col_description('his.gy_brda'::regclass, 1)").fetchone()
    assert comment == ("患者ID",)


def test_the_command_writes_the_statements_and_refuses_an_unknown_server():
    good = CliRunner().invoke(app, ["ddl", "--dialect", "oracle"])
    assert good.exit_code == 0
    assert "CREATE TABLE HIS.GY_BRDA" in good.output
    bad = CliRunner().invoke(app, ["ddl", "--dialect", "db2"])
    assert bad.exit_code == 2
    assert "sqlserver" in bad.output


SERVER = shutil.which("mariadbd") or shutil.which("mysqld") or shutil.which("mariadbd", path="/usr/sbin")


@pytest.fixture
def mariadb(tmp_path):
    """A MariaDB of its own, on a socket."""
    if SERVER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no MariaDB server in CI: .ci/run installs mariadb-server")
        pytest.skip("no mariadbd or mysqld on this machine")
    data, socket = tmp_path / "data", tmp_path / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = ["mariadb-install-db", f"--datadir={data}", "--auth-root-authentication-method=normal", *user]
    subprocess.run(install, check=True, **quiet)
    command = [SERVER, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking", *user]
    server = subprocess.Popen(command, **quiet)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = pymysql.connect(unix_socket=str(socket), user="root", charset="utf8mb4")
                break
            except pymysql.err.OperationalError:
                assert time.monotonic() < deadline, "MariaDB did not start"
                assert server.poll() is None, "MariaDB ended"
                time.sleep(0.1)
        yield connection
        connection.close()
    finally:
        server.terminate()
        server.wait(30)


def test_mariadb_gets_the_rows_too(mariadb, database_url, tmp_path):
    plan = Plan(date(2026, 3, 2), 2, 20, seed=8)
    build.build(database_url, plan)
    address = f"mysql://root@/?socket={tmp_path / 's'}"
    options = ["copy", "--database", database_url, "--mariadb", address]
    done = CliRunner().invoke(app, [*options, "--database-name", "finance", "--database-name", "lis"])
    assert done.exit_code == 0, done.output
    with psycopg.connect(database_url) as source, mariadb.cursor() as cursor:
        for query in (
            "SELECT count(*), sum(je), min(lrsj), max(xmmc) FROM finance.cw_fymx",
            "SELECT count(*), sum(medfee_sumamt), sum(fund_pay_sumamt), max(setl_time) FROM finance.ins_setl",
            "SELECT count(*), sum(jf), sum(df) FROM finance.cw_pzmx",
            "SELECT count(*), max(Unit) FROM lis.jy_jg",
        ):
            cursor.execute(query)
            assert cursor.fetchone() == source.execute(query).fetchone()
    wrong = CliRunner().invoke(app, [*options, "--database-name", "fax"])
    assert wrong.exit_code == 2
    assert "没有业务库 fax" in wrong.output
    nowhere = CliRunner().invoke(app, ["copy", "--database", database_url, "--mariadb", "oracle://x"])
    assert nowhere.exit_code == 2


def test_mariadb_takes_it(mariadb):
    with mariadb.cursor() as cursor:
        for statement in schema.statements("mysql"):
            cursor.execute(statement)
        cursor.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('his','cis','lis','emr','finance')"
        )
        assert cursor.fetchone() == (82,)
