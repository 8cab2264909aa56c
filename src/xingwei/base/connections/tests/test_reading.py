"""Reading for real: PostgreSQL, MariaDB, SQLite, files; Oracle and SQL Server as far as their drivers go without one."""

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pymysql
import pytest
from psycopg.conninfo import conninfo_to_dict

from xingwei.base.connections import queries, services
from xingwei.base.connections.drivers import Address, Failed, driver_of
from xingwei.base.connections.models import Connection, Statement
from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
ME = system_actor("command")
READER, WRITER = (f"{who}_{os.getpid()}" for who in ("reader_of", "writer_of"))  # test processes share the server


def make(code, kind, settings, password="", **values):
    return services.save(ME, code, {"name": code, "kind": kind, "settings": settings, **values}, password=password)


def read(connection, text, params=None, **options):
    services.show(ME, connection, text, "试")
    with queries.opened(connection.code, **options) as reader:
        return [row for batch in reader.rows(text, params, batch=2) for row in batch]


@pytest.fixture(scope="module")
def postgres():
    """A database of its own, with an account that may read it and one that may write."""
    server = os.environ["DATABASE_URL"]
    name = f"conn_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        for role in (READER, WRITER):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
            admin.execute(f"CREATE ROLE {role} LOGIN")
        with psycopg.connect(server, dbname=name, autocommit=True) as db:
            db.execute("CREATE TABLE bills (id int, amount numeric(12,2), at timestamp)")
            db.execute("INSERT INTO bills SELECT n, n * 1.10, '2026-03-18 10:00' FROM generate_series(1, 5) n")
            db.execute(f"GRANT SELECT ON bills TO {READER}; GRANT ALL ON bills TO {WRITER}")
        parts = conninfo_to_dict(server)
        yield {"host": parts["host"], "port": parts.get("port", "5432"), "database": name}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {READER}")
        admin.execute(f"DROP ROLE {WRITER}")


def test_postgresql_is_read_by_an_account_that_cannot_write(postgres):
    row = make("pg", "postgresql", postgres | {"user": READER})
    found = read(row, "SELECT id, amount FROM bills WHERE id > :least ORDER BY id", {"least": 3})
    assert found == [(4, Decimal("4.40")), (5, Decimal("5.50"))]
    row.refresh_from_db()
    assert (row.proof, row.problem) == ("account", "")
    assert any("被拒绝" in e["detail"] for e in row.evidence)
    statement = Statement.objects.get(connection=row)
    assert (statement.runs, statement.rows, statement.tables) == (1, 2, ["bills"])


def test_an_account_that_may_write_is_locked_or_turned_away(postgres):
    row = make("pgw", "postgresql", postgres | {"user": WRITER})
    assert read(row, "SELECT count(*) FROM bills") == [(5,)]
    row.refresh_from_db()
    assert row.proof == "session"
    strict = services.save(ME, "pgw", {"account_only": True})
    with pytest.raises(queries.ConnectionProblem, match="只接受只读账号"):
        read(strict, "SELECT count(*) FROM bills")
    with psycopg.connect(
        **{k: v for k, v in postgres.items() if k != "database"}, dbname=postgres["database"], user="postgres"
    ) as db:
        assert db.execute("SELECT count(*) FROM bills").fetchone() == (5,)


def test_what_was_not_shown_does_not_run(postgres):
    row = make("pg", "postgresql", postgres | {"user": READER})
    with queries.opened("pg") as reader:
        with pytest.raises(queries.ConnectionProblem, match="还没有展示过"):
            list(reader.rows("SELECT id FROM bills"))
        with pytest.raises(queries.ConnectionProblem, match="只能写 SELECT"):
            list(reader.rows("DELETE FROM bills"))
    services.show(ME, row, "SELECT id FROM bills", "试")
    services.withdraw(ME, Statement.objects.get(connection=row))
    with queries.opened("pg") as reader, pytest.raises(queries.ConnectionProblem, match="还没有展示过"):
        list(reader.rows("SELECT id FROM bills"))


def test_a_slow_statement_is_stopped_and_a_fast_reader_slowed(postgres):
    row = make("pg", "postgresql", postgres | {"user": READER}, timeout_s=1, rows_per_second=100)
    slow = "SELECT count(*) FROM " + ", ".join(f"bills b{n}" for n in range(14))
    with pytest.raises(queries.ConnectionProblem, match="超过 1 秒"):
        read(row, slow)
    pauses = []
    read(row, "SELECT id FROM bills", sleep=pauses.append)
    assert sum(pauses) > 0


