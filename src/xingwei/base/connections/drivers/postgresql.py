"""PostgreSQL by psycopg 3. The session is read only; a zero-row DELETE is tried without and with that lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches, refused

_READABLE = (
    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " AND has_schema_privilege(schemaname, 'USAGE')"
    " AND has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), 'SELECT')"
)
_REFUSALS = {"InsufficientPrivilege", "ReadOnlySqlTransaction", "FeatureNotSupported"}  # the last: a standby


class PostgreSQL(Driver):
    kind = "postgresql"
    fields = {
        "host": ("主机", "主机名、IP，或本机套接字目录", True),
        "port": ("端口", "默认 5432", False),
        "database": ("数据库", "", True),
        "schema": ("模式", "表名不带模式时在这里找", False),
        "user": ("用户", "只读账号", True),
        "sslmode": ("加密", "照 PostgreSQL 的 SSLMODE 写；不写就是能加密则加密", False),
    }

    def connect(self) -> None:
        a = self.address
        milliseconds = a.timeout_s * 1000
        schema = a.text("schema", "public").replace('"', "").replace("\\", "")
        try:
            self.db = psycopg.connect(
                host=a.text("host"),
                port=a.number("port", 5432),
                dbname=a.text("database"),
                user=a.text("user"),
                password=a.password or None,
                sslmode=a.text("sslmode", "prefer"),
                connect_timeout=a.connect_s,
                application_name="xingwei read only",
                options=f"-c statement_timeout={milliseconds} -c default_transaction_read_only=on"
                f" -c idle_in_transaction_session_timeout={milliseconds} -c lock_timeout=5s",
            )
            self.db.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
            self.db.commit()
            self.db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self.db.read_only = True
        except (psycopg.Error, ValueError, OSError) as error:
            raise Failed(f"连不上：{first_line(error)}") from None

    def prove(self) -> Tried:
        try:
            found = self.db.execute(_READABLE.encode() + b" ORDER BY 1, 2 LIMIT 1").fetchone()
            self.db.rollback()
        except psycopg.Error as error:
            raise Failed(f"看不到有哪些表：{first_line(error)}") from None
        if found is None:
            raise Failed("这个账号一张表也不能读，请让管理员授予查询权限。")
        name = sql.Identifier(*found)
        unlocked = self._try(name, read_only=False)
        locked = self._try(name, read_only=True)
        rights = self._rights()
        if locked is None:
            return Tried("failed", (Evidence("会话锁定为只读后再试删除 0 行", False, "没有被拒绝"),))
        evidence = [refused("会话锁定为只读后，试删除 0 行", locked)]
        if unlocked is None:
            evidence.insert(0, Evidence("不锁定会话，试删除 0 行（随即回退）", False, "账号有写权限"))
            return Tried("session", (*evidence, rights))
        return Tried(
            "account" if rights.ok else "session", (refused("不锁定会话，试删除 0 行", unlocked), *evidence, rights)
        )

    def _try(self, name: sql.Identifier, *, read_only: bool) -> psycopg.Error | None:
        """The refusal, or None where it was not refused; nothing is changed either way."""
        try:
            self.db.read_only = read_only
            self.db.execute(sql.SQL("DELETE FROM {} WHERE false").format(name))
        except psycopg.Error as error:
            if type(error).__name__ not in _REFUSALS:
                raise Failed(f"试写没有得到明确的拒绝：{first_line(error)}") from None
            return error
        finally:
            self.db.rollback()
            self.db.read_only = True
        return None

    def _rights(self) -> Evidence:
        query = (
            f"SELECT count(*) FROM ({_READABLE}) t(s, n) WHERE has_table_privilege(quote_ident(s) || '.' ||"  # noqa: S608
            " quote_ident(n), 'INSERT, UPDATE, DELETE, TRUNCATE')"
        )
        count = (self.db.execute(query.encode()).fetchone() or (0,))[0]
        owner = (self.db.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() or (False,))[
            0
        ]
        self.db.rollback()
        detail = f"{count} 张表可写" if count else "没有一张表可写"
        return Evidence("查账号的授权", not count and not owner, detail + ("，是超级用户" if owner else ""))

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        try:
            with self.db.cursor(name="xingwei") as cursor:
                cursor.itersize = batch
                cursor.execute(sql.encode(), dict(params) or None)
                yield from in_batches(cursor.fetchmany, batch)
        except psycopg.errors.QueryCanceled:
            raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
        except psycopg.Error as error:
            raise Failed(f"语句没有执行成：{first_line(error)}") from None

    def begin(self) -> None:
        self.db.rollback()

    def close(self) -> None:
        self.db.close()

    def tables(self) -> list[str]:
        try:
            return [f"{s}.{n}" for s, n in self.db.execute(_READABLE.encode() + b" ORDER BY 1, 2 LIMIT 500").fetchall()]
        except psycopg.Error as error:
            raise Failed(first_line(error)) from None


DRIVER = PostgreSQL
