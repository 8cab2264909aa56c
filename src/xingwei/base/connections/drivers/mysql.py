"""MySQL and MariaDB by PyMySQL. Transactions are read only with a consistent snapshot; answers are streamed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches, refused

_DENIED = {1044, 1142, 1143, 1227, 1290, 1792}  # no privilege; server or transaction read only
_TIMED_OUT = {1969, 3024}
_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN"
    " ('mysql', 'information_schema', 'performance_schema', 'sys')"
)


class MySQL(Driver):
    kind = "mysql"
    fields = {
        "host": ("主机", "主机名、IP，或以 / 开头的套接字文件", True),
        "port": ("端口", "默认 3306", False),
        "database": ("数据库", "", True),
        "user": ("用户", "只读账号", True),
        "charset": ("字符集", "不写就是 UTF8MB4", False),
        "tls": ("加密", "填 1 用 TLS 连接", False),
    }

    def connect(self) -> None:
        a = self.address
        host = a.text("host")
        where: dict[str, Any] = (
            {"unix_socket": host} if host.startswith("/") else {"host": host, "port": a.number("port", 3306)}
        )
        if a.text("tls") == "1":
            where["ssl"] = {"check_hostname": False}
        try:
            self.db = pymysql.connect(
                **where,
                user=a.text("user"),
                password=a.password,
                database=a.text("database"),
                charset=a.text("charset", "utf8mb4"),
                connect_timeout=a.connect_s,
                read_timeout=a.timeout_s + 15,
                autocommit=False,
                program_name="xingwei read only",
            )
            with self.db.cursor() as cursor:
                cursor.execute("SELECT VERSION()")
                self.mariadb = "mariadb" in str((cursor.fetchone() or ("",))[0]).lower()
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                limit = "max_statement_time = %s" if self.mariadb else "max_execution_time = %s"
                cursor.execute(f"SET SESSION {limit}", [a.timeout_s if self.mariadb else a.timeout_s * 1000])
            self.db.commit()
        except (pymysql.Error, OSError, ValueError) as error:
            raise Failed(f"连不上：{first_line(error)}") from None

    def prove(self) -> Tried:
        a = self.address
        with self.db.cursor() as cursor:
            cursor.execute(
                _TABLES + " AND table_schema = %s AND table_type = 'BASE TABLE' LIMIT 1", [a.text("database")]
            )
            found = cursor.fetchone()
        self.db.rollback()
        if not found:
            raise Failed("这个账号一张表也不能读，请让管理员授予查询权限。")
        name = ".".join(f"`{str(part).replace('`', '``')}`" for part in found)
        unlocked = self._try(name, "READ WRITE")
        locked = self._try(name, "READ ONLY")
        if locked is None:
            return Tried("failed", (Evidence("事务锁定为只读后，试删除 0 行", False, "没有被拒绝"),))
        evidence = [refused("事务锁定为只读后，试删除 0 行", locked)]
        rights = self._rights()
        if unlocked is None:
            evidence.insert(0, Evidence("不锁定事务，试删除 0 行（随即回退）", False, "账号有写权限"))
            return Tried("session", (*evidence, rights))
        first = refused("不锁定事务，试删除 0 行", unlocked)
        return Tried("account" if rights.ok else "session", (first, *evidence, rights))

    def _try(self, name: str, mode: str) -> pymysql.Error | None:
        """The refusal, or None where it was not refused. No row can be touched: the condition is never true."""
        try:
            with self.db.cursor() as cursor:
                cursor.execute(f"START TRANSACTION {mode}")
                cursor.execute(f"DELETE FROM {name} WHERE 1 = 0")  # noqa: S608 - quoted above
        except pymysql.Error as error:
            if error.args[0] not in _DENIED:
                raise Failed(f"试写没有得到明确的拒绝：{first_line(error)}") from None
            return error
        finally:
            self.db.rollback()
        return None

    def _rights(self) -> Evidence:
        with self.db.cursor() as cursor:
            cursor.execute("SHOW GRANTS FOR CURRENT_USER()")
            grants = [str(row[0]).split(" IDENTIFIED ")[0] for row in cursor.fetchall()]
        self.db.rollback()
        verbs = {
            word.strip().upper()
            for grant in grants
            for word in grant.removeprefix("GRANT ").split(" ON ")[0].split(",")
        }
        more = sorted(
            v for v in verbs if not v.startswith(("SELECT", "USAGE", "SHOW VIEW", "PROCESS", "SHOW DATABASES"))
        )
        return Evidence("查账号的授权", not more, f"还有：{'、'.join(more)[:200]}" if more else "只有查询")

    def begin(self) -> None:
        self.db.rollback()
        with self.db.cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        cursor = self.db.cursor(SSCursor)
        try:
            cursor.execute(sql, dict(params) or None)
            yield from in_batches(cursor.fetchmany, batch)
        except pymysql.Error as error:
            if error.args[0] in _TIMED_OUT:
                raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
            raise Failed(f"语句没有执行成：{first_line(error)}") from None
        finally:
            with contextlib.suppress(pymysql.Error):
                cursor.close()

    def close(self) -> None:
        with contextlib.suppress(pymysql.Error):
            self.db.close()

    def tables(self) -> list[str]:
        with self.db.cursor() as cursor:
            cursor.execute(_TABLES + " ORDER BY 1, 2 LIMIT 500")
            return [f"{s}.{n}" for s, n in cursor.fetchall()]


DRIVER = MySQL
