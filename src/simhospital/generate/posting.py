"""The cashiers' day-end and the day's vouchers: once for the whole past, then every day for the day before."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources

import psycopg


def close(connection: psycopg.Connection, start: date, end: date) -> None:
    """Day-ends (17:00) of these days, `end` excluded, from what was settled; anew where they exist. Does not commit."""
    _run(connection, "dayend", start, end)


def post(connection: psycopg.Connection, start: date, end: date) -> None:
    """Vouchers of these days, `end` excluded, from what was charged and paid; anew where they exist. Does not commit."""
    _run(connection, "vouchers", start, end)


def _run(connection: psycopg.Connection, script: str, start: date, end: date) -> None:
    text = (resources.files("simhospital") / "generate" / "sql" / f"{script}.sql").read_text("utf-8")
    for name, day in (("d0", start), ("d1", end)):
        text = re.sub(rf"(?<!:):{name}\b", f"'{day}'", text)
    for statement in text.strip().split(";\n"):
        connection.execute(statement.encode())
