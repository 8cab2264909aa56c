"""What the big screen shows: facts only, each with the time at which it was known; what is not known says so."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from xingwei.base.accounts.models import Organisation
from xingwei.base.ui.words import CHINA, duration
from xingwei.operations.gateway.models import Breaker, Channel, Gauge, Volume
from xingwei.service.desk.models import Case
from xingwei.service.desk.queries import clocks
from xingwei.service.rota import queries as rota

from ..models import Wall
from . import states, status
from .states import Look

TTL_S = 1.5
GAUGE_S = 15.0
MINUTES = 150
_kept: tuple[float, dict[str, Any]] | None = None
_RANK = {"late": 0, "unk": 1, "warn": 2, "pause": 3, "ok": 4}
_LOOKS = {"down": "late", "warn": "warn", "odd": "warn", "stale": "unk", "ok": "ok"}


def board() -> dict[str, Any]:
    """Everything as JSON; at most once in 1.5 seconds a process, however many screens ask."""
    global _kept
    now = time.monotonic()
    if _kept is None or not 0 <= now - _kept[0] <= TTL_S:
        _kept = (now, read(timezone.now()))
    return _kept[1]


def forget() -> None:
    """For tests."""
    global _kept
    _kept = None


def read(at: dt.datetime) -> dict[str, Any]:
    eyes = states.eyes(at)
    looks = states.looks(now=at)
    channels = _channels(at)
    document = (Wall.objects.values_list("document", flat=True).first() or {}) or {}
    nodes = [_node(n, looks, channels, eyes, at) for n in document.get("nodes", [])]
    functions = [f for f in status.functions_now(at, eyes) if f.watch.wall][:8]
    counted = {kind: sum(n["state"] == kind for n in nodes) for kind in ("ok", "warn", "pause", "late", "unk")}
    hospital = Organisation.objects.filter(side="hospital").order_by("pk").values_list("name", flat=True).first()
    return {
        "at": at.timestamp() * 1000,
        "name": hospital or "医院",
        "alive": eyes.alive,
        "blind_since": eyes.since.timestamp() * 1000 if eyes.since else None,
        "counted": counted,
        "nodes": nodes,
        "lines": [_line(x, channels) for x in document.get("lines", [])],
        "faults": _faults(at),
        "duty": _duty(at),
        "blind": _blind(nodes, eyes, at),
        "functions": [
            {"name": f.watch.short, "state": _short(f.kind), "say": _say(f, at)} for f in functions
        ],
        "traffic": _traffic(at, channels),
    }  # fmt: skip


def _short(kind: str) -> str:
    return {"unknown": "unk"}.get(kind, kind)


def _say(f: status.FunctionNow, at: dt.datetime) -> str:
    if f.state in {"up", "slow"}:
        return f.said if f.state == "up" else "变慢"
    if f.state == "unknown":
        return f"{duration(at - f.since)}前" if f.since else "没有拨测"
    return f"{f.word} {duration(at - f.since)}" if f.since and f.state == "down" else f.word


# Channels


class _Now:
    """A channel as its holder last wrote it; nothing where that is too old."""

    def __init__(self, channel: Channel, gauge: Gauge | None, breaker: Breaker | None, at: dt.datetime) -> None:
        fresh = gauge is not None and (at - gauge.at).total_seconds() <= GAUGE_S
        self.values: Mapping[str, Any] = gauge.values if gauge is not None and fresh else {}
        self.running = channel.state == Channel.State.RUNNING
        self.fresh = fresh
        self.seen = gauge.at if gauge else None
        self.breaker = breaker.state if breaker and channel.direction == "out" else "closed"

    @property
    def rate(self) -> float:
        return float(self.values.get("rate_1m") or 0)

    @property
    def waiting(self) -> int:
        return int(self.values.get("waiting") or 0)

    @property
    def state(self) -> str:
        if not self.running:
            return "pause"
        if not self.fresh:
            return "unk"
        if self.breaker == "open":
            return "late"
        if self.breaker == "cut":
            return "pause"
        slow = float(self.values.get("oldest_s") or 0) > 60
        return "warn" if self.breaker == "half_open" or slow else "ok"

    @property
    def word(self) -> str:
        if self.breaker != "closed":
            return {"open": "已熔断", "half_open": "半开 试探", "cut": "计划切断"}.get(self.breaker, "")
        if not self.running:
            return "停用"
        return f"排队 {self.waiting:,}" if self.state == "warn" else ""


def _channels(at: dt.datetime) -> dict[str, _Now]:
    rows = Channel.objects.select_related("gauge", "breaker_now")
    return {c.code: _Now(c, getattr(c, "gauge", None), getattr(c, "breaker_now", None), at) for c in rows}


def _node(
    item: Mapping[str, Any], looks: Sequence[Look], channels: Mapping[str, _Now], eyes: states.Eyes, at: dt.datetime
) -> dict[str, Any]:  # fmt: skip
    """The worst of its parts' probes and of its channels; what neither speaks for is unknown."""
    keys = {f"component:{c}" for c in item.get("of", [])}
    own = [x for x in looks if x.probe.node in keys and x.state != "off"]
    lines = [channels[c] for c in item.get("channels", []) if c in channels]
    found = [("unk" if not eyes.alive else _LOOKS[x.state]) for x in own] + [c.state for c in lines]
    state = min(found, key=lambda s: _RANK[s], default="unk")
    if state == "unk" and any(s != "unk" for s in found):  # one part unseen does not hide what is seen of the others
        state = min((s for s in found if s != "unk"), key=lambda s: _RANK[s])
    return {"name": item["name"], "x": item["x"], "y": item["y"], "state": state,
            "say": _node_say(state, own, lines, eyes, at)}  # fmt: skip


