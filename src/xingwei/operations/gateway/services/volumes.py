"""Counting what went through, from the rows: exact, idempotent, recomputed where rows came late.

A minute's rows are deleted and written again from the partitions in one transaction; hours are the sum of their
minutes, days of their hours. Running it twice, or from two processes, changes nothing.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from xingwei.base.runtime import config
from xingwei.base.ui.words import CHINA

from ..engine.volumes import BUCKETS, EDGES_MS, minute_of
from ..models import Archive, QueueSample, SpaceSample, Volume, Watermark

LATE = dt.timedelta(minutes=10)  # a row is committed within this time of its own time, or the hourly task finds it
LONGEST = dt.timedelta(hours=6)  # of one transaction
KEEP_MINUTES = dt.timedelta(days=14)
KEEP_HOURS = dt.timedelta(days=400)
_LOCK = 7203
_NAME = "volumes"

_EDGES = "ARRAY[" + ",".join(str(e) for e in EDGES_MS) + "]::float8[]"
_NONE = "ARRAY[" + ",".join("0" * BUCKETS) + "]::bigint[]"


def _histogram(bucket: str) -> str:
    return "ARRAY[" + ", ".join(f"count(*) FILTER (WHERE {bucket} = {n})" for n in range(BUCKETS)) + "]::bigint[]"


def _stage(stage: str, code: str, size: str, ms: str, source: str, at: str, more: str = "") -> str:
    """One stage's rows by minute. All parts are constants of this module."""
    inner = f"width_bucket({ms}, {_EDGES}) AS bucket" if ms else "0 AS bucket"
    histogram = _histogram("bucket") if ms else _NONE
    return (
        f"SELECT 'm', minute, channel_id, '{stage}', code, count(*), sum(size), {histogram} FROM ("  # noqa: S608
        f" SELECT date_trunc('minute', {at}) AS minute, channel_id, {code} AS code, {size}::bigint AS size, {inner}"
        f" FROM {source} WHERE {at} >= %(since)s AND {at} < %(until)s{more}) AS rows GROUP BY minute, channel_id, code"
    )


_WAITED_MS = "extract(epoch FROM coalesce(first_sent_at, done_at) - queued_at) * 1000"
_MINUTES = " UNION ALL ".join([
    _stage("received", "CASE WHEN state = 'accepted' THEN '' ELSE state END", "size", "", "gateway_message", "received_at"),
    _stage("sent", "outcome", "size", "latency_us / 1000.0", "gateway_delivery", "done_at"),
    _stage("waited", "''", "size", _WAITED_MS, "gateway_delivery", "done_at"),
    _stage("failed", "left(CASE WHEN code = '' THEN outcome ELSE code END, 40)", "0", "latency_us / 1000.0",
           "gateway_attempt", "at"),
])  # fmt: skip
_INTO = "INSERT INTO gateway_volume (grain, at, channel_id, stage, code, count, bytes, latency) "
_SUMS = "ARRAY[" + ", ".join(f"sum(latency[{n}])" for n in range(1, BUCKETS + 1)) + "]::bigint[]"


def _roll(grain: str, of: str, unit: str) -> str:
    return (
        f"{_INTO} SELECT '{grain}', date_trunc('{unit}', at, 'Asia/Shanghai'), channel_id, stage, code, sum(count),"  # noqa: S608
        f" sum(bytes), {_SUMS} FROM gateway_volume WHERE grain = '{of}' AND at >= %(since)s AND at < %(until)s"
        " GROUP BY 2, channel_id, stage, code"
    )


def recompute(since: dt.datetime, until: dt.datetime) -> int:
    """Count all minutes from since (inclusive) to until (exclusive) anew, and the hours and days they lie in.

    Both are cut to whole minutes. What was pruned to the archive keeps its numbers. Returns the rows of minutes.
    """
    since, until = max(minute_of(since), _counted_from()), minute_of(until)
    made = 0
    while since < until:
        end = min(since + LONGEST, until)
        made += _recompute(since, end)
        since = end
    return made


def _recompute(since: dt.datetime, until: dt.datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 2)", [_LOCK])
        span = {"since": since, "until": until}
        cursor.execute("DELETE FROM gateway_volume WHERE grain = 'm' AND at >= %(since)s AND at < %(until)s", span)
        cursor.execute(_INTO + _MINUTES, span)
        made = int(cursor.rowcount)
        for grain, of, unit, step in (
            ("h", "m", "hour", dt.timedelta(hours=1)),
            ("d", "h", "day", dt.timedelta(days=1)),
        ):
            low, high = _floor(since, unit), _floor(until - dt.timedelta(microseconds=1), unit) + step
            span = {"since": low, "until": high}
            cursor.execute("DELETE FROM gateway_volume WHERE grain = %s AND at >= %s AND at < %s", [grain, low, high])
            cursor.execute(_roll(grain, of, unit), span)
    return made


