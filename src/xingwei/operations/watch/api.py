"""The watch over HTTP: how everything is, what was measured, windows announced; with a person's token."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.api import permission
from xingwei.base.ui.views import ServiceRefused

from .models import FunctionWatch, MaintenanceWindow, Probe, Trouble
from .queries import series, states, status, uptime
from .services import windows as window_services
from .views.common import clean, probe_or_404

router = Router(tags=["监测"])
LONGEST = dt.timedelta(days=400)


class FunctionOut(Schema):
    """state: up, slow, down, unknown, maintenance. since: null where nothing is known."""

    code: str
    name: str
    system: str
    state: str
    since: dt.datetime | None
    said: str
    case: str | None


class StatusOut(Schema):
    at: dt.datetime
    watching: bool
    blind_since: dt.datetime | None
    verdict: str
    functions: list[FunctionOut]


class MonthOut(Schema):
    """Seconds by state; share in per cent, null where nothing was seen. proved: whether the journal gives the same."""

    month: str
    share: float | None
    target: float
    seconds: dict[str, float]
    outages: int
    proved: bool


class ProbeOut(Schema):
    code: str
    name: str
    kind: str
    node: str
    state: str
    at: dt.datetime | None
    since: dt.datetime | None
    said: str
    ms: float | None
    every_s: int


class TroubleOut(Schema):
    id: int
    kind: str
    node: str
    label: str
    state: str
    severity: int
    fact: str
    began_at: dt.datetime | None
    cleared_at: dt.datetime | None
    cause: int | None
    case: str | None


class SeriesOut(Schema):
    """times: seconds since 1970. lo, hi: least and highest of each step, where it is one of roll-ups."""

    key: str
    node: str
    signal: str
    unit: str
    times: list[float]
    values: list[float | None]
    lo: list[float | None]
    hi: list[float | None]


class WindowIn(Schema):
    title: str = Field(..., min_length=2, max_length=80)
    since: dt.datetime
    until: dt.datetime
    nodes: list[str] = Field(..., min_length=1, max_length=200)
    note: str = Field("", max_length=300)


class WindowOut(Schema):
    id: int
    title: str
    since: dt.datetime
    until: dt.datetime
    nodes: list[str]
    cancelled_at: dt.datetime | None


def _actor(request: HttpRequest) -> Actor:
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


@router.get("/status", response=StatusOut)
@permission("watch.status:view")
def whole(request: HttpRequest) -> dict[str, Any]:
    """全院运行状态。"""
    found = status.status()
    return {
        "at": found.at, "watching": found.eyes.alive, "blind_since": found.eyes.since, "verdict": found.verdict[1],
        "functions": [
            {"code": f.watch.function.code, "name": f.watch.function.name, "system": f.watch.function.system.code,
             "state": f.state, "since": f.since, "said": f.said, "case": f.case.number if f.case else None}
            for f in found.functions
        ],
    }  # fmt: skip


@router.get("/functions/{code}/uptime", response=list[MonthOut])
@permission("watch.status:view")
def uptime_of(request: HttpRequest, code: str) -> list[dict[str, Any]]:
    """一项业务每月的可用率，并由审计日志重算核对。"""
    watched = FunctionWatch.objects.select_related("function__system").filter(function__code=clean(code)).first()
    if watched is None:
        raise Http404("没有监测这项业务")
    return [
        {"month": f"{m.first:%Y-%m}", "share": m.uptime.share, "target": m.target, "seconds": m.uptime.seconds,
         "outages": len(m.uptime.outages), "proved": uptime.proof(watched, m.first).same}
        for m in uptime.months(watched)
    ]  # fmt: skip


@router.get("/probes", response=list[ProbeOut])
@permission("watch.probe:view")
def probes(request: HttpRequest) -> list[dict[str, Any]]:
    """全部拨测和现状。"""
    now = timezone.now()
    rows = Probe.objects.restrict(_actor(request), "watch.probe:view").select_related("now", "system", "function")
    return [_probe(p, now) for p in rows.order_by("code")[:10_000]]


def _probe(row: Probe, now: dt.datetime) -> dict[str, Any]:
    look = states.look(row, now)
    return {"code": row.code, "name": row.name, "kind": row.kind, "node": row.node, "state": look.state, "at": look.at,
            "since": look.since, "said": look.said, "ms": look.ms, "every_s": row.every_s}  # fmt: skip


@router.get("/probes/{code}", response=ProbeOut)
@permission("watch.probe:view")
def probe(request: HttpRequest, code: str) -> dict[str, Any]:
    """一个拨测。"""
    return _probe(probe_or_404(_actor(request), code), timezone.now())


@router.get("/probes/{code}/series", response=list[SeriesOut])
@permission("watch.probe:view")
def measured(
    request: HttpRequest, code: str, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    """一个拨测测得的数字，默认最近一天；三天以内给原始值，更长给按小时、按天的汇总。"""
    row = probe_or_404(_actor(request), code)
    end = _aware(until) or timezone.now()
    start = _aware(since) or end - dt.timedelta(days=1)
    if not dt.timedelta(0) < end - start <= LONGEST:
        raise ServiceRefused("起止时间不对：止应晚于起，一次最多 400 天。")
    tracks = series.tracks(series.keys(probe=row.code), start, end).values()
    return [
        {"key": t.key, "node": t.node, "signal": t.signal, "unit": t.unit, "times": t.times.tolist(),
         "values": _plain(t.values), "lo": _plain(t.lo), "hi": _plain(t.hi)}
        for t in tracks
    ]  # fmt: skip


def _plain(values: Any) -> list[float | None]:
    return [v if v == v else None for v in values.tolist()]  # noqa: PLR0124 - NaN


def _aware(at: dt.datetime | None) -> dt.datetime | None:
    return timezone.make_aware(at) if at is not None and timezone.is_naive(at) else at


@router.get("/troubles", response=list[TroubleOut])
@permission("watch.trouble:view")
def found(request: HttpRequest, open_only: bool = True) -> list[dict[str, Any]]:
    """发现的故障，新的在前，最多 500 处；默认只给没有恢复的。"""
    rows = Trouble.objects.restrict(_actor(request), "watch.trouble:view").select_related("case")
    if open_only:
        rows = rows.filter(state__in=["firing", "ending"])
    return [
        {"id": t.pk, "kind": t.kind, "node": t.node, "label": t.label, "state": t.state, "severity": t.severity, "fact": t.fact,
         "began_at": t.began_at, "cleared_at": t.cleared_at, "cause": t.cause_id, "case": t.case.number if t.case else None}
        for t in rows.order_by("-since", "-pk")[:500]
    ]  # fmt: skip


@router.get("/windows", response=list[WindowOut])
@permission("watch.window:view")
def windows(request: HttpRequest) -> Any:
    """维护窗口，新的在前，最多 200 个。"""
    return MaintenanceWindow.objects.order_by("-since")[:200]


@router.post("/windows", response={201: WindowOut})
@permission("watch.window:change")
def announce(request: HttpRequest, body: WindowIn) -> Any:
    """登记维护窗口。"""
    since, until = _aware(body.since), _aware(body.until)
    assert since is not None
    assert until is not None
    return 201, window_services.announce(
        _actor(request), title=body.title, since=since, until=until, nodes=body.nodes, note=body.note
    )