def _node_say(state: str, own: Sequence[Look], lines: Sequence[_Now], eyes: states.Eyes, at: dt.datetime) -> str:
    if state == "unk":
        seen = max([x.at for x in own if x.at] + [c.seen for c in lines if c.seen], default=None)
        return f"{duration(at - seen)}前" if seen else "没有数据"
    worded = next((c.word for c in lines if c.state == state and c.word), "")
    bad = [x for x in own if x.bad]
    if worded and state != "ok":
        return worded
    if state in {"late", "warn"} and (bad or len(lines) > 1):
        total = len(own) or len(lines)
        good = total - len(bad) if own else sum(c.state == "ok" for c in lines)
        return f"{good} / {total} 正常"
    fresh = [c for c in lines if c.fresh]
    if fresh:
        return f"{sum(c.rate for c in fresh):,.0f} 条/分"
    return f"{len(own)} / {len(own)} 正常" if own else "正常"


def _line(item: Mapping[str, Any], channels: Mapping[str, _Now]) -> dict[str, Any]:
    found = [channels[c] for c in item.get("channels", []) if c in channels]
    state = min((c.state for c in found), key=lambda s: _RANK[s], default="unk")
    return {"from": item["from"], "to": item["to"], "state": state, "rate": round(sum(c.rate for c in found), 1)}


# Faults, duty, traffic


def _faults(at: dt.datetime) -> dict[str, Any]:
    """The three most severe open incidents, each with the clock that is due first."""
    rows = Case.objects.filter(kind="incident").exclude(category__in=["resolved", "closed"])
    levels = {n: rows.filter(severity=n).count() for n in (1, 2, 3)}
    shown = []
    for case in (
        rows.filter(severity__in=[1, 2, 3]).select_related("system", "assignee").order_by("severity", "opened_at")[:3]
    ):
        clock = next((c for c in clocks.view_of(case, at) if c.state in {"ok", "soon", "late"}), None)
        detail = " · ".join(
            x
            for x in (
                case.system.short_name if case.system else "",
                case.assignee.short_name if case.assignee else "未指派",
            )
            if x
        )
        shown.append({
            "level": case.severity, "title": case.title, "detail": detail,
            "due": clock.due_at.timestamp() * 1000 if clock and clock.due_at else None,
            "clock": f"距{clock.label}" if clock else f"已 {duration(at - case.opened_at)}",
            "state": {"ok": "ok", "soon": "warn", "late": "late"}[clock.state] if clock else "unk",
        })  # fmt: skip
    words = "一二三"
    return {"said": " · ".join(f"{words[n - 1]}级 {c}" for n, c in levels.items() if c), "rows": shown}


