"""SQLite, opened read only; some instruments and small systems keep their data so."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches, refused


class SQLite(Driver):
    kind = "sqlite"
    has_password = False
    fields = {"path": ("文件", "数据库文件的完整路径", True)}

    def connect(self) -> None:
        path = Path(self.address.text("path"))
        if not path.is_absolute() or not path.is_file():
            raise Failed(f"没有这个文件：{path}")
        try:
            self.db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)
            self.db.execute("PRAGMA query_only = ON")
            self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise Failed(f"打不开：{first_line(error)}") from None

    def prove(self) -> Tried:
        names = self.tables()
        if not names:
            raise Failed("这个文件里没有表。")
        name = '"' + names[0].replace('"', '""') + '"'
        try:
            self.db.execute(f"DELETE FROM {name} WHERE 1 = 0")  # noqa: S608 - quoted above
        except sqlite3.OperationalError as error:
            return Tried("account", (refused("试删除 0 行", error), Evidence("打开方式", True, "以只读方式打开文件")))
        return Tried("failed", (Evidence("试删除 0 行", False, "没有被拒绝"),))

    def begin(self) -> None:
        if self.db.in_transaction:
            self.db.execute("COMMIT")
        self.db.execute("BEGIN")

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        deadline = time.monotonic() + self.address.timeout_s
        self.db.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            cursor = self.db.execute(sql, {k: _plain(v) for k, v in params.items()})
            yield from in_batches(cursor.fetchmany, batch)
        except sqlite3.Error as error:
            if "interrupted" in str(error):
                raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
            raise Failed(f"语句没有执行成：{first_line(error)}") from None

    def close(self) -> None:
        self.db.close()

    def tables(self) -> list[str]:
        found = self.db.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name LIMIT 500"
        )
        return [row[0] for row in found if not row[0].startswith("sqlite_")]


def _plain(value: Any) -> Any:
    """Times are texts in SQLite: 2026-03-18 10:24:00 sorts as it should."""
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


DRIVER = SQLite
