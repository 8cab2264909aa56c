"""Inspections over HTTP: what is due, what was found."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema

from xingwei.base.ui.api import permission

from . import queries, services
from .models import Inspection, Item

router = Router(tags=["巡检"])
MOST = 200


class InspectionOut(Schema):
    id: int
    label: str
    plan: str
    due_on: dt.date
    state: str
    late: bool
    hazards: int
    open_items: int


class ItemOut(Schema):
    id: int
    group: str
    system: str
    title: str
    how: str
    result: str
    value: str
    note: str
    case: str


class AnswerIn(Schema):
    result: str
    value: str = ""
    note: str = ""


def _out(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk, "label": row.label, "plan": row.plan.code, "due_on": row.due_on, "state": row.state,
        "late": queries.is_late(row), "hazards": row.hazards, "open_items": row.open_items,
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.pk, "group": item.group, "system": item.system.code if item.system else "", "title": item.title,
        "how": item.how, "result": item.result, "value": item.value, "note": item.note,
        "case": item.case.number if item.case else "",
    }  # fmt: skip


@router.get("/inspections", response=list[InspectionOut], summary="巡检，最近的在前")
@permission("inspection.inspection:view")
def inspections(
    request: HttpRequest,
    state: Annotated[str, Query(description="planned、open、done、cancelled；空为全部")] = "",
) -> list[dict[str, Any]]:
    rows = queries.with_counts().order_by("-due_on", "-pk")
    return [_out(row) for row in (rows.filter(state=state) if state else rows)[:MOST]]


@router.get("/inspections/{id}/items", response=list[ItemOut], summary="一次巡检逐项的结果")
@permission("inspection.inspection:view")
def items(request: HttpRequest, id: int) -> list[dict[str, Any]]:
    found = get_object_or_404(Inspection, pk=id)
    return [_item(item) for item in found.items.select_related("system", "case")]


@router.post("/inspections/{id}/items/{item}", response=ItemOut, summary="填写一项的结果")
@permission("inspection.inspection:carry_out")
def answer(request: HttpRequest, id: int, item: int, body: AnswerIn) -> dict[str, Any]:
    found = get_object_or_404(Item.objects.select_related("inspection", "system", "case"), pk=item, inspection_id=id)
    return _item(services.answer(request.actor, found, **body.dict()))  # type: ignore[attr-defined]
