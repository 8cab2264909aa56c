"""The store of measurements: partitions, roll-ups by hour, what is usual, and what is too old.

Rolling an hour up again gives the same; every hour looks back two hours, for samples that came late.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.calendar import queries as calendar
from xingwei.base.ui.words import CHINA

from ..engine.baseline import Floats, Usual, drift, usual
from ..engine.judging import number
from ..models import Blind, DayKind, MaintenanceWindow, ProbeChange, Series

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
AHEAD_DAYS = 7
RAW_DAYS = 15
ROLL_YEARS = 5
BASELINE_DAYS = 56
PORTION = 500

_MARK = "SELECT max(day) FROM watch_roll"
_ROLL = """
INSERT INTO watch_roll AS r (series_id, day, n, lo, mid, hi, avg)
SELECT series_id, %(day)s,
  array_fill(0::smallint, ARRAY[%(slot)s - 1]) || least(n, 32767)::smallint || array_fill(0::smallint, ARRAY[24 - %(slot)s]),
  array_fill(NULL::real, ARRAY[%(slot)s - 1]) || lo || array_fill(NULL::real, ARRAY[24 - %(slot)s]),
  array_fill(NULL::real, ARRAY[%(slot)s - 1]) || mid || array_fill(NULL::real, ARRAY[24 - %(slot)s]),
  array_fill(NULL::real, ARRAY[%(slot)s - 1]) || hi || array_fill(NULL::real, ARRAY[24 - %(slot)s]),
  array_fill(NULL::real, ARRAY[%(slot)s - 1]) || avg || array_fill(NULL::real, ARRAY[24 - %(slot)s])
FROM (
  SELECT series_id, count(*) AS n, min(value)::real AS lo, max(value)::real AS hi, avg(value)::real AS avg,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY value)::real AS mid
  FROM watch_sample WHERE at >= %(since)s AND at < %(until)s AND value <> 'NaN'
    AND value BETWEEN -3e38 AND 3e38 GROUP BY series_id
) AS hour
ON CONFLICT (series_id, day) DO UPDATE SET n[%(slot)s] = excluded.n[%(slot)s], lo[%(slot)s] = excluded.lo[%(slot)s],
  mid[%(slot)s] = excluded.mid[%(slot)s], hi[%(slot)s] = excluded.hi[%(slot)s], avg[%(slot)s] = excluded.avg[%(slot)s]
"""
_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass AND c.relname ~ %s
"""


def make_partitions(now: dt.datetime | None = None, *, days_back: int = 1) -> int:
    """Of the coming days, and of days_back days before."""
    today = timezone.localdate(now or timezone.now())
    with connection.cursor() as cursor:
        first, last = today - dt.timedelta(days=days_back), today + dt.timedelta(days=AHEAD_DAYS)
        cursor.execute("SELECT watch_make_partitions(%s, %s)", [first, last])
        return int(cursor.fetchone()[0])


def roll_up(since: dt.datetime, until: dt.datetime) -> int:
    """All whole hours that begin at or after since and before until; how many rows were written."""
    at = since.astimezone(CHINA).replace(minute=0, second=0, microsecond=0)
    done = 0
    while at < until:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7211, 2)")
            cursor.execute(_ROLL, {"day": at.date(), "slot": at.hour + 1, "since": at, "until": at + HOUR})
            done += int(cursor.rowcount)
        at += HOUR
    return done


def roll_closed_hours(now: dt.datetime | None = None) -> int:
    """The last two closed hours and the running one; after a pause, everything since the last day that was rolled up."""
    at = now or timezone.now()
    since = at - 2 * HOUR
    with connection.cursor() as cursor:
        cursor.execute(_MARK)
        last = cursor.fetchone()[0]
    if last is not None and last < since.astimezone(CHINA).date():
        kept = at - dt.timedelta(days=RAW_DAYS)
        since = max(dt.datetime.combine(last, dt.time(), tzinfo=CHINA), kept)
    return roll_up(since, at)


def prune(now: dt.datetime | None = None) -> int:
    """Drop partitions of samples after 15 days and of roll-ups after five years, changes after 400 days."""
    at = now or timezone.now()
    today = timezone.localdate(at)
    gone = 0
    with connection.cursor() as cursor:
        for table, pattern, oldest in (
            ("watch_sample", r"^watch_sample_\d{8}$", f"watch_sample_{today - dt.timedelta(days=RAW_DAYS):%Y%m%d}"),
            ("watch_roll", r"^watch_roll_\d{6}$", f"watch_roll_{today.year - ROLL_YEARS}{today.month:02d}"),
        ):
            cursor.execute(_PARTITIONS, [table, pattern])
            for (name,) in cursor.fetchall():
                if name < oldest:
                    cursor.execute(f"DROP TABLE {name}")  # a name of our own making, matched by the pattern above
                    gone += 1
        cursor.execute("DELETE FROM watch_sample_other WHERE at < %s", [at - dt.timedelta(days=RAW_DAYS)])
    ProbeChange.objects.filter(at__lt=at - dt.timedelta(days=400)).delete()
    return gone


# What is usual


def weekday_of(day: dt.date) -> int:
    """As which weekday a date counts: a holiday as Sunday, a make-up workday as Monday, others as themselves."""
    works = calendar.current().is_workday(day)
    if works and day.weekday() >= 5:
        return 0
    return 6 if not works and day.weekday() < 5 else day.weekday()


def learn_days(now: dt.datetime | None = None) -> None:
    """Write down for the processes which of the coming days count as another weekday."""
    today = timezone.localdate(now or timezone.now())
    days = [today + dt.timedelta(days=n) for n in range(-1, 15)]
    rows = [DayKind(day=d, weekday=weekday_of(d)) for d in days if weekday_of(d) != d.weekday()]
    with transaction.atomic():
        DayKind.objects.filter(day__gte=days[0]).delete()
        DayKind.objects.bulk_create(rows)