def test_outside_its_hours_it_is_not_even_opened(postgres):
    now = dt.datetime.now(queries.SHANGHAI)
    later = [[f"{(now.hour + 2) % 24:02d}:00", f"{(now.hour + 3) % 24:02d}:00"]]
    row = make("pg", "postgresql", postgres | {"user": READER}, windows=later)
    with pytest.raises(queries.NotNow, match="读取时段"):
        read(row, "SELECT id FROM bills")
    assert len(read(row, "SELECT id FROM bills", any_time=True)) == 5


def test_an_address_where_nobody_is_says_so_without_the_password(postgres):
    row = make(
        "gone", "postgresql", {"host": "127.0.0.1", "port": "1", "database": "x", "user": "u"}, password="hush-hush"
    )
    with pytest.raises(services.ConnectionRefused, match="连不上") as refused:
        services.prove(ME, row)
    row.refresh_from_db()
    assert "hush-hush" not in str(refused.value) + row.problem
    assert row.problem.startswith("连不上")


def test_passwords_are_sealed_bound_to_their_row_and_journalled_nowhere(postgres):
    row = make("pg", "postgresql", postgres | {"user": READER}, password="hush-hush")
    assert row.secret.startswith("sm4.")
    assert "hush" not in row.secret
    assert queries.address_of(row).password == "hush-hush"
    assert services.save(ME, "pg", {}, password="hush-hush").version == row.version
    Connection.objects.create(code="thief", name="x", kind="postgresql", secret=row.secret, settings={})
    with pytest.raises(queries.ConnectionProblem, match="口令解不开"):
        queries.address_of(Connection.objects.get(code="thief"))
    assert not any("hush" in f"{e.summary}{e.before}{e.after}" for e in Entry.objects.all())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "db2"}, "没有“db2”这种数据库"),
        ({"settings": {"host": "x"}}, "请写数据库"),
        ({"settings": {"host": "x", "database": "y", "user": "z", "port": "99999"}}, "端口"),
        ({"settings": {"host": "x", "database": "y", "user": "z", "colour": "red"}}, "没有“colour”"),
        ({"windows": [["8", "9"]]}, "应写成 00:30-05:30"),
        ({"timeout_s": 0}, "1 到 7200"),
        ({"rows_per_second": 5}, "至少 100"),
        ({"name": " "}, "请写名称"),
        ({"system": "NOPE"}, "没有系统"),
    ],
)
def test_nonsense_is_refused_in_plain_words(values, said):
    good = {"name": "x", "kind": "postgresql", "settings": {"host": "x", "database": "y", "user": "z"}}
    with pytest.raises(services.ConnectionRefused, match=said):
        services.save(ME, "one", good | values)
    assert not Connection.objects.exists()


SERVER = shutil.which("mariadbd") or shutil.which("mysqld") or shutil.which("mariadbd", path="/usr/sbin")


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    """A MariaDB of its own on a socket: a table, an account that reads, an account that writes."""
    if SERVER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no MariaDB server in CI: .ci/run installs mariadb-server")
        pytest.skip("no mariadbd or mysqld on this machine")
    place = tmp_path_factory.mktemp("maria")
    data, socket = place / "data", place / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = ["mariadb-install-db", f"--datadir={data}", "--auth-root-authentication-method=normal", *user]
    subprocess.run(install, check=True, **quiet)
    small = ["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--skip-networking"]
    server = subprocess.Popen(
        [SERVER, "--no-defaults", f"--datadir={data}", f"--socket={socket}", *small, *user], **quiet
    )
    try:
        with _maria(server, socket) as db, db.cursor() as cursor:
            for text in (
                "CREATE DATABASE finance CHARACTER SET utf8mb4",
                "CREATE TABLE finance.bills (id INT PRIMARY KEY, amount DECIMAL(12,2), name VARCHAR(20), at DATETIME)",
                "INSERT INTO finance.bills VALUES (1, 1.10, '挂号费', '2026-03-18 10:00'), (2, 2.20, '诊察费', '2026-03-18 11:00')",
                "CREATE USER reader@localhost IDENTIFIED BY 'r-secret'",
                "GRANT SELECT ON finance.* TO reader@localhost",
                "CREATE USER writer@localhost IDENTIFIED BY 'w-secret'",
                "GRANT ALL ON finance.* TO writer@localhost",
            ):
                cursor.execute(text)
            db.commit()
        yield {"host": str(socket), "database": "finance"}
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def _maria(server, socket):
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = pymysql.connect(unix_socket=str(socket), user="root", charset="utf8mb4")
            break
        except pymysql.err.OperationalError:
            assert time.monotonic() < deadline, "MariaDB did not start"
            assert server.poll() is None, "MariaDB ended"
            time.sleep(0.1)
    with connection:
        yield connection


