"""Builds a hospital with a past in PostgreSQL: dictionaries by COPY, everything else by INSERT … SELECT.

Every number is drawn by hashing the row's own id with the seed, so the order of work does not matter: stretches of
days are filled by several connections at once, and the same seed gives the same hospital to the last row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import resources

import psycopg
from psycopg import sql

from simhospital import schema
from simhospital.schema import ddl

from . import defects, dictionaries, masters, posting
from .plan import WARM_UP, Plan

Say = Callable[[str], None]
_OUTPATIENT = ("visits", "outpatient_orders", "outpatient_money", "laboratory")
_INPATIENT = ("inpatients", "inpatient_money", "laboratory")
_ROWS_AT_ONCE = 60_000  # visits in one stretch


def build(url: str, plan: Plan, *, flaws: bool = True, workers: int = 2, say: Say = lambda text: None) -> None:
    """Drop what stands in the five schemas and `sim`, and build anew. url: of a database that is the hospital's own.

    flaws: seed the data-quality defects (listed in sim.defect). Raises psycopg.Error where the server refuses.
    """
    with psycopg.connect(url) as connection:
        _empty(connection)
        _fill(connection, plan)
        say("字典已装入")
        _run(connection, "patients", plan, plan.first, plan.last)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    stretches = [*_stretches(plan)]
    with ThreadPoolExecutor(workers) as pool:
        for done, text in enumerate(pool.map(lambda s: _stretch(url, plan, *s), stretches), 1):
            say(f"{done}/{len(stretches)} {text}")
    with psycopg.connect(url) as connection:
        early = plan.first - timedelta(days=3 * WARM_UP)
        posting.close(connection, early, plan.last)
        posting.post(connection, early, plan.last)
        _run(connection, "closing", plan, plan.first, plan.last)
        if flaws:
            defects.seed(connection, plan)
        connection.commit()
    say("日结、账单与凭证已生成")
    _finish(url, workers)
    _sign(url, plan)
    say("主键与索引已建立")


def digest(connection: psycopg.Connection) -> str:
    """A number that is the same for the same hospital, whatever the order of its rows."""
    total = hashlib.sha256()
    for database in schema.databases():
        for table in database.tables:
            name = sql.Identifier(table.database, table.name)
            query = sql.SQL(
                "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {} t"
            ).format(name)
            total.update(f"{table.name} {connection.execute(query).fetchone()}".encode())
    return total.hexdigest()


def about(connection: psycopg.Connection) -> dict[str, str]:
    """What was built: first, days, visits, seed; empty where nothing was, or not to its end."""
    if connection.execute("SELECT to_regclass('sim.about')").fetchone() == (None,):
        return {}
    return dict(connection.execute("SELECT name, value FROM sim.about").fetchall())


def _empty(connection: psycopg.Connection) -> None:
    connection.execute("SET client_min_messages = warning")
    for database in schema.databases():
        connection.execute(f"DROP SCHEMA IF EXISTS {database.name} CASCADE".encode())
        connection.execute(f"CREATE SCHEMA {database.name}".encode())
        for table in database.tables:
            connection.execute(_without_key(table).encode())
    connection.execute("DROP SCHEMA IF EXISTS sim CASCADE")


def _without_key(table: schema.Table) -> str:
    return ddl.create_table("postgres", table, unlogged=True).replace("UNLOGGED ", "")


def _fill(connection: psycopg.Connection, plan: Plan) -> None:
    _run(connection, "functions", plan, plan.first, plan.last)
    for table, rows in masters.rows(plan):
        target = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*table.split(".")))
        with connection.cursor() as cursor, cursor.copy(target) as copy:
            for row in rows:
                copy.write_row(row)
    connection.commit()


def _sign(url: str, plan: Plan) -> None:
    """Say what was built: last, so that a build that was broken off is known as such."""
    facts = {"first": plan.first, "days": plan.days, "visits": plan.visits, "seed": plan.seed}
    with psycopg.connect(url) as connection:
        for name, value in facts.items():
            connection.execute("INSERT INTO sim.about VALUES (%s, %s)", [name, str(value)])


def _stretches(plan: Plan) -> Iterator[tuple[tuple[str, ...], date, date]]:
    long = max(1, min(31, _ROWS_AT_ONCE // max(1, plan.visits)))
    day = plan.first
    while day < plan.last:
        end = min(plan.last, day + timedelta(days=long))
        yield _OUTPATIENT, day, end
        start = plan.first - timedelta(days=WARM_UP) if day == plan.first else day
        yield _INPATIENT, start, end
        day = end


def _stretch(url: str, plan: Plan, scripts: tuple[str, ...], start: date, end: date) -> str:
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '128MB'")
        for script in scripts:
            _run(connection, script, plan, start, end)
    return f"{start:%Y-%m-%d} 起 {(end - start).days} 天的{'门诊' if scripts is _OUTPATIENT else '住院'}"


def _run(connection: psycopg.Connection, script: str, plan: Plan, start: date, end: date) -> None:
    text = (resources.files("simhospital") / "generate" / "sql" / f"{script}.sql").read_text("utf-8")
    document = dictionaries.document()
    values = {
        "seed": str(plan.seed),
        "patients": str(plan.patients),
        "first": f"'{plan.first}'",
        "last": f"timestamp '{plan.last}'",
        "d0": f"'{start}'",
        "d1": f"'{end}'",
        "surnames": f"'{document['surnames']}'",
        "male": f"'{document['given_male']}'",
        "female": f"'{document['given_female']}'",
    }
    for name, value in values.items():
        text = re.sub(rf"(?<!:):{name}\b", value, text)
    for statement in text.split(";\n"):
        connection.execute(statement.encode())


def _finish(url: str, workers: int) -> None:
    tables = [t for d in schema.databases() for t in d.tables]

    def finish(table: schema.Table) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET maintenance_work_mem = '256MB'")
            connection.execute(ddl.add_key(table).encode())
            for statement in (*ddl.create_indexes("postgres", table), *ddl.comments("postgres", table)):
                connection.execute(statement.encode())
            connection.execute(f"ANALYZE {table.database}.{table.name}".encode())

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(finish, tables))
