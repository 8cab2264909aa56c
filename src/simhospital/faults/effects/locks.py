"""What sessions do to each other: held locks, changing locks, deadlocks, idle sessions, reports, frozen writes.

These live in the process that keeps the fault; when it goes, the server ends the sessions and with them the effect.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from .base import Effect, EffectError
from .database import SCHEMAS, connected, make_role, raw, table

SPARE = 20


class Session(Effect):
    """Base of what keeps sessions open: `sessions` of them under an `application` name as a HIS client shows itself."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open: list[psycopg.Connection] = []
        self.ending = threading.Event()
        self.threads: list[threading.Thread] = []

    def connect(self, **more: Any) -> psycopg.Connection:
        """One more session."""
        if not self.context.database_url:
            raise EffectError("没有给出模拟医院的数据库地址（SIMHOSPITAL_DATABASE_URL），数据库故障做不了。")
        application = str(self.spec.get("application", "HISCLIENT.EXE"))
        try:
            session = psycopg.connect(
                self.context.database_url, application_name=application, connect_timeout=5, **more
            )
        except psycopg.Error as error:
            raise EffectError(f"连不上模拟医院的数据库：{error}") from error
        self.open.append(session)
        return session

    def loop(self, work: Any) -> None:
        """Run `work()` again and again beside, until undone; the server's refusals are part of the fault."""

        def run() -> None:
            while not self.ending.is_set():
                with contextlib.suppress(psycopg.Error):
                    work()
                self.ending.wait(0.05)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def undo(self, plan: dict[str, Any]) -> None:
        self.ending.set()
        for session in self.open:
            with contextlib.suppress(psycopg.Error):
                session.cancel_safe(timeout=2)
        for thread in self.threads:
            thread.join(3)
        for session in self.open:
            with contextlib.suppress(psycopg.Error):
                session.rollback()  # answered only when the locks are gone
            with contextlib.suppress(psycopg.Error):
                session.close()
        self.open.clear()

    def first(self, name: str, key: str, where: str = "true", count: int = 1) -> list[Any]:
        """The keys of the first rows of a table."""
        with connected(self.context) as connection:
            rows = connection.execute(
                sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY 1 LIMIT {}").format(
                    sql.Identifier(key),
                    table(name),
                    raw(where),
                    sql.Literal(count),
                )
            ).fetchall()
        if len(rows) < count:
            raise EffectError(f"{name} 里没有合适的数据，先生成几天的业务。")
        return [row[0] for row in rows]


class Held(Session):
    """One session locks rows (`table`, `key`, `rows`) and then does nothing: a dialog open inside a transaction."""

    kind = "row-lock"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        keys = self.first(self.spec["table"], self.spec["key"], self.spec.get("where", "true"), 1)
        session = self.connect()
        query = sql.SQL("SELECT 1 FROM {} WHERE {} FOR UPDATE").format(
            table(self.spec["table"]),
            raw(self.spec.get("where", "true")),
        )
        session.execute("SET lock_timeout = 5000")
        locked = len(session.execute(query).fetchall())
        return {"table": self.spec["table"], "rows": locked, "pid": session.info.backend_pid, "first": str(keys[0])}


class Counter(Session):
    """Several sessions in turn hold one row for some seconds each: a counter taken early in a long transaction."""

    kind = "counter-lock"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        (key,) = self.first(self.spec["table"], self.spec["key"])
        hold = float(self.spec.get("hold_s", 3))
        query = sql.SQL("SELECT 1 FROM {} WHERE {} = {} FOR UPDATE").format(
            table(self.spec["table"]), sql.Identifier(self.spec["key"]), sql.Literal(key)
        )
        sessions = [self.connect() for _ in range(int(self.spec.get("sessions", 3)))]

        def turn(session: psycopg.Connection) -> Any:
            def work() -> None:
                with session.transaction():
                    session.execute(query)
                    self.ending.wait(hold)

            return work

        for session in sessions:
            self.loop(turn(session))
        return {"table": self.spec["table"], "key": str(key), "pids": [s.info.backend_pid for s in sessions]}


