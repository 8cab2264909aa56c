"""Connections for what is not on the hot path."""

from __future__ import annotations

from typing import Any

import psycopg


async def connected(
    dsn: str, connection: psycopg.AsyncConnection[Any] | None, name: str
) -> psycopg.AsyncConnection[Any]:
    """The connection, or a new one where it broke. Raises psycopg.Error."""
    if connection is not None and not connection.closed and not connection.broken:
        return connection
    return await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        connect_timeout=5,
        application_name=f"xingwei gateway {name}",
        options="-c statement_timeout=30s",
    )
