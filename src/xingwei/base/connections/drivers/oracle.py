"""Oracle by python-oracledb, thin mode (no client needed; 12.1 and later). A read-only transaction is a snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import oracledb

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches, refused

_DENIED = {1031, 1456, 41900, 16000}  # no privilege; read-only transaction; no privilege (23ai); read-only database
_OWN = (
    "SELECT owner, table_name FROM all_tables WHERE owner NOT IN ('SYS', 'SYSTEM', 'XDB', 'MDSYS', 'CTXSYS', 'OUTLN')"
)
_WRITES = "('INSERT', 'UPDATE', 'DELETE', 'ALTER', 'INDEX')"


class Oracle(Driver):
    kind = "oracle"
    fields = {
        "host": ("主机", "", True),
        "port": ("端口", "默认 1521", False),
        "service": ("服务名", "", True),
        "schema": ("模式", "表所属的用户，如 HIS", False),
        "user": ("用户", "只读账号", True),
    }

    def connect(self) -> None:
        a = self.address
        try:
            self.db = oracledb.connect(
                user=a.text("user"),
                password=a.password,
                params=oracledb.ConnectParams(
                    host=a.text("host"),
                    port=a.number("port", 1521),
                    service_name=a.text("service"),
                    tcp_connect_timeout=a.connect_s,
                    program="xingwei read only",
                ),
            )
            self.db.call_timeout = a.timeout_s * 1000
            self.db.outputtypehandler = _exactly
            if schema := a.text("schema"):
                quoted = schema.upper().replace('"', "")
                self.db.cursor().execute(f'ALTER SESSION SET CURRENT_SCHEMA = "{quoted}"')
            self.begin()
        except (oracledb.Error, OSError, ValueError) as error:
            raise Failed(f"连不上：{first_line(error)}") from None

    def prove(self) -> Tried:
        with self.db.cursor() as cursor:
            cursor.execute(f"{_OWN} AND ROWNUM = 1")
            found = cursor.fetchone()
        if not found:
            raise Failed("这个账号一张表也不能读，请让管理员授予查询权限。")
        name = ".".join(f'"{part}"' for part in found)
        unlocked, locked = self._try(name, lock=False), self._try(name, lock=True)
        if locked is None:
            return Tried("failed", (Evidence("事务锁定为只读后，试删除 0 行", False, "没有被拒绝"),))
        rights = self._rights()
        evidence = [refused("事务锁定为只读后，试删除 0 行", locked)]
        if unlocked is None:
            evidence.insert(0, Evidence("不锁定事务，试删除 0 行（随即回退）", False, "账号有写权限"))
            return Tried("session", (*evidence, rights))
        first = refused("不锁定事务，试删除 0 行", unlocked)
        return Tried("account" if rights.ok else "session", (first, *evidence, rights))

    def _try(self, name: str, *, lock: bool) -> oracledb.Error | None:
        self.db.rollback()
        try:
            with self.db.cursor() as cursor:
                if lock:
                    cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(f"DELETE FROM {name} WHERE 1 = 0")  # noqa: S608 - quoted above
        except oracledb.Error as error:
            if getattr(error.args[0], "code", 0) not in _DENIED:
                raise Failed(f"试写没有得到明确的拒绝：{first_line(error)}") from None
            return error
        finally:
            self.db.rollback()
            self.begin()
        return None

    def _rights(self) -> Evidence:
        with self.db.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM all_tab_privs WHERE grantee = USER AND privilege IN {_WRITES}")  # noqa: S608
            tables = (cursor.fetchone() or (0,))[0]
            cursor.execute(
                "SELECT privilege FROM session_privs WHERE privilege LIKE '%ANY%' OR privilege LIKE 'CREATE%'"
            )
            wide = [r[0] for r in cursor.fetchall() if not r[0].startswith(("SELECT ", "READ ", "CREATE SESSION"))]
        said = f"{tables} 项表的写权限" + (f"，系统权限：{'、'.join(wide)[:150]}" if wide else "")
        return Evidence("查账号的授权", not tables and not wide, said if tables or wide else "只有查询")

    def begin(self) -> None:
        self.db.rollback()
        with self.db.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        try:
            with self.db.cursor() as cursor:
                cursor.arraysize = cursor.prefetchrows = batch
                cursor.execute(sql, dict(params))
                yield from in_batches(cursor.fetchmany, batch)
        except oracledb.Error as error:
            if "DPY-4024" in str(error) or "DPI-1067" in str(error):
                raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
            raise Failed(f"语句没有执行成：{first_line(error)}") from None

    def close(self) -> None:
        with contextlib.suppress(oracledb.Error):
            self.db.close()

    def tables(self) -> list[str]:
        with self.db.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({_OWN} ORDER BY 1, 2) WHERE ROWNUM <= 500")  # noqa: S608
            return [f"{s}.{n}" for s, n in cursor.fetchall()]


def _exactly(cursor: Any, metadata: Any) -> Any:
    """Numbers as Decimal where they may have a fraction, long texts as text, never through a float."""
    if metadata.type_code is oracledb.DB_TYPE_NUMBER and metadata.scale != 0:
        import decimal

        return cursor.var(decimal.Decimal, arraysize=cursor.arraysize)
    if metadata.type_code in (oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB):
        return cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize)
    return None


DRIVER = Oracle
