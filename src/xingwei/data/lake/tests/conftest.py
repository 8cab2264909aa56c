"""A hospital's databases on the server of the test session, with the account that may read and nothing else."""

import functools
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from xingwei.base.estate.models import System
from xingwei.base.policy.engine import system_actor
from xingwei.data.lake import files
from xingwei.data.lake.services.importer import import_lake

READER = "data_reader"
SCHEMAS = ("his", "cis", "lis", "emr", "finance")
ROWS = {
    "finance.cw_js": [
        # jsid, jslx, brid, zje, ybje, zhje, xjje, jszt, jssj
        (11, "0", 1001, "16.00", "0", "0", "16.00", "1", "2026-03-16 08:00:00"),
        (12, "1", 1001, "100.10", "60.00", "20.00", "20.10", "1", "2026-03-16 23:59:59"),
        (21, "1", 1002, "0.10", "0", "0", "0.10", "1", "2026-03-17 00:00:00"),
        (22, "1", 1002, "33.33", "0", "0", "33.33", "1", "2026-03-18 09:30:00"),
    ],
}


@functools.cache
def ddl(dialect):
    """What the hospital's tables are made by; asked from the hospital's own program, which we know by wire only."""
    command = [sys.executable, "-m", "simhospital", "ddl", "--dialect", dialect]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def own_database():
    server = os.environ["DATABASE_URL"]
    name = f"lake_hospital_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone() is None:
            admin.execute(f"CREATE ROLE {READER} LOGIN")
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def hospital_template():
    """The empty databases, made once."""
    with own_database() as url, psycopg.connect(url, autocommit=True) as db:
        db.execute(ddl("postgres"))
        for schema in SCHEMAS:
            db.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
            db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}")
        yield url


@pytest.fixture
def hospital(hospital_template):
    """A connection of the hospital itself, with a few settlements; what a test writes is gone after it."""
    with psycopg.connect(hospital_template, autocommit=True) as db:
        for row in ROWS["finance.cw_js"]:
            settle(db, *row)
        yield db
        for (name,) in db.execute(
            "SELECT format('%%I.%%I', schemaname, relname) FROM pg_stat_user_tables WHERE schemaname = ANY(%s)",
            [list(SCHEMAS)],
        ).fetchall():
            if db.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone():
                db.execute(f"TRUNCATE {name}")


def settle(db, jsid, kind, patient, total, fund, account, cash, state, at):
    db.execute(
        "INSERT INTO finance.cw_js (jsid, jslx, brid, brxz, zje, ybje, zhje, xjje, yhje, wcje, jszt, jssj, czgh, lyqd)"
        " VALUES (%s, %s, %s, '01', %s, %s, %s, %s, 0, 0, %s, %s, '10001', '1')",
        [jsid, kind, patient, total, fund, account, cash, state, at],
    )


@pytest.fixture
def places(hospital_template):
    parts = conninfo_to_dict(hospital_template)
    return {
        "hospital_host": parts["host"],
        "hospital_port": parts.get("port", "5432"),
        "hospital_database": parts["dbname"],
        "hospital_user": READER,
        "hospital_password": "",
    }


@pytest.fixture
def shipped(db, hospital, places):
    """The lake of the demonstration's hospital, imported."""
    for order, code in enumerate(("HIS", "CIS", "LIS", "EMR")):
        System.objects.get_or_create(code=code, defaults={"name": code, "short_name": code, "order": order})
    return import_lake(system_actor("command"), files.SHIPPED, places=places)
