"""Performance over HTTP: the costliest statements, and asking for advice."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from xingwei.base.ui.api import permission

from . import queries, services
from .models import Advice, Statement

router = Router(tags=["性能"])


class LineOut(Schema):
    """trend: unknown, steady, slower, jumped or faster; factor: last days over first days."""

    statement: int
    text: str
    calls: int
    mean_ms: float
    share: float
    trend: str
    factor: float


class AdviceOut(Schema):
    id: int
    state: str
    cause: str
    words: str
    change: str
    problem: str


@router.get("/databases/{code}/statements", response=list[LineOut], summary="一个业务库最费时的语句")
@permission("performance.statement:view")
def statements(
    request: HttpRequest, code: str, hours: Annotated[int, Query(ge=1, le=9_600, description="最近几小时")] = 24
) -> list[dict[str, Any]]:
    found = next((c for c, _ in queries.databases(request.actor) if c.code == code), None)  # type: ignore[attr-defined]
    if found is None:
        raise HttpError(404, "没有这个业务库，或还没有读到它的语句统计")
    return [
        {
            "statement": line.statement.pk, "text": line.statement.text, "calls": line.calls, "mean_ms": line.mean_ms,
            "share": line.share, "trend": line.trend.kind.value, "factor": line.trend.factor,
        }
        for line in queries.lines(found, hours=hours)
    ]  # fmt: skip


def _statement(request: HttpRequest, id: int) -> Statement:
    rows = Statement.objects.restrict(request.actor, "performance.statement:view")  # type: ignore[attr-defined]
    found: Statement = get_object_or_404(rows.select_related("connection"), pk=id)
    return found


@router.get("/statements/{id}/advice", response=list[AdviceOut], summary="一条语句的建议")
@permission("performance.statement:view")
def advice(request: HttpRequest, id: int) -> list[Advice]:
    return list(_statement(request, id).advice.all()[:20])


@router.post("/statements/{id}/advice", response=AdviceOut, summary="在副本上分析一条语句，后台执行")
@permission("performance.advice:ask")
def ask(request: HttpRequest, id: int) -> Advice:
    return services.ask(request.actor, _statement(request, id))  # type: ignore[attr-defined]
