"""A connection to each kind of database, kept between looks: read-only, with a limit of time, under its own name.

Two of the drivers block; they run in a thread. Only one statement at a time is under way on a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

NAME = "xingwei watch"
Rows = tuple[Sequence[str], list[tuple[Any, ...]]]


class Database(Protocol):
    """variant: "mariadb" where a MySQL is one."""

    variant: str

    async def rows(self, sql: str) -> Rows: ...
    def close(self) -> None: ...


async def connect(settings: Mapping[str, Any], timeout_s: float) -> Database:
    """Raises whatever the driver raises."""
    made = {"postgresql": Postgres, "mysql": MySQL, "oracle": Oracle, "mssql": SQLServer}[settings["engine"]]
    opened: Database = await made.connect(settings, timeout_s)  # type: ignore[attr-defined]
    return opened


class Postgres:
    variant = ""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, s: Mapping[str, Any], timeout_s: float) -> Postgres:
        import psycopg

        made = await psycopg.AsyncConnection.connect(
            host=s["host"], port=s.get("port", 5432), dbname=s.get("database", "postgres"), user=s.get("user"),
            password=s.get("password") or None, autocommit=True, connect_timeout=max(2, int(timeout_s)),
            application_name=NAME, prepare_threshold=3,
            options=f"-c default_transaction_read_only=on -c statement_timeout={int(timeout_s * 1000)}"
            f" -c lock_timeout=500 -c idle_session_timeout=0",
        )  # fmt: skip
        return cls(made)

    async def rows(self, sql: str) -> Rows:
        cursor = await self._connection.execute(sql)
        return [c.name for c in cursor.description], await cursor.fetchall()

    def close(self) -> None:
        self._connection.pgconn.finish()


class MySQL:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.variant = "mariadb" if "mariadb" in str(connection.get_server_info()).lower() else "mysql"

    @classmethod
    async def connect(cls, s: Mapping[str, Any], timeout_s: float) -> MySQL:
        return await asyncio.to_thread(cls._open, s, timeout_s)

    @classmethod
    def _open(cls, s: Mapping[str, Any], timeout_s: float) -> MySQL:
        import pymysql

        where = (
            {"unix_socket": s["host"]}
            if s["host"].startswith("/")
            else {"host": s["host"], "port": s.get("port", 3306)}
        )
        made = cls(
            pymysql.connect(
                **where, user=s.get("user"), password=s.get("password") or "", database=s.get("database") or None,
                connect_timeout=max(1, int(timeout_s)), read_timeout=timeout_s, autocommit=True, charset="utf8mb4",
                program_name=NAME,
            )
        )  # fmt: skip
        with made._connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            if made.variant == "mariadb":
                cursor.execute("SET SESSION max_statement_time = %s", [timeout_s])
            else:
                cursor.execute("SET SESSION max_execution_time = %s", [int(timeout_s * 1000)])
        return made

    async def rows(self, sql: str) -> Rows:
        return await asyncio.to_thread(self._rows, sql)

    def _rows(self, sql: str) -> Rows:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [c[0] for c in cursor.description or ()], list(cursor.fetchall())

    def close(self) -> None:
        self._connection.close()


class Oracle:
    variant = ""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, s: Mapping[str, Any], timeout_s: float) -> Oracle:
        import oracledb

        made = await oracledb.connect_async(
            user=s.get("user"), password=s.get("password"), host=s["host"], port=s.get("port", 1521),
            service_name=s.get("database"), tcp_connect_timeout=timeout_s,
        )  # fmt: skip
        made.call_timeout = int(timeout_s * 1000)
        made.module = NAME
        return cls(made)

    async def rows(self, sql: str) -> Rows:
        with self._connection.cursor() as cursor:
            await cursor.execute(sql)
            found = await cursor.fetchall()
            return [c[0] for c in cursor.description], list(found)

    def close(self) -> Any:
        return self._connection.close()


class SQLServer:
    variant = ""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, s: Mapping[str, Any], timeout_s: float) -> SQLServer:
        return await asyncio.to_thread(cls._open, s, timeout_s)

    @classmethod
    def _open(cls, s: Mapping[str, Any], timeout_s: float) -> SQLServer:
        import pymssql

        made = pymssql.connect(
            server=s["host"], port=str(s.get("port", 1433)), user=s.get("user"), password=s.get("password") or "",
            database=s.get("database") or "", login_timeout=max(1, int(timeout_s)), timeout=max(1, int(timeout_s)),
            appname=NAME, autocommit=True,
        )  # fmt: skip
        with made.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
        return cls(made)

    async def rows(self, sql: str) -> Rows:
        return await asyncio.to_thread(self._rows, sql)

    def _rows(self, sql: str) -> Rows:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [c[0] for c in cursor.description or ()], list(cursor.fetchall())

    def close(self) -> None:
        self._connection.close()