def _duty(at: dt.datetime) -> list[dict[str, str]]:
    found = rota.on_duty(at)
    out = []
    for label, duties in (("值班", found.on_call), ("现场", found.on_site)):
        present = [d for d in duties if not d.absent]
        if present:
            person = present[0].person
            out.append(
                {"label": label, "name": person.short_name or person.name, "phone": person.phone or person.mobile}
            )
    return out


def _blind(nodes: Sequence[Mapping[str, Any]], eyes: states.Eyes, at: dt.datetime) -> dict[str, Any] | None:
    """What nobody sees: everything, or the boxes without fresh data."""
    if not eyes.alive:
        return {"what": "全部", "since": eyes.since.timestamp() * 1000 if eyes.since else None}
    dark = [n["name"] for n in nodes if n["state"] == "unk"]
    return (
        {"what": "、".join(dark[:3]) + (f" 等 {len(dark)} 处" if len(dark) > 3 else ""), "since": None}
        if dark
        else None
    )


def _traffic(at: dt.datetime, channels: Mapping[str, _Now]) -> dict[str, Any]:
    """Received messages a minute of the last hours, against the same hours of the last four weeks."""
    ins = set(Channel.objects.filter(direction="in").values_list("pk", flat=True))
    end = at.replace(second=0, microsecond=0)
    start = end - dt.timedelta(minutes=MINUTES)
    rows = Volume.objects.filter(grain="m", stage="received", channel_id__in=ins, at__gte=start, at__lt=end)
    by_minute = dict(rows.values_list("at").annotate(n=Sum("count")).order_by())
    series = [by_minute.get(start + dt.timedelta(minutes=n)) for n in range(MINUTES)]
    known = [i for i, v in enumerate(series) if v is not None]
    if known:  # a minute without messages is 0 where later ones were counted already
        series = [0 if v is None and known[0] < i < known[-1] else v for i, v in enumerate(series)]
    fresh = [c for c in channels.values() if c.fresh]
    from_gauge = Gauge.objects.filter(channel_id__in=ins, at__gte=at - dt.timedelta(seconds=GAUGE_S))
    rates = [float(v.get("rate_1m") or 0) for v in from_gauge.values_list("values", flat=True)]
    return {
        "now": round(sum(rates)) if rates else None,
        "waiting": sum(c.waiting for c in fresh) if fresh else None,
        "dead": sum(int(c.values.get("dead") or 0) for c in fresh) if fresh else None,
        "start": start.timestamp() * 1000,
        "series": series,
        "band": _usual_traffic(start, end, ins),
    }


def _usual_traffic(start: dt.datetime, end: dt.datetime, ins: set[int]) -> list[list[float]]:
    """[time in ms, low, high] by hour: least and most of the same weekday's hour in the last four weeks."""
    out = []
    hour = start.astimezone(CHINA).replace(minute=0)
    wanted = []
    while hour <= end + dt.timedelta(hours=1):
        wanted.append(hour)
        hour += dt.timedelta(hours=1)
    times = [h - dt.timedelta(weeks=w) for h in wanted for w in range(1, 5)]
    rows = Volume.objects.filter(grain="h", stage="received", channel_id__in=ins, at__in=times)
    found = dict(rows.values_list("at").annotate(n=Sum("count")).order_by())
    for h in wanted:
        values = [found[h - dt.timedelta(weeks=w)] / 60 for w in range(1, 5) if h - dt.timedelta(weeks=w) in found]
        if len(values) >= 2:
            middle = (h + dt.timedelta(minutes=30)).timestamp() * 1000
            out.append([middle, round(min(values), 1), round(max(values), 1)])
    return out
