"""Keeping what was found for messages: copied to a replay, forgotten with the messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from xingwei.base.site import queries as site

from ..models import Channel, Lookup

_COPY = """
INSERT INTO gateway_lookup (message_id, message_at, source, question, answer, at)
SELECT w.fresh, w.at, l.source, l.question, l.answer, l.at
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS w (old, fresh, at)
JOIN gateway_lookup l ON l.message_id = w.old ON CONFLICT DO NOTHING
"""


def copy(pairs: Iterable[tuple[int, int, dt.datetime]]) -> None:
    """(id of the first message, id and time of its replay): the replay gets the same answers."""
    rows = list(pairs)
    with connection.cursor() as cursor:
        cursor.execute(_COPY, [[old for old, *_ in rows], [pk for _, pk, _ in rows], [at for *_, at in rows]])


def prune(today: dt.date | None = None) -> int:
    """Forget what belongs to messages that are kept no more, abnormal ones included; returns how many."""
    kept = [int(site.value("gateway.retention.days")), int(site.value("gateway.retention.error_days")),
            *Channel.objects.values_list("retention_days", flat=True)]  # fmt: skip
    day = today or timezone.localdate()
    last = dt.datetime.combine(day - dt.timedelta(days=max(kept)), dt.time(), tzinfo=dt.UTC)
    return Lookup.objects.filter(message_at__lt=last).delete()[0]
