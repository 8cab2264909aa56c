"""The gateway as it runs now: every channel with its figures and how it is."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone

from xingwei.base.policy.engine import Actor

from ..engine.health import STALE_S, Facts, Health, health
from ..models import Breaker, Channel, Message, Process, Queued, RouteVersion, Volume

WINDOWS = {"1": "1 分钟", "5": "5 分钟", "60": "1 小时"}


@dataclass(slots=True)
class Row:
    """A channel as the pages show it. Figures are None where nothing is known."""

    channel: Channel
    health: Health
    values: Mapping[str, Any]
    stale: bool
    breaker: Breaker | None
    today: int
    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    window: str = "1"

    @property
    def rate(self) -> float | None:
        """Messages a minute over the chosen window."""
        if self.stale:
            return None
        if self.window == "60":
            series = self.values.get("series") or []
            return sum(series) / len(series) if series else None
        value = self.values.get(f"rate_{self.window}m")
        return None if value is None else float(value)

    @property
    def p95(self) -> float | None:
        value = self.values.get("latency_p95_ms")
        return None if self.stale or value is None else float(value)

    @property
    def waiting(self) -> int:
        return int(self.values.get("waiting") or 0)

    @property
    def oldest(self) -> dt.timedelta | None:
        seconds = float(self.values.get("oldest_s") or 0)
        return dt.timedelta(seconds=seconds) if seconds >= 1 else None

    @property
    def error_share(self) -> float | None:
        rate, errors = self.values.get("rate_1m"), self.values.get("errors_1m")
        if self.stale or rate is None or errors is None or not (rate or errors):
            return None
        return 100.0 * float(errors) / max(float(rate), float(errors))

    @property
    def spark(self) -> str:
        """Points of the last hour's line, 84 by 20."""
        series = [float(v) for v in self.values.get("series") or []]
        if len(series) < 2:
            return ""
        top = max(*series, 1.0)
        step = 84 / (len(series) - 1)
        return " ".join(f"{i * step:.1f},{19 - 17 * v / top:.1f}" for i, v in enumerate(series))

    @property
    def way(self) -> str:
        """血球 → LIS."""
        if self.channel.direction == Channel.Direction.IN:
            return (
                f"{self.channel.peer} → {'、'.join(self.targets[:3]) or '网关'}{' 等' if len(self.targets) > 3 else ''}"
            )
        return f"{'、'.join(self.sources[:3]) or '网关'}{' 等' if len(self.sources) > 3 else ''} → {self.channel.peer}"


@dataclass(slots=True)
class Board:
    rows: list[Row]
    processes: list[tuple[Process, int, bool]]
    links: list[tuple[Channel, Channel]]
    at: dt.datetime

    def of(self, direction: str) -> list[Row]:
        return [r for r in self.rows if r.channel.direction == direction]

    @property
    def troubled(self) -> list[Row]:
        return [r for r in self.rows if r.health.kind != "ok" and r.channel.state != "stopped"]


def channels(actor: Actor, permission: str = "gateway.channel:view") -> Any:
    return Channel.objects.restrict(actor, permission).select_related("system", "interface")


def board(actor: Actor, *, window: str = "1", codes: Iterable[str] | None = None) -> Board:
    """Everything for the topology and the list of channels, in a fixed number of queries."""
    now = timezone.now()
    found = channels(actor).select_related("gauge", "breaker_now", "lease__process")
    if codes is not None:
        found = found.filter(code__in=list(codes))
    rows = list(found)
    ids = [c.pk for c in rows]
    aside = _aside(ids)
    quarantined = _quarantined(ids, now)
    today = _today(ids, now)
    links = _links(actor)
    sources: dict[int, list[str]] = {}
    targets: dict[int, list[str]] = {}
    for a, b in links:
        _add(sources, b.pk, a.peer)
        _add(targets, a.pk, b.peer)
    made = []
    for channel in rows:
        row = _row(channel, now, aside.get(channel.pk, Counter()), quarantined.get(channel.pk, 0))
        row.today, row.window = today.get(channel.pk, 0), window if window in WINDOWS else "1"
        row.sources, row.targets = sources.get(channel.pk, []), targets.get(channel.pk, [])
        made.append(row)
    made.sort(key=lambda r: (r.health.gravity, -float(r.values.get("oldest_s") or 0), r.channel.code))
    shown = set(ids)
    return Board(made, _processes(now), [(a, b) for a, b in links if a.pk in shown and b.pk in shown], now)


