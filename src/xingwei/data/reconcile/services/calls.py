"""The gateway's insurance calls as evidence: which settlements never had their answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection
from django.utils import timezone

from .. import kept
from ..kept import Kept

SETTLING = ("2207", "2207A", "2208", "2304", "2304A", "2305", "2601")
_SQL = """
SELECT m.control_id, m.type, coalesce(q.state, CASE WHEN d.settled_by <> '' THEN 'uncertain' ELSE d.outcome END, m.state), m.received_at
FROM gateway_message m
JOIN gateway_channel c ON c.id = m.channel_id AND c.kind = 'insurance' AND c.direction = 'in'
LEFT JOIN gateway_queued q ON q.message_id = m.id
LEFT JOIN gateway_delivery d ON d.message_id = m.id
WHERE m.received_at >= %s AND m.received_at < %s AND m.type = ANY(%s)
ORDER BY m.control_id, m.received_at
"""


def insurance(since: dt.date, until: dt.date, target: Path) -> Kept:
    """msgid, infno, state and time of every settling call of these days and the day after."""
    zone = timezone.get_current_timezone()
    first = dt.datetime.combine(since, dt.time(), zone)
    last = dt.datetime.combine(until + dt.timedelta(days=2), dt.time(), zone)
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [first, last, list(SETTLING)])
        rows = cursor.fetchall()
    table = pa.table({
        "msgid": pa.array([r[0] for r in rows], pa.string()),
        "infno": pa.array([r[1] for r in rows], pa.string()),
        "state": pa.array([r[2] for r in rows], pa.string()),
        "at": pa.array([f"{timezone.localtime(r[3]):%Y-%m-%d %H:%M:%S}" for r in rows], pa.string()),
    })  # fmt: skip
    pq.write_table(table, target)
    return kept.keep(target, "接口网关结算报文.parquet", rows=len(rows), source="接口网关")
