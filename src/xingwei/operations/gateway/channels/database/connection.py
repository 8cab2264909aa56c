"""Connections to other systems' databases, by DB-API, used in threads: one statement at a time, with a time limit."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from ..base import ChannelConfig, ChannelProblem
from ..secrets import secret
from .statements import Statement

_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "oracle": "oracledb", "sqlserver": "pymssql"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "oracle": 1521, "sqlserver": 1433}


class Unreachable(Exception):
    """No connection. Chinese; never with the password."""


class Database:
    """driver: the DB-API module; its Error classes tell what went wrong."""

    def __init__(self, channel: ChannelConfig) -> None:
        s = channel.settings
        self.name = str(s["driver"])
        try:
            self.driver: ModuleType = import_module(_DRIVERS[self.name])
        except ImportError:
            raise ChannelProblem(f"没有安装 {_DRIVERS[self.name]}，连不了这种数据库：请联系供应商安装。") from None
        self._settings = s
        self._password = secret(channel, "password")
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def _open(self) -> Any:
        s = self._settings
        host, port = str(s["host"]), int(s.get("port") or _PORTS[self.name])
        wait, limit = float(s.get("connect_s", 5)), float(s.get("statement_s", 30))
        who = {"user": str(s["user"]), "password": self._password}
        try:
            if self.name == "postgresql":
                options = f"-c statement_timeout={int(limit * 1000)} -c application_name=xingwei-gateway"
                return self.driver.connect(
                    host=host,
                    port=port,
                    dbname=s["database"],
                    connect_timeout=max(2, int(wait)),
                    options=options,
                    **who,
                )
            if self.name == "mysql":
                return self.driver.connect(
                    host=host, port=port, database=s["database"], connect_timeout=max(1, int(wait)), charset="utf8mb4",
                    read_timeout=int(limit), write_timeout=int(limit), **who,
                )  # fmt: skip
            if self.name == "oracle":
                found = self.driver.connect(
                    host=host, port=port, service_name=s["database"], tcp_connect_timeout=wait, **who
                )
                found.call_timeout = int(limit * 1000)
                return found
            return self.driver.connect(
                server=host, port=str(port), database=s["database"], login_timeout=int(wait), timeout=int(limit), **who
            )
        except (self.driver.Error, OSError):
            raise Unreachable(f"连不上数据库 {host}:{port}：请检查网络、账号和口令。") from None

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """One for this thread's turn; dropped after any error, kept otherwise."""
        try:
            found = self._free.get_nowait()
        except queue.Empty:
            found = self._open()
        try:
            yield found
        except BaseException:
            self._drop(found)
            raise
        self._free.put(found)

    def _drop(self, found: Any) -> None:
        try:
            found.close()
        except (self.driver.Error, OSError):
            return

    def close(self) -> None:
        while not self._free.empty():
            self._drop(self._free.get_nowait())

    def rows(self, found: Any, statement: Statement, values: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
        cursor = found.cursor()
        try:
            cursor.execute(statement.sql, statement.values(values))
            names = [str(column[0]) for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(most)]
        finally:
            cursor.close()

    def run(self, found: Any, statement: Statement, values: Mapping[str, Any]) -> int:
        """How many rows it touched."""
        cursor = found.cursor()
        try:
            cursor.execute(statement.sql, statement.values(values))
            return int(cursor.rowcount)
        finally:
            cursor.close()
