"""Changes to the hospital's database that are taken back: triggers that refuse, indexes, settings, roles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import psycopg
from psycopg import sql

from .base import Context, Effect, EffectError

PREFIX = "simh_fault_"
SCHEMAS = ("his", "cis", "lis", "emr", "finance")
SETTABLE = {"enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan", "statement_timeout", "commit_delay",
            "commit_siblings", "work_mem"}  # fmt: skip


@contextlib.contextmanager
def connected(context: Context, application: str = "simhospital faults") -> Iterator[psycopg.Connection]:
    """A connection to the hospital's database, where statements take effect at once. Raises EffectError."""
    if not context.database_url:
        raise EffectError("没有给出模拟医院的数据库地址（SIMHOSPITAL_DATABASE_URL），数据库故障做不了。")
    try:
        with psycopg.connect(
            context.database_url, autocommit=True, application_name=application, connect_timeout=5,
            options="-c lock_timeout=5000 -c enable_indexscan=on",
        ) as connection:  # fmt: skip
            yield connection
    except psycopg.Error as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EffectError(f"数据库没有答应：{text}") from error


def table(name: str) -> sql.Composed:
    """An identifier like his.gy_ylsf; only the hospital's own schemas are allowed."""
    schema, _, plain = name.partition(".")
    if schema not in SCHEMAS or not plain:
        raise EffectError(f"“{name}”不是模拟医院的表。")
    return sql.SQL("{}.{}").format(sql.Identifier(schema), sql.Identifier(plain))


def raw(text: Any) -> sql.SQL:
    """SQL written in the definitions; nothing that a user typed ever comes here."""
    return sql.SQL(cast(Any, str(text)))


class Refusing(Effect):
    """A trigger on tables: `how` raise (with `text` and `state`) or swallow (rows vanish without an error).

    `events`: insert, update, delete …; `when`: a condition on NEW, as SQL of the definitions, never of a user.
    """

    kind = "trigger"

    @property
    def name(self) -> str:
        """Name of function and triggers."""
        return PREFIX + self.context.fault

    def plan(self) -> dict[str, Any]:
        return {"tables": list(self.spec["tables"]), "name": self.name}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        action = (
            sql.SQL("RETURN NULL;")
            if self.spec.get("how") == "swallow"
            else sql.SQL("RAISE EXCEPTION USING MESSAGE = {}, ERRCODE = {};").format(
                sql.Literal(self.spec["text"]), sql.Literal(str(self.spec.get("state", "P0001")))
            )
        )
        kept = sql.SQL("IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;")
        condition = raw(self.spec.get("when", "true"))
        body = sql.SQL("BEGIN IF {} THEN {} END IF; {} END").format(condition, action, kept)
        with connected(self.context) as connection, connection.transaction():
            name = sql.Identifier("public", plan["name"])
            connection.execute(
                sql.SQL("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}").format(
                    name, sql.Literal(body.as_string(connection))
                )
            )
            for one in plan["tables"]:
                connection.execute(
                    sql.SQL("CREATE TRIGGER {} BEFORE {} ON {} FOR EACH ROW EXECUTE FUNCTION {}()").format(
                        sql.Identifier(plan["name"]),
                        raw(" OR ".join(self.spec.get("events", ["INSERT", "UPDATE"]))),
                        table(one),
                        name,
                    )
                )
        return {"tables": plan["tables"], "how": self.spec.get("how", "raise")}

    def undo(self, plan: dict[str, Any]) -> None:
        with connected(self.context) as connection:
            connection.execute(
                sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(sql.Identifier("public", plan["name"]))
            )


class IndexGone(Effect):
    """The secondary indexes of a table are dropped, and made again."""

    kind = "drop-indexes"

    def plan(self) -> dict[str, Any]:
        schema, _, plain = self.spec["table"].partition(".")
        table(self.spec["table"])
        with connected(self.context) as connection:
            rows = connection.execute(
                "SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = %s AND tablename = %s AND NOT EXISTS"
                " (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
                (schema, plain),
            ).fetchall()
        if not rows:
            raise EffectError(f"{self.spec['table']} 没有可以删去的索引。")
        return {"schema": schema, "indexes": [list(row) for row in rows]}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        with connected(self.context) as connection, connection.transaction():
            for name, _ in plan["indexes"]:
                connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(plan["schema"], name)))
        return {"dropped": [name for name, _ in plan["indexes"]]}

    def undo(self, plan: dict[str, Any]) -> None:
        with connected(self.context) as connection:
            for _, definition in plan["indexes"]:
                again = definition.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1)
                connection.execute(again)


class Settings(Effect):
    """Settings of the hospital's database (new sessions): a plan that turned, a slow commit, a short time-out."""

    kind = "database-settings"

    def plan(self) -> dict[str, Any]:
        if unknown := set(self.spec["set"]) - SETTABLE:
            raise EffectError(f"不许改数据库参数 {unknown}。")
        with connected(self.context) as connection:
            row = connection.execute(
                "SELECT current_database(), coalesce((SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d"
                " ON d.oid = s.setdatabase WHERE d.datname = current_database() AND s.setrole = 0), '{}')"
            ).fetchone()
        assert row is not None
        return {"database": row[0], "before": dict(line.split("=", 1) for line in row[1])}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        self._set(plan["database"], {name: str(value) for name, value in self.spec["set"].items()})
        return {"set": self.spec["set"]}

    def undo(self, plan: dict[str, Any]) -> None:
        self._set(plan["database"], {name: plan["before"].get(name) for name in self.spec["set"]})

    def _set(self, database: str, values: dict[str, str | None]) -> None:
        with connected(self.context) as connection:
            for name, value in values.items():
                which = sql.SQL("ALTER DATABASE {}").format(sql.Identifier(database))
                if value is None:
                    connection.execute(which + sql.SQL(" RESET {}").format(sql.Identifier(name)))
                else:
                    connection.execute(which + sql.SQL(" SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))


class RoleLocked(Effect):
    """A database account is locked: `role`, simh_app of the applications or simh_probe of the probes.

    Made on first use, with no rights but to log in.
    """

    kind = "role-locked"

    @property
    def role(self) -> str:
        """The account; only the hospital's own."""
        name = str(self.spec.get("role", "simh_app"))
        if not name.startswith("simh_"):
            raise EffectError(f"“{name}”不是模拟医院的账号。")
        return name

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        with connected(self.context) as connection:
            make_role(connection, self.role)
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(self.role)))
        return {"role": self.role}

    def undo(self, plan: dict[str, Any]) -> None:
        with connected(self.context) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(self.role)))


def make_role(connection: psycopg.Connection, role: str) -> None:
    """Make a role that may log in and nothing else, unless it is there. Its password is its name."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(sql.Identifier(role), sql.Literal(role))
        )
