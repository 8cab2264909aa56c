"""The living systems' own rows in the business databases. Without a database they live by their books alone."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

log = logging.getLogger("simhospital.records")


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a transaction."""

    statement: sql.Composed
    values: list[Any]


def insert(table: str, row: Mapping[str, Any]) -> Step:
    """Insert a row; one that is there is left alone."""
    text = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(sql.Identifier(name) for name in row),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )
    return Step(text, list(row.values()))


def update(table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> Step:
    """Change the rows that have these keys."""
    text = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(_pairs(values)), sql.SQL(" AND ").join(_pairs(key))
    )
    return Step(text, [*values.values(), *key.values()])


def add(table: str, key: Mapping[str, Any], column: str, amount: Any) -> Step:
    """Add an amount to a column of the rows that have these keys."""
    name = sql.Identifier(column)
    text = sql.SQL("UPDATE {} SET {} = {} + %s WHERE {}").format(
        sql.Identifier(*table.split(".")), name, name, sql.SQL(" AND ").join(_pairs(key))
    )
    return Step(text, [amount, *key.values()])


def _pairs(names: Mapping[str, Any]) -> list[sql.Composed]:
    return [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names]


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
        return await self.do(*(insert(table, row) for table, row in rows))

    async def change(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Update the rows that have these keys; as `write`."""
        return await self.do(update(table, key, values))

    async def do(self, *steps: Step) -> bool:
        """Several statements in one transaction; as `write`."""
        if self._pool is None:
            return True
        try:
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                for step in steps:
                    await cursor.execute(step.statement, step.values)
        except (psycopg.Error, PoolTimeout) as error:
            self.failed += 1
            self.problem = str(error).strip().splitlines()[0][:200] if str(error) else type(error).__name__
            log.warning("database: %s", self.problem)
            return False
        self.written += len(steps)
        return True
