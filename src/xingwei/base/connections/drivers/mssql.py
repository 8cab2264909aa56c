"""SQL Server by pymssql (FreeTDS). It has no read-only transactions: only an account that may not write is taken."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pymssql

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches, refused

_DENIED = {229, 230, 262, 3906}  # permission denied; database read only
_TABLES = "SELECT TOP 500 s.name, t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id"
_WRITES = "('INSERT', 'UPDATE', 'DELETE', 'ALTER', 'CONTROL', 'CREATE TABLE', 'EXECUTE', 'TAKE OWNERSHIP')"


class SQLServer(Driver):
    kind = "mssql"
    fields = {
        "host": ("主机", "主机名或 IP；有实例名写成 主机\\实例", True),
        "port": ("端口", "默认 1433", False),
        "database": ("数据库", "", True),
        "user": ("用户", "只读账号（db_datareader）", True),
        "charset": ("字符集", "默认 UTF-8；老库用 CP936", False),
    }

    def connect(self) -> None:
        a = self.address
        try:
            self.db = pymssql.connect(
                server=a.text("host"),
                port=str(a.number("port", 1433)),
                user=a.text("user"),
                password=a.password,
                database=a.text("database"),
                charset=a.text("charset", "UTF-8"),
                login_timeout=a.connect_s,
                timeout=a.timeout_s,
                appname="xingwei read only",
                read_only=True,
                autocommit=False,
            )
            with self.db.cursor() as cursor:
                cursor.execute("SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW")
                cursor.execute("SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()")
                self.snapshot = bool((cursor.fetchone() or (0,))[0])
            self.begin()
        except (pymssql.Error, OSError, ValueError) as error:
            raise Failed(f"连不上：{first_line(error)}") from None

    def prove(self) -> Tried:
        with self.db.cursor() as cursor:
            cursor.execute(_TABLES)
            found = cursor.fetchone()
        if not found:
            raise Failed("这个账号一张表也不能读，请让管理员授予 db_datareader。")
        name = ".".join("[" + str(part).replace("]", "]]") + "]" for part in found)
        try:
            with self.db.cursor() as cursor:
                cursor.execute(f"DELETE FROM {name} WHERE 1 = 0")  # noqa: S608 - quoted above
        except pymssql.Error as error:
            if error.args[0] not in _DENIED:
                raise Failed(f"试写没有得到明确的拒绝：{first_line(error)}") from None
            tried = refused("试删除 0 行", error)
        else:
            return Tried("failed", (Evidence("试删除 0 行（随即回退）", False, "账号有写权限，SQL Server 会话锁不住"),))
        finally:
            self.db.rollback()
            self.begin()
        rights = self._rights()
        return Tried("account" if rights.ok else "failed", (tried, rights))

    def _rights(self) -> Evidence:
        with self.db.cursor() as cursor:
            cursor.execute(
                f"SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE') WHERE permission_name IN {_WRITES}"  # noqa: S608
                " UNION ALL SELECT 'sysadmin' WHERE IS_SRVROLEMEMBER('sysadmin') = 1"
            )
            more = [str(row[0]) for row in cursor.fetchall()]
        return Evidence("查账号的授权", not more, f"还有：{'、'.join(more)}" if more else "只有查询")

    def begin(self) -> None:
        self.db.rollback()
        with self.db.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {'SNAPSHOT' if self.snapshot else 'READ COMMITTED'}")

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        try:
            with self.db.cursor() as cursor:
                cursor.execute(sql, dict(params) or None)
                yield from in_batches(cursor.fetchmany, batch)
        except pymssql.Error as error:
            if "timed out" in str(error).lower():
                raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
            raise Failed(f"语句没有执行成：{first_line(error)}") from None

    def close(self) -> None:
        with contextlib.suppress(pymssql.Error):
            self.db.close()

    def tables(self) -> list[str]:
        with self.db.cursor() as cursor:
            cursor.execute(f"{_TABLES} ORDER BY 1, 2")
            return [f"{s!s}.{n!s}" for s, n in cursor.fetchall()]


DRIVER = SQLServer