def _row(channel: Channel, now: dt.datetime, aside: Counter[str], quarantined: int) -> Row:
    gauge = getattr(channel, "gauge", None)
    breaker = getattr(channel, "breaker_now", None)
    lease = getattr(channel, "lease", None)
    age = (now - gauge.at).total_seconds() if gauge else None
    facts = Facts(
        channel.direction,
        channel.state,
        gauge.values if gauge else {},
        age,
        breaker.state if breaker and channel.direction == "out" else "closed",
        breaker.reason if breaker else "",
        lease.problem if lease else "",
        quarantined,
        aside["dead"],
        aside["uncertain"],
        aside["held"],
    )
    stale = age is None or age > STALE_S
    return Row(channel, health(facts), gauge.values if gauge else {}, stale, breaker, 0)


def _aside(ids: list[int]) -> dict[int, Counter[str]]:
    counted: dict[int, Counter[str]] = {}
    rows = Queued.objects.filter(channel_id__in=ids).exclude(state=Queued.State.WAITING)
    for row in rows.values("channel_id", "state").annotate(n=Count("id")).order_by():
        counted.setdefault(row["channel_id"], Counter())[row["state"]] = row["n"]
    return counted


def _quarantined(ids: list[int], now: dt.datetime) -> dict[int, int]:
    rows = Message.objects.filter(
        Q(state=Message.State.QUARANTINED), received_at__gte=now - dt.timedelta(hours=1), channel_id__in=ids
    ).exclude(state=Message.State.ACCEPTED)
    return dict(rows.values_list("channel_id").annotate(n=Count("id")).order_by())


def _today(ids: list[int], now: dt.datetime) -> dict[int, int]:
    """Messages since midnight: whole hours, and the minutes of this hour."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = local.replace(minute=0, second=0, microsecond=0)
    stages = [Volume.Stage.RECEIVED, Volume.Stage.SENT]
    when = Q(grain="h", at__gte=midnight, at__lt=hour) | Q(grain="m", at__gte=hour)
    rows = Volume.objects.filter(when, channel_id__in=ids, stage__in=stages)
    return dict(rows.values_list("channel_id").annotate(n=Sum("count")).order_by())


def _links(actor: Actor) -> list[tuple[Channel, Channel]]:
    """(way in, way out) of every route in force, whoever asks: a line ends at a party, not at what it carries."""
    by_code = {c.code: c for c in Channel.objects.all()}
    found = []
    versions = RouteVersion.objects.filter(state=RouteVersion.State.RELEASED, route__active=True)
    for version in versions.select_related("route__source").order_by("route__code"):
        for code in version.document.get("to") or []:
            if code in by_code and (version.route.source, by_code[code]) not in found:
                found.append((version.route.source, by_code[code]))
    return found


def _processes(now: dt.datetime) -> list[tuple[Process, int, bool]]:
    rows = Process.objects.annotate(held=Count("lease", filter=Q(lease__expires_at__gt=now)))
    recent = rows.filter(seen_at__gte=now - dt.timedelta(days=1))
    return [(p, p.held, (now - p.seen_at).total_seconds() < STALE_S) for p in recent]


def _add(into: dict[int, list[str]], key: int, value: str) -> None:
    if value not in into.setdefault(key, []):
        into[key].append(value)
