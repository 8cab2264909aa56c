"""Telling the gateway's processes that something changed; they hear it when the transaction commits."""

from __future__ import annotations

import json

from django.db import connection

TOPIC = "xingwei_gateway"


def announce(what: str, channel_id: int) -> None:
    """what: "configuration", "queued" or "breaker". Call it in the transaction of the act."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [TOPIC, json.dumps({"what": what, "channel": channel_id})])
