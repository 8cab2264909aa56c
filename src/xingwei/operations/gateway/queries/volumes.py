"""Numbers of what went through, for pages, /metrics and the API."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Sum
from django.utils import timezone

from xingwei.base.ui.words import CHINA

from ..engine.forecast import Forecast, NotEnough, forecast
from ..engine.volumes import in_words, merged, minute_of, quantile
from ..models import Channel, QueueSample, SpaceSample, Volume

SPANS = {"m": dt.timedelta(hours=2), "h": dt.timedelta(days=3), "d": dt.timedelta(days=60)}
OUTCOMES = {
    "timeout": "超时", "refused": "连接被拒绝", "rejected": "对方退回", "broken": "断线", "uncertain": "结果不明",
    "breaker": "熔断中", "not_sent": "没有发出", "unknown": "结果不明",
}  # fmt: skip
STEPS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}


@dataclass(slots=True)
class Cell:
    """One slot of time, summed over the channels asked for."""

    received: int = 0
    sent: int = 0
    failed: int = 0
    quarantined: int = 0
    bytes: int = 0
    latency: list[int] = field(default_factory=list)
    waited: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Series:
    times: list[dt.datetime]
    cells: list[Cell]
    errors: list[tuple[str, int]]

    def total(self, name: str) -> int:
        return sum(getattr(c, name) for c in self.cells)


def series(channels: Iterable[int], grain: str, until: dt.datetime | None = None) -> Series:
    """Two hours of minutes, three days of hours, or sixty days, ending with the last closed slot."""
    step = STEPS[grain]
    end = _floor(until or timezone.now(), grain)
    since = end - SPANS[grain]
    cells: dict[dt.datetime, Cell] = defaultdict(Cell)
    errors: dict[str, int] = defaultdict(int)
    rows = Volume.objects.filter(grain=grain, at__gte=since, at__lt=end + step, channel_id__in=list(channels))
    for at, stage, code, count, size, latency in rows.values_list("at", "stage", "code", "count", "bytes", "latency"):
        _add(cells[at], errors, stage, code, count, size, latency)
    times = []
    at = since
    while at < end or (grain != "m" and at == end):
        times.append(at)
        at += step
    found = sorted(errors.items(), key=lambda e: -e[1])[:8]
    return Series(times, [cells.get(t.astimezone(dt.UTC), Cell()) for t in times], found)


def _add(cell: Cell, errors: dict[str, int], stage: str, code: str, count: int, size: int, latency: list[int]) -> None:
    if stage == "received":
        cell.received += count
        cell.bytes += size
        if code:
            cell.quarantined += count
            errors["隔离" if code == "quarantined" else "拒绝"] += count
    elif stage == "sent":
        cell.sent += count
        cell.latency = merged([cell.latency, latency])
    elif stage == "waited":
        cell.waited = merged([cell.waited, latency])
    else:
        cell.failed += count
        errors[OUTCOMES.get(code, code)] += count


def _floor(at: dt.datetime, grain: str) -> dt.datetime:
    if grain == "m":
        return minute_of(at)
    local = at.astimezone(CHINA).replace(minute=0, second=0, microsecond=0)
    return local.replace(hour=0) if grain == "d" else local


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where messages of a channel wait: times in milliseconds over the last hour, and what waits now."""

    channel: Channel
    received: int
    sent: int
    failed: int
    queue_p50: float | None
    queue_p95: float | None
    other_p50: float | None
    other_p95: float | None
    waiting: int
    oldest_s: float
    dead: int
    uncertain: int

    @property
    def queue_words(self) -> str:
        return in_words(self.queue_p95)

    @property
    def other_words(self) -> str:
        return in_words(self.other_p95)

    @property
    def oldest_words(self) -> str:
        return in_words(self.oldest_s * 1000) if self.waiting else "—"

    @property
    def where(self) -> str:
        """In one word: which stage takes the time."""
        if self.waiting and self.oldest_s > 60:
            return "队列"
        queue, other = self.queue_p95 or 0, self.other_p95 or 0
        if max(queue, other) < 200:
            return "不用等"
        return "队列" if queue > other else "对方"


