"""Backups over HTTP: what can be restored, and asking for a proof."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema
from ninja.errors import HttpError

from xingwei.base.ui.api import permission

from . import hazards, queries, services
from .engine.standing import Level
from .models import Plan, Trial

router = Router(tags=["备份证明"])


class PlanOut(Schema):
    """state: proven, stale, unproven or none; only a proven one may be counted on."""

    code: str
    name: str
    form: str
    maker: str
    enabled: bool
    state: str
    why: str
    taken_at: dt.datetime | None
    verified_at: dt.datetime | None
    restored_at: dt.datetime | None
    copies: int


class ProveIn(Schema):
    level: str = Field(description="taken、verified 或 restored")


class TrialOut(Schema):
    id: int
    level: str
    began_at: dt.datetime
    ended_at: dt.datetime | None
    ok: bool | None
    progress: int
    problem: str
    lines: list[dict[str, Any]]


def _out(view: queries.PlanView) -> dict[str, Any]:
    plan, last = view.plan, view.standing.last
    return {
        "code": plan.code, "name": plan.name, "form": plan.form, "maker": plan.maker, "enabled": plan.enabled,
        "state": view.standing.state.value, "why": hazards.why(view), "taken_at": last.get(Level.TAKEN),
        "verified_at": last.get(Level.VERIFIED), "restored_at": last.get(Level.RESTORED), "copies": view.copies,
    }  # fmt: skip


def _plan(request: HttpRequest, code: str) -> Plan:
    found: Plan = get_object_or_404(Plan.objects.restrict(request.actor, "backups.plan:view"), code=code)  # type: ignore[attr-defined]
    return found


@router.get("/plans", response=list[PlanOut], summary="备份计划，各自能否恢复")
@permission("backups.plan:view")
def plans(request: HttpRequest) -> list[dict[str, Any]]:
    return [_out(view) for view in queries.of(request.actor)]  # type: ignore[attr-defined]


@router.get("/plans/{code}/trials", response=list[TrialOut], summary="一份计划最近的备份、校验与恢复演练")
@permission("backups.plan:view")
def trials(request: HttpRequest, code: str) -> list[Trial]:
    return list(_plan(request, code).trials.all()[:50])


@router.post("/plans/{code}/trials", response={202: TrialOut}, summary="要求备份、校验或恢复演练，后台执行")
@permission("backups.plan:prove")
def prove(request: HttpRequest, code: str, body: ProveIn) -> tuple[int, Trial]:
    if body.level not in Trial.Level.values:
        raise HttpError(422, "level 应是 taken、verified 或 restored")
    return 202, services.begin(request.actor, _plan(request, code), body.level)  # type: ignore[attr-defined]