def test_mariadb_is_read_by_an_account_that_cannot_write(mariadb):
    row = make("maria", "mysql", mariadb | {"user": "reader"}, password="r-secret")
    found = read(
        row,
        "SELECT id, amount, name FROM bills WHERE at >= :since ORDER BY id",
        {"since": dt.datetime(2026, 3, 18, 10, 30)},
    )
    assert found == [(2, Decimal("2.20"), "诊察费")]
    row.refresh_from_db()
    assert row.proof == "account"
    assert [e["ok"] for e in row.evidence] == [True, True, True]


def test_mariadb_locks_an_account_that_may_write(mariadb):
    row = make("mariaw", "mysql", mariadb | {"user": "writer"}, password="w-secret")
    assert read(row, "SELECT COUNT(*) FROM bills") == [(2,)]
    row.refresh_from_db()
    assert row.proof == "session"
    assert any("1792" in e["detail"] or "READ ONLY" in e["detail"] for e in row.evidence)


def test_sqlite_is_opened_read_only(tmp_path):
    path = tmp_path / "device.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE results (id INTEGER, value TEXT, at TEXT)")
        db.execute("INSERT INTO results VALUES (1, '5.2', '2026-03-18 10:00:00'), (2, '6.1', '2026-03-19 10:00:00')")
    row = make("device", "sqlite", {"path": str(path)})
    found = read(row, "SELECT id FROM results WHERE at >= :since", {"since": dt.datetime(2026, 3, 19)})
    assert found == [(2,)]
    row.refresh_from_db()
    assert row.proof == "account"
    gone = make("nofile", "sqlite", {"path": str(tmp_path / "none.db")})
    with pytest.raises(queries.ConnectionProblem, match="没有这个文件"):
        read(gone, "SELECT 1")


def test_files_that_are_dropped_become_tables(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq
    import xlsxwriter

    (tmp_path / "bills-20260317.csv").write_bytes("\ufeff订单号,金额\nA1,1.10\nA2,\n".encode())
    (tmp_path / "bills_20260318.csv").write_bytes("订单号,金额\nA3,3.30\n".encode())
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "numbers.parquet")
    with xlsxwriter.Workbook(tmp_path / "staff.xlsx") as book:
        sheet = book.add_worksheet()
        for at, line in enumerate([["工号", "姓名"], [10001, "刘工"]]):
            sheet.write_row(at, 0, line)
    row = make("drops", "files", {"path": str(tmp_path)})
    assert read(row, 'SELECT "订单号", "金额" FROM bills ORDER BY 1') == [("A1", "1.10"), ("A2", None), ("A3", "3.30")]
    assert read(row, "SELECT SUM(n) FROM numbers") == [(3,)]
    assert read(row, 'SELECT "工号" FROM staff') == [("10001",)]
    row.refresh_from_db()
    assert row.proof == "account"
    assert not (tmp_path / "xingwei-write-trial.csv").exists()
    (tmp_path / "bad.csv").write_bytes(b"a,b\n1,2\n1,2,3\n")
    with pytest.raises(queries.ConnectionProblem, match=r"bad\.csv"):
        read(row, "SELECT COUNT(*) FROM bills")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("oracle", {"host": "127.0.0.1", "port": "1", "service": "orcl", "user": "reader", "schema": "HIS"}),
        ("mssql", {"host": "127.0.0.1", "port": "1", "database": "his", "user": "reader"}),
    ],
)
def test_the_real_drivers_of_oracle_and_sql_server_say_that_nobody_is_there(kind, settings):
    """There is no such server here: their own loading code runs up to the socket, and its error is told in Chinese."""
    driver = driver_of(kind)(Address(settings, "hush-hush", 3))
    with pytest.raises(Failed, match="连不上") as failed:
        driver.connect()
    assert "hush-hush" not in str(failed.value)
