"""The costliest statements, how they change, and what advice brought."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from xingwei.base.connections.models import Connection
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.words import CHINA
from xingwei.operations.watch.engine.tracks import Track
from xingwei.operations.watch.models import FunctionWatch, Probe
from xingwei.operations.watch.queries import series

from .engine.trend import Day, Kind, Trend, trend
from .models import Advice, Reading, Statement, Usage

TREND_DAYS = 14
SHOWN = 30
TREND_WORDS = {
    Kind.UNKNOWN: ("unknown", "天数不足"), Kind.STEADY: ("ok", "平稳"), Kind.SLOWER: ("warn", "越来越慢"),
    Kind.JUMPED: ("late", "突然变慢"), Kind.FASTER: ("ok", "变快了"),
}  # fmt: skip


@dataclass(slots=True)
class Line:
    """A statement in a stretch of time. share: of the time of all statements of its database, in a hundred."""

    statement: Statement
    calls: int
    total_ms: float
    share: float
    trend: Trend
    days: list[tuple[dt.date, float, int]] = field(default_factory=list)
    advice: Advice | None = None

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.calls if self.calls else 0.0

    @property
    def trend_words(self) -> tuple[str, str]:
        state, word = TREND_WORDS[self.trend.kind]
        if self.trend.kind in (Kind.SLOWER, Kind.JUMPED):
            grown = "，调用次数也增加了" if self.trend.calls_factor >= 1.5 else ""
            return state, f"{word}，{self.trend.factor:.1f} 倍{grown}"
        return state, word


@dataclass(slots=True)
class FunctionLine:
    """How long a business function takes, from its end-to-end probes: the last day beside the days before."""

    name: str
    url: str
    now_ms: float
    was_ms: float

    @property
    def factor(self) -> float:
        return self.now_ms / self.was_ms if self.was_ms else 1.0


def databases(actor: Actor) -> list[tuple[Connection, Reading | None]]:
    """The databases that the actor may see, each with its last reading."""
    rows = Connection.objects.filter(enabled=True, statements__isnull=False).distinct().select_related("system")
    seen = rows.restrict(actor, "performance.statement:view")
    last = {
        r.connection_id: r
        for r in Reading.objects.order_by("connection_id", "-at").distinct("connection_id").defer("counters")
    }
    return [(c, last.get(c.pk)) for c in seen if c.pk in last]


def lines(connection: Connection, *, hours: int = 24, slower_only: bool = False) -> list[Line]:
    """The costliest statements of the last hours, the costliest first; in four queries."""
    now = timezone.now()
    since = now - dt.timedelta(hours=hours)
    rows = Usage.objects.filter(statement__connection=connection, hour__gte=since)
    sums = list(rows.values("statement").annotate(n=Sum("calls"), ms=Sum("total_ms")).order_by("-ms")[: SHOWN * 4])
    total = rows.aggregate(ms=Sum("total_ms"))["ms"] or 1.0
    ids = [row["statement"] for row in sums]
    statements = Statement.objects.select_related("connection").in_bulk(ids)
    days = _days(ids, now)
    latest = {
        a.statement_id: a
        for a in Advice.objects.filter(statement__in=ids).order_by("statement_id", "-asked_at").distinct("statement_id")
    }
    found = [
        Line(
            statement=statements[row["statement"]], calls=row["n"], total_ms=row["ms"], share=100 * row["ms"] / total,
            trend=trend([Day(calls, mean) for _, mean, calls in days[row["statement"]]]), days=days[row["statement"]],
            advice=latest.get(row["statement"]),
        )
        for row in sums
        if not statements[row["statement"]].ignored
    ]  # fmt: skip
    if slower_only:
        found = [line for line in found if line.trend.kind in (Kind.SLOWER, Kind.JUMPED)]
    return found[:SHOWN]


def _days(ids: list[int], now: dt.datetime, days: int = TREND_DAYS) -> dict[int, list[tuple[dt.date, float, int]]]:
    found: dict[int, list[tuple[dt.date, float, int]]] = defaultdict(list)
    rows = (
        Usage.objects.filter(statement__in=ids, hour__gte=now - dt.timedelta(days=days))
        .annotate(day=TruncDate("hour", tzinfo=CHINA))
        .values("statement", "day")
        .annotate(n=Sum("calls"), ms=Sum("total_ms"))
        .order_by("day")
    )
    for row in rows:
        if row["n"]:
            found[row["statement"]].append((row["day"], row["ms"] / row["n"], row["n"]))
    return found


def history(statement: Statement, days: int = 60) -> list[tuple[dt.date, float, int]]:
    """(day, mean ms, calls) of one statement."""
    return _days([statement.pk], timezone.now(), days)[statement.pk]


def effect(advice: Advice) -> tuple[float, float] | None:
    """Mean ms in the week before it was applied and since then; None where there is nothing to compare yet."""
    if advice.applied_at is None:
        return None
    at = advice.applied_at
    rows = Usage.objects.filter(statement=advice.statement)

    def mean(**when: dt.datetime) -> float | None:
        sums = rows.filter(**when).aggregate(n=Sum("calls"), ms=Sum("total_ms"))
        return sums["ms"] / sums["n"] if sums["n"] else None

    before = mean(hour__gte=at - dt.timedelta(days=7), hour__lt=at.replace(minute=0, second=0, microsecond=0))
    after = mean(hour__gt=at)
    return (before, after) if before is not None and after is not None else None


def functions(system_code: str) -> list[FunctionLine]:
    """The business functions of a system, the slowest first."""
    watched = FunctionWatch.objects.filter(function__system__code=system_code).select_related("function")
    probes = {
        p.function_id: p for p in Probe.objects.filter(function__in=[w.function_id for w in watched], active=True)
    }
    now = timezone.now()
    keys = {
        w: series.keys(probe=probes[w.function_id].code, signals=["ms"]) for w in watched if w.function_id in probes
    }
    every = [k for own in keys.values() for k in own]
    day = now - dt.timedelta(days=1)
    recent = series.tracks(every, day, now)
    earlier = series.tracks(every, now - dt.timedelta(days=8), day)
    found: list[FunctionLine] = []
    for watch, own in keys.items():
        for key in own:
            current = _median(recent.get(key))
            if current is not None:
                was = _median(earlier.get(key))
                found.append(FunctionLine(watch.function.name, watch.get_absolute_url(), current, was or current))
    return sorted(found, key=lambda line: -line.now_ms)


def _median(track: Track | None) -> float | None:
    if track is None:
        return None
    known = track.values[~np.isnan(track.values)]
    return float(np.median(known)) if len(known) else None
