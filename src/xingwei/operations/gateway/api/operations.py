"""Breakers, plans, numbers, alerts and the catalogue over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Field, Schema

from xingwei.base.ui.api import permission

from ..alert_board import active
from ..models import Breaker, Channel, PlanVersion
from ..queries import breakers as breaker_queries
from ..queries import volumes as volume_queries
from ..services import breakers
from .common import Done, ReasonIn, actor_of
from .router import router


class BreakerOut(Schema):
    channel: str
    name: str
    state: str
    since: dt.datetime | None
    until: dt.datetime | None
    reason: str
    by: str
    plan: str
    sentence: str


class CutIn(ReasonIn):
    minutes: int | None = Field(None, ge=1, le=10_080, description="切断多少分钟；不写就是直到人工恢复")
    confirmed: str = Field(..., max_length=120, description="原样写“切断 接口名称”")


class LiftIn(ReasonIn):
    fully: bool = Field(False, description="真：立即放开全部；假：先试探")
    confirmed: str = Field(..., max_length=120, description="原样写“恢复 接口名称”")


class SlotOut(Schema):
    at: dt.datetime
    received: int
    sent: int
    failed: int
    bytes: int


class AlertOut(Schema):
    kind: str
    channel: str
    fact: str
    opened_at: dt.datetime | None
    case: str


def _shown(channel: Channel, versions: dict[int, PlanVersion]) -> dict[str, Any]:
    row: Breaker | None = getattr(channel, "breaker_now", None)
    version = versions.get(channel.pk)
    return {
        "channel": channel.code, "name": channel.name, "state": breaker_queries.state_of(channel),
        "since": row.since if row else None, "until": row.until if row else None, "reason": row.reason if row else "",
        "by": row.by if row else "", "plan": str(version) if version else "",
        "sentence": version.document["sentence"] if version else "",
    }  # fmt: skip


def _channels(request: HttpRequest, wanted: str) -> Any:
    rows = Channel.objects.restrict(actor_of(request), wanted).filter(direction=Channel.Direction.OUT)
    return rows.select_related("system", "breaker_now")


@router.get("/breakers", response=list[BreakerOut], summary="所有送出接口的熔断状态与方案")
@permission("gateway.breaker:view")
def breakers_now(request: HttpRequest) -> Any:
    versions = PlanVersion.objects.filter(state=PlanVersion.State.APPROVED).select_related("plan")
    by = {v.plan.channel_id: v for v in versions}
    return [_shown(c, by) for c in breaker_queries.breakers(_channels(request, "gateway.breaker:view"))]


@router.post("/breakers/{code}/cut", response=Done, summary="人工切断")
@permission("gateway.breaker:cut")
def cut(request: HttpRequest, code: str, body: CutIn) -> Any:
    channel = get_object_or_404(_channels(request, "gateway.breaker:cut"), code=code)
    until = timezone.now() + dt.timedelta(minutes=body.minutes) if body.minutes else None
    breakers.cut(actor_of(request), channel, until=until, reason=body.reason, confirmed=body.confirmed)
    return {"detail": f"已切断“{channel}”"}


@router.post("/breakers/{code}/lift", response=Done, summary="恢复：先试探，或全部放开")
@permission("gateway.breaker:cut")
def lift(request: HttpRequest, code: str, body: LiftIn) -> Any:
    channel = get_object_or_404(_channels(request, "gateway.breaker:cut"), code=code)
    breakers.lift(actor_of(request), channel, reason=body.reason, confirmed=body.confirmed, fully=body.fully)
    return {"detail": f"“{channel}”{'已全部放开' if body.fully else '开始试探恢复'}"}


@router.get("/volumes", response=list[SlotOut], summary="流量：按分钟（2 时）、小时（3 天）或日（60 天）")
@permission("gateway.capacity:view")
def volumes(request: HttpRequest, grain: Literal["m", "h", "d"] = "m", channel: str = "") -> Any:
    rows = Channel.objects.restrict(actor_of(request), "gateway.channel:view")
    ids = rows.filter(code=channel) if channel else rows
    found = volume_queries.series(ids.values_list("pk", flat=True), grain)
    pairs = zip(found.times, found.cells, strict=True)
    return [{"at": t, "received": c.received, "sent": c.sent, "failed": c.failed, "bytes": c.bytes} for t, c in pairs]


@router.get("/alerts", response=list[AlertOut], summary="现在的接口告警")
@permission("gateway.alert:view")
def alerts(request: HttpRequest) -> Any:
    return [
        {"kind": a.kind, "channel": a.channel.code if a.channel else "", "fact": a.fact, "opened_at": a.opened_at,
         "case": a.case.number if a.case else ""}
        for a in active()
    ]  # fmt: skip
