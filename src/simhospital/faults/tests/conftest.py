"""A database with the hospital's tables and a few rows in each, and a home of its own."""

import os
import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from simhospital.schema import create_all, databases

ROWS = 6
EMPTY = {("zy_cwsz", "zyh"), ("gy_ylsf", "tyrq")}


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch):
    monkeypatch.setattr("simhospital.faults.board.LOOK_S", 0)


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """The hospital's directory."""
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))
    return tmp_path


def value(column, kind, size, number):
    if kind in ("numeric", "bigint", "integer"):
        return number + 1
    if kind.startswith("timestamp"):
        return f"2026-11-2{number % 4} 0{number}:30:00"
    if kind == "date":
        return f"2026-11-2{number % 4}"
    return str(number + 1)[: size or 9]


def fill(connection):
    for database in databases():
        for table in database.tables:
            columns = connection.execute(
                "SELECT column_name, data_type, character_maximum_length FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
                (database.name, table.name.lower()),
            ).fetchall()
            for number in range(ROWS):
                row = [None if (table.name, c[0]) in EMPTY else value(*c, number) for c in columns]
                connection.execute(
                    sql.SQL("INSERT INTO {}.{} VALUES ({})").format(
                        sql.Identifier(database.name), sql.Identifier(table.name.lower()),
                        sql.SQL(", ").join(map(sql.Literal, row)),
                    )
                )  # fmt: skip
    connection.commit()


@pytest.fixture(scope="session")
def base():
    """The address of a database that is filled once."""
    server, name = os.environ["DATABASE_URL"], f"hospital_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    address = make_conninfo(server, dbname=name)
    with psycopg.connect(address) as connection:
        create_all(connection)
        fill(connection)
    yield address
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(base, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_DATABASE_URL", base)
    return base
