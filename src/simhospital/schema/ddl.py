"""DDL of the business databases for PostgreSQL, MySQL/MariaDB, Oracle and SQL Server.

A database of the hospital is a schema of its own in PostgreSQL, Oracle (a user) and SQL Server, and a database in
MySQL. As in hospitals there are no foreign keys; what a column refers to stands in its comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from .model import Column, Database, Table, databases


@dataclass(frozen=True, slots=True)
class Dialect:
    """name: what sqlglot calls it. type_of: the server's word for a column."""

    name: str
    title: str
    type_of: Callable[[Column], str]
    upper: bool = False
    inline_comments: bool = False


def _postgres(c: Column) -> str:
    if c.kind == "n":
        return f"numeric({c.size},{c.scale})" if c.scale else ("bigint" if c.size > 9 else "integer")
    return {"v": f"varchar({c.size})", "c": f"char({c.size})", "i": "integer", "d": "timestamp", "day": "date"}.get(
        c.kind, "text"
    )


def _mysql(c: Column) -> str:
    if c.kind == "n":
        return f"DECIMAL({c.size},{c.scale})" if c.scale else ("BIGINT" if c.size > 9 else "INT")
    return {"v": f"VARCHAR({c.size})", "c": f"CHAR({c.size})", "i": "INT", "d": "DATETIME", "day": "DATE"}.get(
        c.kind, "LONGTEXT"
    )


def _oracle(c: Column) -> str:
    if c.kind == "n":
        return f"NUMBER({c.size},{c.scale})" if c.scale else f"NUMBER({c.size})"
    sizes = {"v": f"VARCHAR2({c.size} CHAR)", "c": f"CHAR({c.size})", "i": "NUMBER(10)", "d": "DATE", "day": "DATE"}
    return sizes.get(c.kind, "CLOB")


def _sqlserver(c: Column) -> str:
    if c.kind == "n":
        return f"DECIMAL({c.size},{c.scale})" if c.scale else ("BIGINT" if c.size > 9 else "INT")
    sizes = {"v": f"NVARCHAR({c.size})", "c": f"CHAR({c.size})", "i": "INT", "d": "DATETIME2(0)", "day": "DATE"}
    return sizes.get(c.kind, "NVARCHAR(MAX)")


DIALECTS = {
    "postgres": Dialect("postgres", "PostgreSQL", _postgres),
    "mysql": Dialect("mysql", "MySQL / MariaDB", _mysql, inline_comments=True),
    "oracle": Dialect("oracle", "Oracle", _oracle, upper=True),
    "sqlserver": Dialect("tsql", "SQL Server", _sqlserver),
}


def statements(dialect: str, *, indexes: bool = True, unlogged: bool = False) -> Iterator[str]:
    """Everything that makes the empty databases, one statement at a time; dialect: a key of DIALECTS."""
    for database in databases():
        yield from _make_database(dialect, database)
        for table in database.tables:
            yield create_table(dialect, table, unlogged=unlogged)
            yield from comments(dialect, table)
            if indexes:
                yield from create_indexes(dialect, table)


def create_table(dialect: str, table: Table, *, unlogged: bool = False) -> str:
    d = DIALECTS[dialect]
    lines = [
        f"  {_cased(d, c.name)} {d.type_of(c)}{' NOT NULL' if c.required else ''}{_inline(d, c)}" for c in table.columns
    ]
    if not unlogged:
        lines.append(f"  {_key(d, table)}")
    kind = "UNLOGGED TABLE" if unlogged else "TABLE"
    tail = f" COMMENT='{table.title}'" if d.inline_comments else ""
    return f"CREATE {kind} {qualified(dialect, table)} (\n" + ",\n".join(lines) + f"\n){tail}"


def create_indexes(dialect: str, table: Table) -> Iterator[str]:
    d = DIALECTS[dialect]
    for number, names in enumerate(table.indexes, 1):
        columns = ", ".join(_cased(d, n) for n in names)
        name = _cased(d, f"i_{table.name}_{number}")
        yield f"CREATE INDEX {name} ON {qualified(dialect, table)} ({columns})"


def add_key(table: Table) -> str:
    """For a PostgreSQL table that was filled before it had its key."""
    return f"ALTER TABLE {table.database}.{table.name} ADD {_key(DIALECTS['postgres'], table)}"


def qualified(dialect: str, table: Table) -> str:
    return _cased(DIALECTS[dialect], f"{table.database}.{table.name}")


def create_all(connection: psycopg.Connection, *, anew: bool = False) -> None:
    """Make the empty databases in PostgreSQL; anew: what was there is dropped first. Commits."""
    with connection.cursor() as cursor:
        for database in databases() if anew else ():
            cursor.execute(f"DROP SCHEMA IF EXISTS {database.name} CASCADE".encode())
        for statement in statements("postgres"):
            cursor.execute(statement.encode())
    connection.commit()


def _make_database(dialect: str, database: Database) -> Iterator[str]:
    if dialect == "mysql":
        yield f"CREATE DATABASE {database.name} DEFAULT CHARACTER SET utf8mb4"
    elif dialect != "oracle":  # there a schema is a user, whom the administrator makes with a password of his own
        yield f"CREATE SCHEMA {database.name}"


def _key(d: Dialect, table: Table) -> str:
    columns = ", ".join(_cased(d, n) for n in table.key)
    return f"CONSTRAINT {_cased(d, f'pk_{table.name}')} PRIMARY KEY ({columns})"


def _inline(d: Dialect, c: Column) -> str:
    return f" COMMENT '{_described(c)}'" if d.inline_comments else ""


def _described(c: Column) -> str:
    return f"{c.title}（→ {c.refers}）" if c.refers else c.title


def comments(dialect: str, table: Table) -> Iterator[str]:
    """Statements that say in Chinese what table and columns are; none where CREATE TABLE says it."""
    d = DIALECTS[dialect]
    if d.inline_comments or dialect == "sqlserver":
        return
    name = qualified(dialect, table)
    yield f"COMMENT ON TABLE {name} IS '{table.title}'"
    for c in table.columns:
        yield f"COMMENT ON COLUMN {name}.{_cased(d, c.name)} IS '{_described(c)}'"


def _cased(d: Dialect, name: str) -> str:
    return name.upper() if d.upper else name
