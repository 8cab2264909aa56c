"""Channels: how they are, new ones, changes, their state."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Schema

from xingwei.base.estate.models import Interface, System
from xingwei.base.ui.api import permission

from .. import queries
from ..models import Channel
from ..queries.board import Row
from ..services import channels as services
from ..services.base import GatewayRefused
from ..views.common import channel_or_404
from .common import actor_of
from .router import router


class ChannelOut(Schema):
    """Figures are null where nobody reports them, never an old value."""

    code: str
    name: str
    direction: str
    kind: str
    system: str
    interface: str | None
    peer: str
    zone: str
    state: str
    health: str
    word: str
    why: str
    rate_per_minute: float | None
    latency_p95_ms: float | None
    waiting: int
    oldest_s: float | None
    breaker: str | None
    today: int
    version: int


class ChannelDetail(ChannelOut):
    """settings: without secrets."""

    settings: dict[str, Any]
    delivery: dict[str, Any]
    call: dict[str, Any]
    breaker_settings: dict[str, Any]
    capacity: int
    retention_days: int
    note: str


class ChannelIn(Schema):
    code: str = Field(..., pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
    name: str = Field(..., max_length=60)
    direction: Literal["in", "out"]
    kind: str
    system: str
    interface: str | None = None
    peer: str = Field(..., max_length=60)
    zone: Literal["device", "department", "core", "outside"] = "core"
    settings: dict[str, Any] = {}
    delivery: dict[str, Any] = {}
    call: dict[str, Any] = {}
    breaker: dict[str, Any] = {}
    capacity: int = Field(200_000, ge=1, le=10_000_000)
    retention_days: int = Field(184, ge=1, le=3_660)
    note: str = Field("", max_length=1000)


class ChannelPatch(Schema):
    """Only what is sent is changed. version: the one that was read; refused where somebody changed it since."""

    version: int
    values: dict[str, Any]


class StateIn(Schema):
    state: Literal["running", "paused", "draining", "stopped"]
    reason: str = Field("", max_length=200)


@router.get("/channels", response=list[ChannelOut], summary="全部通道与实况")
@permission("gateway.channel:view")
def channels(request: HttpRequest) -> list[dict[str, Any]]:
    return [_out(row) for row in queries.board(actor_of(request)).rows]


@router.get("/channels/{code}", response=ChannelDetail, summary="一条通道")
@permission("gateway.channel:view")
def channel(request: HttpRequest, code: str) -> dict[str, Any]:
    return _detail(request, channel_or_404(actor_of(request), code))


@router.post("/channels", response={201: ChannelDetail}, summary="新建通道，先不启动")
@permission("gateway.channel:change")
def add_channel(request: HttpRequest, data: ChannelIn) -> Any:
    values = data.dict()
    values |= _refer(values.pop("system"), values.pop("interface"))
    return 201, _detail(request, services.add_channel(actor_of(request), values))


@router.patch("/channels/{code}", response=ChannelDetail, summary="修改通道")
@permission("gateway.channel:change")
def change_channel(request: HttpRequest, code: str, data: ChannelPatch) -> dict[str, Any]:
    row = channel_or_404(actor_of(request), code, "gateway.channel:change")
    values = dict(data.values)
    allowed = {*services.FIELDS, "system", "interface"} - {"system_id", "interface_id", "kind", "direction"}
    if unknown := sorted(set(values) - allowed):
        raise GatewayRefused(f"没有或不能改的项：{'、'.join(unknown)}")
    if "system" in values or "interface" in values:
        interface = values.pop("interface", row.interface.code if row.interface else None)
        values |= _refer(values.pop("system", row.system.code), interface)
    return _detail(request, services.change_channel(actor_of(request), row, values, version=data.version))


@router.post("/channels/{code}/state", response=ChannelDetail, summary="恢复、暂停、排空、停用")
@permission("gateway.channel:operate")
def set_state(request: HttpRequest, code: str, data: StateIn) -> dict[str, Any]:
    row = channel_or_404(actor_of(request), code, "gateway.channel:operate")
    return _detail(request, services.set_state(actor_of(request), row, data.state, reason=data.reason))


def _refer(system: Any, interface: Any) -> dict[str, Any]:
    found = System.objects.filter(code=str(system)).first()
    if found is None:
        raise GatewayRefused(f"没有系统“{str(system)[:40]}”")
    part = Interface.objects.filter(code=str(interface)).first() if interface else None
    if interface and part is None:
        raise GatewayRefused(f"没有接口“{str(interface)[:40]}”")
    return {"system_id": found.pk, "interface_id": part.pk if part else None}


def _out(row: Row) -> dict[str, Any]:
    c = row.channel
    return {
        "code": c.code, "name": c.name, "direction": c.direction, "kind": c.kind, "system": c.system.code,
        "interface": c.interface.code if c.interface else None, "peer": c.peer, "zone": c.zone, "state": c.state,
        "health": row.health.kind, "word": row.health.word, "why": row.health.why, "rate_per_minute": row.rate,
        "latency_p95_ms": row.p95, "waiting": row.waiting, "oldest_s": row.oldest.total_seconds() if row.oldest else None,
        "breaker": row.breaker.state if row.breaker else None, "today": row.today, "version": c.version,
    }  # fmt: skip


def _detail(request: HttpRequest, channel: Channel) -> dict[str, Any]:
    row = queries.board(actor_of(request), codes=[channel.code]).rows[0]
    shown = services.without_secrets
    return _out(row) | {
        "settings": shown(channel.settings),
        "delivery": channel.delivery,
        "call": channel.call,
        "breaker_settings": channel.breaker,
        "capacity": channel.capacity,
        "retention_days": channel.retention_days,
        "note": channel.note,
    }