class Deadlocks(Session):
    """Two sessions lock the same two rows in opposite order, again and again."""

    kind = "deadlock"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        one, two = self.first(self.spec["table"], self.spec["key"], count=2)
        query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s FOR UPDATE").format(
            table(self.spec["table"]), sql.Identifier(self.spec["key"])
        )

        def crossing(session: psycopg.Connection, first: Any, second: Any) -> Any:
            def work() -> None:
                session.rollback()
                session.execute(query, (first,))
                time.sleep(0.1)
                session.execute(query, (second,))
                session.commit()

            return work

        sessions = [self.connect(), self.connect()]
        self.loop(crossing(sessions[0], one, two))
        self.loop(crossing(sessions[1], two, one))
        return {"table": self.spec["table"], "pids": [s.info.backend_pid for s in sessions]}


class Exhausted(Session):
    """All sessions allowed to the account `simh_window` are taken and idle; its next log-in is refused."""

    kind = "sessions-exhausted"
    role = "simh_window"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        wanted = int(self.spec.get("sessions", 20))
        with connected(self.context) as connection:
            row = connection.execute(
                "SELECT current_setting('max_connections')::int - (SELECT count(*) FROM pg_stat_activity)"
            ).fetchone()
            free = int(row[0]) - SPARE if row else 0
            if free < 2:
                raise EffectError("数据库剩下的会话不多，为免影响别的程序，没有占用。")
            taken = min(wanted, free)
            make_role(connection, self.role)
            connection.execute(
                sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(self.role), sql.Literal(taken))
            )
        address = make_conninfo(self.context.database_url, user=self.role, password=self.role)
        for _ in range(taken):
            self.open.append(psycopg.connect(address, application_name="HIS-POOL", autocommit=True))
        return {"role": self.role, "sessions": taken}


class Report(Session):
    """Statistics on the production base: `sessions` that join and sort whole tables without end."""

    kind = "report-load"
    query = (
        "SELECT a.zxks, count(*), sum(a.je * b.sl) FROM finance.cw_fymx a JOIN finance.cw_fymx b"
        " ON a.kdks = b.kdks GROUP BY a.zxks ORDER BY 3 DESC"
    )

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        sessions = [self.connect(autocommit=True) for _ in range(min(4, int(self.spec.get("sessions", 1))))]
        for session in sessions:
            session.execute("SET statement_timeout = '20s'")
            self.loop(lambda session=session: session.execute(self.query))
        return {"pids": [session.info.backend_pid for session in sessions]}


class Frozen(Session):
    """Every write of the schemas hangs without an error, every read goes on: as when the archive area is full."""

    kind = "writes-hang"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        session = self.connect()
        session.execute("SET lock_timeout = 5000")
        rows = session.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY (%s) ORDER BY 1, 2",
            (list(self.spec.get("schemas", SCHEMAS)),),
        ).fetchall()
        if not rows:
            raise EffectError("数据库里还没有模拟医院的表。")
        names = sql.SQL(", ").join(sql.SQL("{}.{}").format(*map(sql.Identifier, row)) for row in rows)
        try:
            session.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
        except psycopg.Error as error:
            raise EffectError(f"锁不住全部的表：{error}") from error
        return {"tables": len(rows), "pid": session.info.backend_pid}


class Batch(Session):
    """The nightly batch: one transaction updates a whole table row by row and stays in it."""

    kind = "batch-lock"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        session = self.connect()
        session.execute("SET lock_timeout = 5000")
        locked = session.execute(
            sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} FOR NO KEY UPDATE) t").format(table(self.spec["table"]))
        ).fetchone()
        return {"table": self.spec["table"], "rows": locked[0] if locked else 0, "pid": session.info.backend_pid}
