"""Rows of the hospital's tables made wrong, with their before-image kept beside them in the same transaction.

`table`, `where` (SQL of the definitions) and one of `set` {column: expression}, `delete: true`, `copy` {column:
expression} (the row once more, with these columns changed). `limit`: how many rows at most.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg import sql

from .base import Effect, EffectError
from .database import connected, raw, table

KEPT = "simh_faults"


class Rows(Effect):
    """Wrong rows."""

    kind = "rows"

    def plan(self) -> dict[str, Any]:
        with connected(self.context) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(KEPT)))
            connection.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {}.before (fault text, tab text, how text, old jsonb, new jsonb)"
                ).format(sql.Identifier(KEPT))
            )
            schema, _, plain = str(self.spec["table"]).partition(".")
            keys = connection.execute(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
                " AND a.attnum = ANY (i.indkey) WHERE i.indisprimary AND i.indrelid = to_regclass(%s)",
                (f'"{schema}"."{plain}"',),
            ).fetchall()
        if not keys:
            raise EffectError(f"表 {self.spec['table']} 不存在或没有主键。")
        return {"keys": [key[0] for key in keys]}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        with connected(self.context) as connection, connection.transaction():
            old = connection.execute(
                sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE {} LIMIT {}").format(
                    table(self.spec["table"]), raw(self.spec.get("where", "true")), sql.Literal(self._limit())
                )
            ).fetchall()
            if not old:
                raise EffectError(f"{self.spec['table']} 里没有合适的数据，先生成几天的业务。")
            for (row,) in old:
                self._spoil(connection, plan["keys"], row)
        shown = [{key: row[key] for key in plan["keys"]} for (row,) in old[:20]]
        return {"table": self.spec["table"], "rows": len(old), "keys": shown}

    def _limit(self) -> int:
        return int(self.spec.get("limit", 1))

    def _spoil(self, connection: psycopg.Connection, keys: list[str], row: dict[str, Any]) -> None:
        target = table(self.spec["table"])
        found = self._match(keys, row)
        if "copy" in self.spec:
            query = sql.SQL(
                "INSERT INTO {0} AS made SELECT (jsonb_populate_record(t, jsonb_build_object({1}))).* FROM {0} t WHERE {2}"
                " RETURNING to_jsonb(made)"
            ).format(target, _pairs(self.spec["copy"]), found)
            how = "copy"
        elif self.spec.get("delete"):
            query, how = sql.SQL("DELETE FROM {} WHERE {}").format(target, found), "delete"
        else:
            changes = sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), raw(value)) for name, value in self.spec["set"].items()
            )
            query, how = sql.SQL("UPDATE {} t SET {} WHERE {}").format(target, changes, found), "set"
        cursor = connection.execute(query)
        new = cursor.fetchone() if how == "copy" else None
        connection.execute(
            sql.SQL("INSERT INTO {}.before VALUES (%s, %s, %s, %s::jsonb, %s::jsonb)").format(sql.Identifier(KEPT)),
            (self.context.fault, self.spec["table"], how, _json(row), _json(new[0]) if new else None),
        )

    def _match(self, keys: list[str], row: dict[str, Any]) -> sql.Composed:
        """The condition that finds this row again by its primary key."""
        record = sql.SQL("jsonb_populate_record(NULL::{}, {}::jsonb)").format(
            table(self.spec["table"]), sql.Literal(_json(row))
        )
        names = sql.SQL(", ").join(sql.Identifier(key) for key in keys)
        return sql.SQL("({0}) = (SELECT {0} FROM {1})").format(names, record)

    def undo(self, plan: dict[str, Any]) -> None:
        with connected(self.context) as connection, connection.transaction():
            if connection.execute("SELECT to_regclass(%s)", (f"{KEPT}.before",)).fetchone() == (None,):
                return
            rows = connection.execute(
                sql.SQL("DELETE FROM {}.before WHERE fault = %s AND tab = %s RETURNING how, old, new").format(
                    sql.Identifier(KEPT)
                ),
                (self.context.fault, self.spec["table"]),
            ).fetchall()
            for how, old, new in rows:
                self._mend(connection, plan["keys"], how, old, new)

    def _mend(
        self, connection: psycopg.Connection, keys: list[str], how: str, old: dict[str, Any], new: dict[str, Any] | None
    ) -> None:
        target = table(self.spec["table"])
        record = sql.SQL("jsonb_populate_record(NULL::{}, {}::jsonb)").format(target, sql.Literal(_json(old)))
        if how == "copy" and new is not None:
            connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(target, self._match(keys, new)))
        elif how == "delete":
            connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {} ON CONFLICT DO NOTHING").format(target, record))
        elif how == "set":
            columns = [name for name in self.spec["set"] if name not in keys]
            names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
            connection.execute(
                sql.SQL("UPDATE {} t SET ({}) = (SELECT {} FROM {}) WHERE {}").format(
                    target, names, names, record, self._match(keys, old)
                )
            )


def _pairs(values: dict[str, Any]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}, ({})").format(sql.Literal(name), raw(value)) for name, value in values.items()
    )


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)
