"""The critical-value loop for clinical systems: report a value, write back who received and handled it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Schema

from xingwei.base.ui.api import permission

from ..models import CriticalValue
from ..services import critical
from .common import actor_of
from .router import router


class ReportIn(Schema):
    patient: str = Field(..., min_length=1, max_length=60)
    patient_name: str = Field("", max_length=60)
    ward: str = Field("", max_length=60, description="科室编号或名称")
    bed: str = Field("", max_length=20)
    sample: str = Field("", max_length=60)
    code: str = Field(..., min_length=1, max_length=40)
    item: str = Field(..., min_length=1, max_length=80)
    value: str = Field(..., min_length=1, max_length=60)
    unit: str = Field("", max_length=30)
    range: str = Field("", max_length=60)
    flag: str = Field("", max_length=10)
    why: str = Field("", max_length=120)
    reported_at: dt.datetime


class ReceiveIn(Schema):
    nurse: str = Field(..., min_length=1, max_length=40)
    doctor: str = Field("", max_length=40, description="通知了哪位医生")
    at: dt.datetime | None = None


class HandleIn(Schema):
    doctor: str = Field(..., min_length=1, max_length=40)
    handling: str = Field(..., min_length=1, max_length=300)
    at: dt.datetime | None = None


class CriticalOut(Schema):
    id: int
    state: str
    item: str
    ward: str
    reported_at: dt.datetime
    received_at: dt.datetime | None
    handled_at: dt.datetime | None
    step: str
    due_at: dt.datetime | None
    late: bool


def _shown(row: CriticalValue) -> dict[str, Any]:
    found = critical.clock_of(row)
    return {
        "id": row.pk, "state": row.state, "item": row.item, "ward": row.department.name if row.department else row.ward,
        "reported_at": row.reported_at, "received_at": row.received_at, "handled_at": row.handled_at,
        "step": found.step, "due_at": found.due_at, "late": found.nurse_late or found.doctor_late,
    }  # fmt: skip


def _value(request: HttpRequest, pk: int) -> CriticalValue:
    rows = CriticalValue.objects.restrict(actor_of(request), "gateway.critical:view").select_related("department")
    found: CriticalValue = get_object_or_404(rows, pk=pk)
    return found


@router.get("/critical", response=list[CriticalOut], summary="没有闭环的危急值，最早的在前")
@permission("gateway.critical:view")
def open_values(request: HttpRequest) -> Any:
    rows = CriticalValue.objects.restrict(actor_of(request), "gateway.critical:view")
    rows = rows.filter(state__in=["reported", "received"]).select_related("department").order_by("reported_at")
    return [_shown(r) for r in rows[:500]]


@router.post("/critical", response=CriticalOut, summary="上报一项危急值；同一标本、项目、结果只有一项")
@permission("gateway.critical:report")
def report(request: HttpRequest, body: ReportIn) -> Any:
    return _shown(critical.report(actor_of(request), body.dict()))


@router.get("/critical/{int:pk}", response=CriticalOut, summary="一项危急值的闭环")
@permission("gateway.critical:view")
def one(request: HttpRequest, pk: int) -> Any:
    return _shown(_value(request, pk))


@router.post("/critical/{int:pk}/receive", response=CriticalOut, summary="回写：护士已接收")
@permission("gateway.critical:report")
def receive(request: HttpRequest, pk: int, body: ReceiveIn) -> Any:
    row = _value(request, pk)
    return _shown(critical.receive(actor_of(request), row, doctor=body.doctor, nurse=body.nurse, at=body.at))


@router.post("/critical/{int:pk}/handle", response=CriticalOut, summary="回写：医生已处理")
@permission("gateway.critical:report")
def handle(request: HttpRequest, pk: int, body: HandleIn) -> Any:
    row = _value(request, pk)
    return _shown(critical.handle(actor_of(request), row, handling=body.handling, doctor=body.doctor, at=body.at))