def count_closed_minutes(now: dt.datetime | None = None) -> int:
    """Everything up to the last closed minute, from where the last run stopped; late rows included."""
    end = minute_of(now or timezone.now())
    mark = Watermark.objects.filter(name=_NAME).first()
    since = min(mark.at, end) - LATE if mark else _first_row() or end - LATE
    made = recompute(since, end)
    Watermark.objects.update_or_create(name=_NAME, defaults={"at": end})
    return made


def count_again(hours: int, now: dt.datetime | None = None) -> int:
    """The last hours once more, for rows that came very late."""
    end = minute_of(now or timezone.now())
    return recompute(end - dt.timedelta(hours=hours), end)


def sample_queues(now: dt.datetime | None = None) -> int:
    """What waits now, by way out. Once a minute; a second sample of a minute replaces the first."""
    at = minute_of(now or timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM gateway_queuesample WHERE at = %s", [at])
        cursor.execute(
            """INSERT INTO gateway_queuesample (at, channel_id, waiting, uncertain, dead, oldest_s, bytes)
            SELECT %(at)s, channel_id, count(*) FILTER (WHERE state IN ('waiting', 'sending', 'held')),
              count(*) FILTER (WHERE state = 'uncertain'), count(*) FILTER (WHERE state = 'dead'),
              coalesce(extract(epoch FROM %(now)s - min(queued_at) FILTER (WHERE state IN ('waiting', 'sending'))), 0),
              sum(size) FROM gateway_queued GROUP BY channel_id""",
            {"at": at, "now": now or timezone.now()},
        )
        return int(cursor.rowcount)


_SPACE = """
SELECT
  (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) FROM pg_inherits i
   WHERE i.inhparent IN ('gateway_message'::regclass, 'gateway_delivery'::regclass, 'gateway_attempt'::regclass)),
  pg_total_relation_size('gateway_queued'), pg_total_relation_size('gateway_volume'),
  pg_database_size(current_database())
"""


def measure_space(now: dt.datetime | None = None) -> SpaceSample:
    """Tables by pg_total_relation_size, the disk by the file system; the day's last measurement stays."""
    at = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_SPACE)
        traffic, queue, volume, database = cursor.fetchone()
    archived = Archive.objects.aggregate(n=Sum("file_bytes"))["n"] or 0
    disk = disk_of(config.from_environment().home)
    row, _ = SpaceSample.objects.update_or_create(
        day=timezone.localdate(at),
        defaults={
            "at": at, "traffic_bytes": traffic, "queue_bytes": queue, "volume_bytes": volume,
            "database_bytes": database, "archive_bytes": archived,
            "disk_total": disk.total if disk else None, "disk_free": disk.free if disk else None,
        },
    )  # fmt: skip
    return row


def disk_of(path: Path) -> shutil._ntuple_diskusage | None:
    """Size and free space of the file system that holds the path; None where it cannot be asked."""
    try:
        return shutil.disk_usage(path if path.exists() else path.parent)
    except OSError:
        return None


def prune(now: dt.datetime | None = None) -> int:
    """Minutes and samples after two weeks, hours after 400 days; days stay."""
    at = now or timezone.now()
    gone, _ = Volume.objects.filter(grain=Volume.Grain.MINUTE, at__lt=at - KEEP_MINUTES).delete()
    more, _ = Volume.objects.filter(grain=Volume.Grain.HOUR, at__lt=at - KEEP_HOURS).delete()
    samples, _ = QueueSample.objects.filter(at__lt=at - KEEP_MINUTES).delete()
    return gone + more + samples


def _floor(at: dt.datetime, unit: str) -> dt.datetime:
    local = at.astimezone(CHINA)
    start = local.replace(minute=0, second=0, microsecond=0)
    return start.replace(hour=0) if unit == "day" else start


def _first_row() -> dt.datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(received_at) FROM gateway_message), (SELECT min(at) FROM gateway_attempt))"
        )
        found: dt.datetime | None = cursor.fetchone()[0]
        return found


def _counted_from() -> dt.datetime:
    """The end of the last day that was pruned: before it the numbers cannot be had again."""
    last = Archive.objects.filter(state=Archive.State.DROPPED).order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    return dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=CHINA)