def waiting(channels: Iterable[Channel], now: dt.datetime | None = None) -> list[Waiting]:
    """Every channel with the times of its stages in the last hour; the longest waits first (7.1b)."""
    at = now or timezone.now()
    chosen = {c.pk: c for c in channels}
    by: dict[int, Cell] = defaultdict(Cell)
    ignored: dict[str, int] = defaultdict(int)
    since = minute_of(at) - dt.timedelta(hours=1)
    rows = Volume.objects.filter(grain="m", at__gte=since, channel_id__in=chosen)
    for number, stage, code, count, size, latency in rows.values_list(
        "channel_id", "stage", "code", "count", "bytes", "latency"
    ):
        _add(by[number], ignored, stage, code, count, size, latency)
    queues = latest_queues()
    out = []
    for pk, channel in chosen.items():
        cell, queue = by[pk], queues.get(pk)
        out.append(Waiting(
            channel, cell.received, cell.sent, cell.failed,
            quantile(cell.waited, 0.5), quantile(cell.waited, 0.95),
            quantile(cell.latency, 0.5), quantile(cell.latency, 0.95),
            queue.waiting if queue else 0, queue.oldest_s if queue else 0, queue.dead if queue else 0,
            queue.uncertain if queue else 0,
        ))  # fmt: skip
    return sorted(out, key=lambda w: (-w.oldest_s, -max(w.queue_p95 or 0, w.other_p95 or 0), w.channel.code))


def latest_queues() -> dict[int, QueueSample]:
    """The last sample, by channel; none where the last one is older than ten minutes."""
    last = QueueSample.objects.aggregate(at=Max("at"))["at"]
    if last is None or timezone.now() - last > dt.timedelta(minutes=10):
        return {}
    return {q.channel_id: q for q in QueueSample.objects.filter(at=last)}


def queue_series(channels: Iterable[int], times: list[dt.datetime]) -> tuple[list[int], list[float]]:
    """(number waiting, oldest age in minutes) at each of the times, of minutes."""
    if not times:
        return [], []
    rows = QueueSample.objects.filter(at__gte=times[0], channel_id__in=list(channels)).order_by("at")
    number: dict[dt.datetime, int] = defaultdict(int)
    oldest: dict[dt.datetime, float] = defaultdict(float)
    for row in rows:
        number[row.at] += row.waiting
        oldest[row.at] = max(oldest[row.at], row.oldest_s / 60)
    keys = [t.astimezone(dt.UTC) for t in times]
    return [number[k] for k in keys], [round(oldest[k], 1) for k in keys]


def daily(stage: str, what: str, *, today: dt.date | None = None, days: int = 400) -> dict[dt.date, float]:
    """Sums of whole days (today is not over, so it is left out). what: count or bytes."""
    end = today or timezone.localdate()
    first = dt.datetime.combine(end - dt.timedelta(days=days), dt.time(), tzinfo=CHINA)
    last = dt.datetime.combine(end, dt.time(), tzinfo=CHINA)
    rows = Volume.objects.filter(grain="d", stage=stage, at__gte=first, at__lt=last)
    found = {timezone.localdate(r["at"]): float(r["n"]) for r in rows.values("at").annotate(n=Sum(what))}
    if not found:
        return {}
    day, out = min(found), dict[dt.date, float]()
    while day < end:
        out[day] = found.get(day, 0.0)  # a day without messages is a day with none
        day += dt.timedelta(days=1)
    return out


def peaks(days: int = 30) -> int:
    """The most messages received in a minute of the days whose minutes are kept."""
    since = timezone.now() - dt.timedelta(days=days)
    rows = Volume.objects.filter(grain="m", stage="received", at__gte=since)
    found = rows.values("at").annotate(n=Sum("count")).aggregate(top=Max("n"))["top"]
    return int(found or 0)


@dataclass(frozen=True, slots=True)
class Growth:
    """messages, bytes: a day's; factor: bytes on disk for a byte received, None where it cannot be told."""

    messages: Forecast | NotEnough
    bytes: Forecast | NotEnough
    message_days: Mapping[dt.date, float]
    byte_days: Mapping[dt.date, float]
    factor: float | None
    space: SpaceSample | None


def growth(horizon: int = 180, today: dt.date | None = None) -> Growth:
    """What comes in a day, how it grows, and how much disk a byte takes (7.2)."""
    messages, sizes = daily("received", "count", today=today), daily("received", "bytes", today=today)
    space = SpaceSample.objects.order_by("-day").first()
    held = sum(Volume.objects.filter(grain="d", stage="received").values_list("bytes", flat=True))
    factor = None
    if space is not None and held > 1_000_000:
        stored = space.traffic_bytes + space.archive_bytes
        factor = max(1.0, stored / held)
    return Growth(forecast(messages, horizon), forecast(sizes, horizon), messages, sizes, factor, space)


def totals_for_metrics() -> list[dict[str, Any]]:
    """Everything counted so far, by channel, stage and code (days and the hours and minutes since)."""
    rows = Volume.objects.filter(grain="d").values("channel_id", "stage", "code")
    summed = rows.annotate(count_=Sum("count"), bytes_=Sum("bytes")).order_by("channel_id", "stage", "code")
    return [dict(row) for row in summed]
