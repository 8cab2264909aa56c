"""Making messages findable by their text: a periodic task goes after what was received."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from ..engine import text
from ..models import Archive, Channel, Watermark
from ..queries.released import document_of

MARK = "text"
OVERLAP = dt.timedelta(minutes=5)
SETTLED = dt.timedelta(seconds=2)
PORTION = 2_000
_SHANGHAI = ZoneInfo("Asia/Shanghai")

_NEW = """
SELECT m.received_at, m.id, m.channel_id, m.type, m.charset, m.raw FROM gateway_message m
WHERE m.received_at >= %s AND m.received_at < %s AND NOT EXISTS (
  SELECT 1 FROM gateway_text t WHERE t.received_at = m.received_at AND t.message_id = m.id
    AND t.received_at >= %s AND t.received_at < %s)
ORDER BY m.received_at, m.id LIMIT %s
"""


def index_new(*, portions: int = 100) -> int:
    """Index what came since the last time, in portions of 2,000; returns how many messages.

    Looks five minutes back each time: a message is stamped before it is committed.
    """
    kept = {c.pk: c for c in Channel.objects.all()}
    binary = {pk for pk, c in kept.items() if document_of(c.kind, c.settings) == "bytes"}
    done = 0
    for _ in range(portions):
        with transaction.atomic():
            n = _portion(kept, binary)
        done += n
        if n < PORTION:
            break
    return done


def index_restored(*, portions: int = 20) -> int:
    """Index the days that were brought back from the archive, in portions; returns how many messages."""
    kept = {c.pk: c for c in Channel.objects.all()}
    binary = {pk for pk, c in kept.items() if document_of(c.kind, c.settings) == "bytes"}
    done = 0
    for day in Archive.objects.filter(table="message", state=Archive.State.RESTORED).values_list("day", flat=True):
        while portions > 0:
            portions -= 1
            with transaction.atomic():
                n = _portion_of(day, kept, binary)
            done += n
            if n < PORTION:
                break
    return done


def forget(day: dt.date) -> None:
    """A day was brought back: its index begins anew."""
    Watermark.objects.filter(name=_mark_of(day)).delete()


def _mark_of(day: dt.date) -> str:
    return f"{MARK} {day:%Y%m%d}"


def _portion_of(day: dt.date, kept: dict[int, Channel], binary: set[int]) -> int:
    first = dt.datetime.combine(day, dt.time(), tzinfo=_SHANGHAI)
    last = first + dt.timedelta(days=1)
    mark = Watermark.objects.select_for_update().filter(name=_mark_of(day)).first()
    since = mark.at if mark else first
    if since >= last:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NEW, [since, last, since, last, PORTION])
        rows = cursor.fetchall()
        if rows:
            cursor.execute("SELECT gateway_make_text_partitions(%s, %s)", [day, day])
            _write(cursor, rows, kept, binary)
    at = last if len(rows) < PORTION else rows[-1][0]
    Watermark.objects.update_or_create(name=_mark_of(day), defaults={"at": at})
    return len(rows)


def reach() -> dt.datetime | None:
    """Up to when messages are found by their text; None before the first run."""
    mark = Watermark.objects.filter(name=MARK).first()
    return mark.at if mark else None


def drop_archived() -> int:
    """Drop the text of days whose messages were archived and left the database; returns of how many days."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'gateway_text'::regclass AND c.relname <> 'gateway_text_other'
                 AND c.relname < 'gateway_text_' || to_char(now() - interval '3 days', 'YYYYMMDD')
                 AND to_regclass(replace(c.relname, 'gateway_text_', 'gateway_message_')) IS NULL"""
        )
        names = [row[0] for row in cursor.fetchall()]
        for name in names:
            cursor.execute(f'DROP TABLE "{name}"')
    return len(names)


def _portion(kept: dict[int, Channel], binary: set[int]) -> int:
    mark = Watermark.objects.select_for_update().filter(name=MARK).first()
    until = timezone.now() - SETTLED
    with connection.cursor() as cursor:
        since = mark.at - OVERLAP if mark else _oldest(cursor)
        if since is None or since >= until:
            return 0
        cursor.execute(_NEW, [since, until, since, until, PORTION])
        rows = cursor.fetchall()
        if rows:
            days = [r[0].astimezone(_SHANGHAI).date() for r in rows]
            cursor.execute("SELECT gateway_make_text_partitions(%s, %s)", [min(days), max(days)])
            _write(cursor, rows, kept, binary)
    at = until if len(rows) < PORTION else rows[-1][0]
    Watermark.objects.update_or_create(name=MARK, defaults={"at": at})
    return len(rows)


def _oldest(cursor: Any) -> dt.datetime | None:
    cursor.execute("SELECT min(received_at) FROM gateway_message")
    found: dt.datetime | None = cursor.fetchone()[0]
    return found


def _write(cursor: Any, rows: Sequence[Any], kept: dict[int, Channel], binary: set[int]) -> None:
    values = []
    for received_at, pk, channel_id, kind, charset, raw in rows:
        body = ""
        if channel_id not in binary:
            channel = kept.get(channel_id)
            said = charset or (str(channel.settings.get("charset", "")) if channel else "")
            body = text.decoded(bytes(raw), said)
        values.append((received_at, pk, channel_id, text.numbers(body, *text.facets(kind, channel_id))))
    with cursor.copy("COPY gateway_text (received_at, message_id, channel_id, grams) FROM STDIN") as copy:
        for value in values:
            copy.write_row(value)
