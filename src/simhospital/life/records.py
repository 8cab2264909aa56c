"""The living systems' own rows in the business databases. Without a database they live by their books alone."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

log = logging.getLogger("simhospital.records")


class Records:
    """Writes rows as a system would: waiting for locks, giving up with an error that its users see."""

    def __init__(self, url: str, wait_s: float = 20) -> None:
        self.url = url
        self.wait_s = wait_s
        self.written = 0
        self.failed = 0
        self.problem = ""
        self._pool: AsyncConnectionPool | None = None

    async def start(self) -> None:
        """Open connections where there is a database; it may come later."""
        if self.url:
            options = f"-c statement_timeout={int(self.wait_s * 1000)}"
            self._pool = AsyncConnectionPool(
                self.url, min_size=1, max_size=4, open=False, timeout=self.wait_s, kwargs={"options": options}
            )
            with contextlib.suppress(PoolTimeout):
                await self._pool.open(wait=False)

    async def stop(self) -> None:
        if self._pool is not None:
            await self._pool.close(timeout=2)

    async def write(self, *rows: tuple[str, Mapping[str, Any]]) -> bool:
        """Insert rows of (table, columns) in one transaction; False where the database refused, hung or is away."""
        return await self._do([(_insert(table, row), list(row.values())) for table, row in rows])

    async def change(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Update the rows that have these keys; as `write`."""
        return await self._do([(_update(table, key, values), [*values.values(), *key.values()])])

    async def _do(self, statements: list[tuple[sql.Composed, list[Any]]]) -> bool:
        if self._pool is None:
            return True
        try:
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                for statement, values in statements:
                    await cursor.execute(statement, values)
        except (psycopg.Error, PoolTimeout) as error:
            self.failed += 1
            self.problem = str(error).strip().splitlines()[0][:200] if str(error) else type(error).__name__
            log.warning("database: %s", self.problem)
            return False
        self.written += len(statements)
        return True


def _insert(table: str, row: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(sql.Identifier(name) for name in row),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )


def _update(table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> sql.Composed:
    def pairs(names: Mapping[str, Any]) -> list[sql.Composed]:
        return [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names]

    return sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(pairs(values)), sql.SQL(" AND ").join(pairs(key))
    )
