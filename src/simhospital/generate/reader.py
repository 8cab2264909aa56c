"""The account that the hospital's administrator gives to those who may read its databases and nothing else."""

from __future__ import annotations

import psycopg
from psycopg import sql

from simhospital.schema import databases

READER = "data_reader"


def let_read(url: str) -> bool:
    """Make the account, or renew its rights; False where this server does not let us make accounts."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        reader = sql.Identifier(READER)
        try:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(reader))
            for database in databases():
                schema = sql.Identifier(database.name)
                for grant in (
                    "GRANT USAGE ON SCHEMA {schema} TO {reader}",
                    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}",
                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader}",
                    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {reader}",  # else it could not take a dump
                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON SEQUENCES TO {reader}",
                ):
                    connection.execute(sql.SQL(grant).format(schema=schema, reader=reader))
            _let_see_statements(connection, reader)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UniqueViolation, psycopg.errors.DuplicateObject):
            return False
    return True


def _let_see_statements(connection: psycopg.Connection, reader: sql.Identifier) -> None:
    """What statements cost, where the server counts that."""
    row = connection.execute("SHOW shared_preload_libraries").fetchone()
    if row is not None and "pg_stat_statements" in str(row[0]):
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(reader))
