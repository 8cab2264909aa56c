"""Reading what was measured, as arrays: samples of the last days, roll-ups by hour of the last years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from django.db import connection

from xingwei.base.estate import queries as estate
from xingwei.base.ui.words import CHINA

from ..engine import triage
from ..engine.tracks import NOTHING, Floats, Track
from ..models import Series

RAW_DAYS = 15  # samples are kept so long
FINE = dt.timedelta(days=3)  # up to here samples are drawn, beyond it hours, and days
HOURLY = dt.timedelta(days=60)

_KNOWN = """
SELECT id, key, node, signal, title, unit, worse FROM watch_series WHERE key = ANY(%s) ORDER BY id
"""
_SAMPLES = """
SELECT series_id, array_agg(extract(epoch FROM at)::float8 ORDER BY at), array_agg(value ORDER BY at)
FROM watch_sample WHERE series_id = ANY(%s) AND at >= %s AND at < %s GROUP BY series_id
"""
_DAYS = """
SELECT series_id, array_agg(day - DATE '1970-01-01' ORDER BY day), array_agg(mid ORDER BY day), array_agg(lo ORDER BY day),
  array_agg(hi ORDER BY day)
FROM (
  SELECT series_id, day, (SELECT avg(v)::float8 FROM unnest(mid) AS v) AS mid,
    (SELECT min(v)::float8 FROM unnest(lo) AS v) AS lo, (SELECT max(v)::float8 FROM unnest(hi) AS v) AS hi
  FROM watch_roll WHERE series_id = ANY(%s) AND day >= %s AND day <= %s
) AS days GROUP BY series_id
"""
_ROLLS = """
SELECT series_id, day, mid::float8[], lo::float8[], hi::float8[] FROM watch_roll
WHERE series_id = ANY(%s) AND day >= %s AND day <= %s ORDER BY series_id, day
"""


def keys(*, node: str = "", probe: str = "", signals: Iterable[str] = ()) -> list[str]:
    """The keys of the series of a node or of a probe, of these signals or of all."""
    rows = Series.objects.all()
    if node:
        rows = rows.filter(node=node)
    if probe:
        rows = rows.filter(probe__code=probe)
    if wanted := list(signals):
        rows = rows.filter(signal__in=wanted)
    return list(rows.values_list("key", flat=True))


def window(keys: Iterable[str], since: dt.datetime, until: dt.datetime) -> dict[str, triage.Series]:
    """The same stretches as triage reads them: what every probe measures ("up", "ms") is named for what the node is."""
    kinds = {node.key: node.kind for node in estate.graph()}
    return {key: _for_triage(track, kinds.get(track.node, "")) for key, track in tracks(keys, since, until).items()}


# kind of node → (signal of "up", signal of "ms", in seconds)
_NAMED = {
    "function": ("syn.fail", "syn.rt", True), "application": ("app.up", "app.rt", True),
    "database": ("db.fail", "db.rt", False), "host": ("host.up", "net.rtt", False), "link": ("net.up", "net.rtt", False),
    "device": ("dev.up", "net.rtt", False), "third_party": ("tp.up", "tp.rt", True),
    "interface": ("if.err", "if.ack_ms", False),
}  # fmt: skip


def _for_triage(track: Track, kind: str) -> triage.Series:
    signal, values, unit = track.signal, track.values, track.unit
    up, ms, seconds = _NAMED.get(kind, ("app.up", "app.rt", True))
    if signal == "up":
        signal = up
        values = 1.0 - values if up.endswith((".fail", ".err")) else values
    elif signal == "ms":
        signal = ms
        values, unit = (values / 1000.0, "秒") if seconds else (values, unit)
    url = f"/watch/probes/{track.key.partition('/')[0]}/"
    return triage.Series(track.node, signal, track.times, values, track.title, unit, url)


def tracks(keys: Iterable[str], since: dt.datetime, until: dt.datetime, *, grain: str = "") -> dict[str, Track]:
    """Each known series between since (inclusive) and until; one with nothing in it comes empty.

    grain: "raw" (measurements, of the last 15 days), "hour" (medians with least and highest), "day" (the mean of the
    hours' medians, with the day's least and highest), or "" for what suits the length.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [wanted])
        known = cursor.fetchall()
        ids = [row[0] for row in known]
        length = until - since
        grain = grain or ("raw" if length <= FINE else "hour" if length <= HOURLY else "day")
        read = {"raw": _raw, "hour": _hours, "day": _days}[grain]
        found = read(cursor, ids, since, until)
    empty = (NOTHING, NOTHING, NOTHING, NOTHING)
    return {
        key: Track(key, node, signal, title, unit, worse, *found.get(pk, empty))
        for pk, key, node, signal, title, unit, worse in known
    }


Columns = tuple[Floats, Floats, Floats, Floats]


def _raw(cursor: Any, ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> dict[int, Columns]:
    cursor.execute(_SAMPLES, [list(ids), since, until])
    return {
        pk: (np.array(times, dtype=np.float64), np.array(values, dtype=np.float64), NOTHING, NOTHING)
        for pk, times, values in cursor.fetchall()
    }


def _hours(cursor: Any, ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> dict[int, Columns]:
    first, last = since.astimezone(CHINA).date(), until.astimezone(CHINA).date()
    cursor.execute(_ROLLS, [list(ids), first, last])
    gathered: dict[int, list[tuple[float, Any, Any, Any]]] = {}
    for pk, day, mid, lo, hi in cursor.fetchall():
        start = dt.datetime.combine(day, dt.time(), tzinfo=CHINA).timestamp()
        gathered.setdefault(pk, []).append((start, mid, lo, hi))
    hours = np.arange(24) * 3600.0
    out = {}
    for pk, days in gathered.items():
        times = np.concatenate([start + hours for start, *_ in days])
        mid, lo, hi = (np.array([d[i] for d in days], dtype=np.float64).ravel() for i in (1, 2, 3))
        kept = (times >= since.timestamp() - 3600) & (times < until.timestamp()) & ~np.isnan(mid)
        out[pk] = (times[kept], mid[kept], lo[kept], hi[kept])
    return out


def _days(cursor: Any, ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> dict[int, Columns]:
    cursor.execute(_DAYS, [list(ids), since.astimezone(CHINA).date(), until.astimezone(CHINA).date()])
    out: dict[int, Columns] = {}
    for pk, days, mid, lo, hi in cursor.fetchall():
        times = np.array(days, dtype=np.float64) * 86_400 + 4 * 3600  # noon in Shanghai
        middle, least, most = (np.array(x, dtype=np.float64) for x in (mid, lo, hi))
        out[pk] = (times, middle, least, most)
    return out
