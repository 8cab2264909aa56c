"""Whether a watching process lives, without Django: asked by the supervisor."""

from __future__ import annotations

import psycopg

from xingwei.base.runtime import config, database

_LIVE_S = 12.0
_ALIVE = "SELECT 1 FROM watch_process WHERE name = %s AND seen_at > now() - make_interval(secs => %s)"


def alive(name: str, dsn: str = "") -> bool:
    """False also where the database does not answer."""
    try:
        with psycopg.connect(dsn or database.uri(config.from_environment()), connect_timeout=3) as db:
            return db.execute(_ALIVE, [name, _LIVE_S]).fetchone() is not None
    except psycopg.Error:
        return False
