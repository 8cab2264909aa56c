"""A PostgreSQL database of the hospital's own, beside the product's."""

import os
import time
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo


@contextmanager
def own_database():
    """The address of a fresh database on the server of the test session."""
    server = os.environ["DATABASE_URL"]
    name = f"simhospital_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url():
    """The address of a fresh database on the server of the test session."""
    with own_database() as url:
        yield url