_READ = """
SELECT series_id, day, mid::float8[], lo::float8[], hi::float8[] FROM watch_roll
WHERE series_id = ANY(%s) AND day >= %s AND day < %s ORDER BY series_id, day
"""
_WRITE = """
INSERT INTO watch_baseline (series_id, made_at, days, mid, spread, level, drift, drift_since, drift_said)
SELECT n.series_id, %s, n.days, ARRAY(SELECT jsonb_array_elements_text(n.mid)::float8),
  ARRAY(SELECT jsonb_array_elements_text(n.spread)::float8), n.level, n.drift, n.drift_since, n.drift_said
FROM unnest(%s::int4[], %s::int2[], %s::jsonb[], %s::jsonb[], %s::float8[], %s::float8[], %s::date[], %s::text[])
  AS n (series_id, days, mid, spread, level, drift, drift_since, drift_said)
ON CONFLICT (series_id) DO UPDATE SET made_at = excluded.made_at, days = excluded.days, mid = excluded.mid,
  spread = excluded.spread, level = excluded.level, drift = excluded.drift, drift_since = excluded.drift_since,
  drift_said = excluded.drift_said
"""


def learn(now: dt.datetime | None = None) -> int:
    """What is usual for every series, from the last eight weeks up to yesterday; how many series."""
    today = timezone.localdate(now or timezone.now())
    first = today - dt.timedelta(days=BASELINE_DAYS)
    days = [first + dt.timedelta(days=n) for n in range(BASELINE_DAYS)]
    weekdays = {d: weekday_of(d) for d in days}
    skip = _quiet_hours(days)
    known = list(Series.objects.exclude(signal="up").order_by("pk").values_list("pk", "worse", "unit", "title"))
    done = 0
    for at in range(0, len(known), PORTION):
        done += _learn(known[at : at + PORTION], days, weekdays, skip, now or timezone.now())
    return done


def _learn(
    known: list[tuple[int, str, str, str]], days: list[dt.date], weekdays: dict[dt.date, int],
    skip: np.ndarray[Any, np.dtype[np.bool_]], now: dt.datetime,
) -> int:  # fmt: skip
    index = {d: n for n, d in enumerate(days)}
    with connection.cursor() as cursor:
        cursor.execute(_READ, [[k[0] for k in known], days[0], days[-1] + DAY])
        rows = cursor.fetchall()
    read: dict[int, tuple[Floats, Floats, Floats]] = {}
    for pk, day, mid, lo, hi in rows:
        if pk not in read:
            read[pk] = tuple(np.full((len(days), 24), np.nan) for _ in range(3))  # type: ignore[assignment]
        for into, values in zip(read[pk], (mid, lo, hi), strict=True):
            into[index[day]] = np.array(values, dtype=np.float64)
    made = []
    for pk, worse, unit, title in known:
        if pk not in read:
            continue
        mid, lo, hi = read[pk]
        present: np.ndarray[Any, np.dtype[np.bool_]] = ~np.all(np.isnan(mid), axis=1)
        found = usual([weekdays[d] for d, p in zip(days, present.tolist(), strict=True) if p], mid[present], lo[present],
                      hi[present], skip=skip[present])  # fmt: skip
        if found is not None:
            made.append((pk, found, *_drift(days, mid, skip, worse, unit, title)))
    if made:
        _write(made, now)
    return len(made)


def _drift(
    days: list[dt.date], mid: Floats, skip: np.ndarray[Any, np.dtype[np.bool_]], worse: str, unit: str, title: str
) -> tuple[float | None, dt.date | None, str]:
    """Over the last four weeks, from the busy hours' medians."""
    recent = np.where(skip, np.nan, mid)[-28:, 8:18]
    with np.errstate(all="ignore"):
        levels = np.array([np.nan if np.isnan(d).all() else float(np.nanmedian(d)) for d in recent])
    found = drift(days[-28:], levels, worse)
    if found is None:
        return None, None, ""
    known = levels[~np.isnan(levels)]
    space = " " if unit else ""
    said = (
        f"{title}自 {found.since:%m-%d} 起每天{'升' if found.per_day > 0 else '降'} {number(abs(found.per_day))}{space}{unit}，"
        f"现在约 {number(float(np.median(known[-3:])))}{space}{unit}，四周变化 {abs(found.change):.0%}"
    )
    return found.per_day, found.since, said[:200]


def _quiet_hours(days: list[dt.date]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Hours in which nobody watched, or everything was under maintenance: they teach nothing."""
    out = np.zeros((len(days), 24), dtype=np.bool_)
    first = dt.datetime.combine(days[0], dt.time(), tzinfo=CHINA)
    spans = list(Blind.objects.filter(until__gt=first).values_list("since", "until"))
    windows = MaintenanceWindow.objects.filter(until__gt=first, cancelled_at=None, nodes__contains=["*"])
    spans += list(windows.values_list("since", "until"))
    flat = out.ravel()
    for since, until in spans:
        low = max(int((since - first) / HOUR), 0)
        flat[low : max(int(-(-(until - first) // HOUR)), low)] = True
    return out


def _write(made: list[tuple[int, Usual, float | None, dt.date | None, str]], now: dt.datetime) -> None:
    def listed(values: Floats) -> str:
        return "[" + ",".join("null" if np.isnan(v) else f"{v:.6g}" for v in values) + "]"

    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [
            now, [m[0] for m in made], [m[1].days for m in made], [listed(m[1].mid) for m in made],
            [listed(m[1].spread) for m in made], [m[1].level for m in made], [m[2] for m in made],
            [m[3] for m in made], [m[4] for m in made],
        ])  # fmt: skip
