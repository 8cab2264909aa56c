"""The service catalogue over HTTP: what systems publish, who uses it, and the way from asking to approval."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Schema

from xingwei.base.estate.models import Interface, System
from xingwei.base.ui.api import permission

from ..models import Channel, Service, Subscription
from ..services import catalogue
from ..services.catalogue import CatalogueRefused
from .common import Done, ReasonIn, actor_of
from .router import router


class ServiceOut(Schema):
    code: str
    name: str
    kind: str
    system: str
    interface: str
    channel: str
    protocol: str
    description: str
    types: list[str]
    limits: str
    state: str
    version: int


class ServiceIn(Schema):
    """What is left out stays as it is, or empty for a new one. system, interface, channel: their codes."""

    name: str | None = Field(None, min_length=1, max_length=80)
    kind: str | None = Field(None, description="service 服务，event 事件")
    system: str | None = None
    interface: str | None = None
    channel: str | None = None
    types: list[str] | None = Field(None, max_length=40)
    protocol: str | None = Field(None, max_length=80)
    description: str | None = Field(None, max_length=2_000)
    sample: str | None = Field(None, max_length=8_000)
    limits: str | None = Field(None, max_length=200)


class NewServiceIn(ServiceIn):
    code: str = Field(..., min_length=1, max_length=40)


class SubscriptionOut(Schema):
    id: int
    service: str
    subscriber: str
    purpose: str
    volume: str
    channel: str
    state: str
    requested_at: dt.datetime
    decided_at: dt.datetime | None
    decision: str
    starts_on: dt.date | None
    ends_on: dt.date | None


class SubscribeIn(Schema):
    system: str = Field(..., description="订阅方系统的代码")
    purpose: str = Field(..., min_length=4, max_length=300)
    volume: str = Field("", max_length=80)
    channel: str = Field("", description="推送到哪个送出通道")


class DecideIn(Schema):
    agreed: bool
    note: str = Field("", max_length=300, description="不同意要写明原因")
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None


_STATE: Any = Query("published", description="published、draft、retired，或 all")  # type: ignore[type-arg]


def _service(row: Service) -> dict[str, Any]:
    return {
        "code": row.code, "name": row.name, "kind": row.kind, "system": row.system.code,
        "interface": row.interface.code if row.interface else "", "channel": row.channel.code if row.channel else "",
        "protocol": row.protocol, "description": row.description, "types": row.types, "limits": row.limits,
        "state": row.state, "version": row.version,
    }  # fmt: skip


def _subscription(row: Subscription) -> dict[str, Any]:
    return {
        "id": row.pk, "service": row.service.code, "subscriber": row.subscriber, "purpose": row.purpose,
        "volume": row.volume, "channel": row.channel.code if row.channel else "", "state": row.state,
        "requested_at": row.requested_at, "decided_at": row.decided_at, "decision": row.decision,
        "starts_on": row.starts_on, "ends_on": row.ends_on,
    }  # fmt: skip


def _rows(request: HttpRequest, action: str = "view") -> Any:
    rows = Service.objects.restrict(actor_of(request), f"gateway.service:{action}")
    return rows.select_related("system", "interface", "channel")


def _subscriptions(request: HttpRequest, action: str) -> Any:
    rows = Subscription.objects.filter(service__in=_rows(request, action))
    return rows.select_related("service__system", "channel")


def _named(body: ServiceIn) -> dict[str, Any]:
    """The fields that were given, codes as rows. Raises CatalogueRefused."""
    values = body.dict(exclude_unset=True)
    for name, model in (("system", System), ("interface", Interface), ("channel", Channel)):
        if name in values:
            values[name] = _by_code(model, values[name]) if values[name] else None
    if "types" in values:
        values["types"] = [t.strip()[:40] for t in values["types"] or [] if t.strip()]
    return {name: value for name, value in values.items() if value is not None or name in ("interface", "channel")}


def _by_code(model: Any, code: str) -> Any:
    found = model.objects.filter(code=code).first()
    if found is None:
        raise CatalogueRefused(f"没有代码为“{code[:40]}”的{model._meta.verbose_name}。")
    return found


@router.get("/services", response=list[ServiceOut], summary="服务目录")
@permission("gateway.service:view")
def services(request: HttpRequest, state: str = _STATE) -> Any:
    rows = _rows(request)
    return [_service(s) for s in (rows if state == "all" else rows.filter(state=state))[:1000]]


@router.post("/services", response=ServiceOut, summary="登记服务（草稿，发布后别人才看得到）")
@permission("gateway.service:publish")
def add_service(request: HttpRequest, body: NewServiceIn) -> Any:
    return _service(catalogue.save_service(actor_of(request), _named(body)))


@router.patch("/services/{code}", response=ServiceOut, summary="修改服务；使用方会收到通知")
@permission("gateway.service:publish")
def change_service(request: HttpRequest, code: str, body: ServiceIn) -> Any:
    row = get_object_or_404(_rows(request, "publish"), code=code)
    return _service(catalogue.save_service(actor_of(request), _named(body), row))


@router.post("/services/{code}/publish", response=ServiceOut, summary="发布服务")
@permission("gateway.service:publish")
def publish_service(request: HttpRequest, code: str) -> Any:
    return _service(catalogue.publish(actor_of(request), get_object_or_404(_rows(request, "publish"), code=code)))


@router.post("/services/{code}/retire", response=ServiceOut, summary="停用服务；生效的订阅随之终止")
@permission("gateway.service:publish")
def retire_service(request: HttpRequest, code: str, body: ReasonIn) -> Any:
    row = get_object_or_404(_rows(request, "publish"), code=code)
    return _service(catalogue.retire(actor_of(request), row, body.reason))


@router.get("/services/{code}/subscriptions", response=list[SubscriptionOut], summary="谁在用、谁在申请")
@permission("gateway.service:view")
def subscriptions(request: HttpRequest, code: str) -> Any:
    row = get_object_or_404(_rows(request), code=code)
    return [_subscription(s) for s in _subscriptions(request, "view").filter(service=row).order_by("-pk")[:1000]]


@router.post("/services/{code}/subscriptions", response=SubscriptionOut, summary="申请订阅（由另一人批准）")
@permission("gateway.service:subscribe")
def subscribe(request: HttpRequest, code: str, body: SubscribeIn) -> Any:
    row = get_object_or_404(_rows(request), code=code)
    made = catalogue.request(
        actor_of(request), row, subscriber=_by_code(System, body.system), purpose=body.purpose, volume=body.volume,
        channel=_by_code(Channel, body.channel) if body.channel else None,
    )  # fmt: skip
    return _subscription(made)


@router.post("/subscriptions/{pk}/decide", response=SubscriptionOut, summary="批准或不同意（不能批准自己的申请）")
@permission("gateway.service:approve")
def decide(request: HttpRequest, pk: int, body: DecideIn) -> Any:
    if not 0 < pk < 2**31:
        raise Http404
    row = get_object_or_404(_subscriptions(request, "approve"), pk=pk)
    made = catalogue.decide(
        actor_of(request), row, agreed=body.agreed, note=body.note, starts_on=body.starts_on, ends_on=body.ends_on
    )
    return _subscription(made)


@router.post("/subscriptions/{pk}/end", response=Done, summary="终止订阅")
@permission("gateway.service:approve")
def end(request: HttpRequest, pk: int, body: ReasonIn) -> Any:
    if not 0 < pk < 2**31:
        raise Http404
    row = get_object_or_404(_subscriptions(request, "approve"), pk=pk)
    catalogue.end(actor_of(request), row, body.reason)
    return {"detail": f"{row}已终止"}
