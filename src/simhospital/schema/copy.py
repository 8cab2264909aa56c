"""A business database with its rows on MariaDB or MySQL, as another hospital would have it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pymysql
from psycopg import sql
from pymysql.cursors import Cursor

from . import ddl
from .model import Database, Table, databases

_AT_ONCE = 1000


class CopyError(Exception):
    """The copy cannot be made; a Chinese sentence says why."""


def connect(url: str) -> pymysql.Connection[Cursor]:
    """mysql://user:password@host:port or mysql://user@/?socket=/path. Raises CopyError."""
    parts = urlsplit(url)
    if parts.scheme not in {"mysql", "mariadb"}:
        raise CopyError("MariaDB 地址应写成 mysql://用户:密码@主机:端口，或 mysql://用户@/?socket=路径。")
    where: dict[str, Any] = {"host": parts.hostname or "127.0.0.1", "port": parts.port or 3306}
    if socket := parse_qs(parts.query).get("socket"):
        where = {"unix_socket": socket[0]}
    try:
        return pymysql.connect(
            user=unquote(parts.username or "root"), password=unquote(parts.password or ""), charset="utf8mb4", connect_timeout=10, **where
        )  # fmt: skip
    except pymysql.Error as error:
        raise CopyError(f"连不上 MariaDB：{error}") from error


def copy(
    source: psycopg.Connection,
    target: pymysql.Connection[Cursor],
    names: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, int]:
    """Make these databases anew on the target and fill them; rows by table. names: all five where none is given.

    Raises CopyError where there is no such database or the target refuses.
    """
    known = {d.name: d for d in databases()}
    if unknown := set(names) - set(known):
        raise CopyError(f"没有业务库 {'、'.join(sorted(unknown))}，有：{'、'.join(known)}。")
    counts: dict[str, int] = {}
    try:
        for name in names or known:
            _make(target, known[name])
            for table in known[name].tables:
                counts[f"{name}.{table.name}"] = _fill(source, target, table)
            target.commit()
            say(f"{name}：{sum(n for t, n in counts.items() if t.startswith(f'{name}.'))} 行")
    except pymysql.Error as error:
        raise CopyError(f"MariaDB 拒绝了：{error}") from error
    return counts


def _make(target: pymysql.Connection[Cursor], database: Database) -> None:
    with target.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {database.name}")
        cursor.execute(f"CREATE DATABASE {database.name} DEFAULT CHARACTER SET utf8mb4")
        for table in database.tables:
            cursor.execute(ddl.create_table("mysql", table))
            for statement in ddl.create_indexes("mysql", table):
                cursor.execute(statement)


def _fill(source: psycopg.Connection, target: pymysql.Connection[Cursor], table: Table) -> int:
    columns = sql.SQL(", ").join(sql.Identifier(n.lower()) for n in table.names)
    query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(table.database, table.name.lower()))
    marks = ", ".join(["%s"] * len(table.names))
    insert = f"INSERT INTO {table.database}.{table.name} ({', '.join(table.names)}) VALUES ({marks})"  # noqa: S608 - our own schema
    count = 0
    with source.cursor(f"copy_{table.name.lower()}") as rows, target.cursor() as cursor:
        rows.execute(query)
        while found := rows.fetchmany(_AT_ONCE):
            cursor.executemany(insert, found)
            count += len(found)
    return count
