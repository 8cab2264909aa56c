"""The reconciliations for other systems: results, differences, and a run on demand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from xingwei.base.ui.api import permission

from .causes import due_words, why
from .models import Difference, Reconciliation, Run
from .services import runs
from .views.common import reconciliation_or_404, run_or_404

router = Router(tags=["对账"])


class ReconciliationOut(Schema):
    code: str
    name: str
    area: str
    active: bool


class RunOut(Schema):
    id: int
    reconciliation: str = Field(alias="reconciliation.code")
    why: str
    state: str
    since: dt.date
    until: dt.date
    verdict: str
    rows: int
    gap: Decimal
    residual: Decimal
    bridge: list[dict[str, Any]]
    inputs: dict[str, list[dict[str, Any]]]
    outcome_digest: str
    problem: str


class DifferenceOut(Schema):
    id: int
    key: str
    state: str
    day: dt.date
    kind: str
    cause: str
    title: str
    rule: str
    confidence: float
    left: Decimal | None
    right: Decimal | None
    gap: Decimal
    reference: str
    why: str
    due: str

    @staticmethod
    def resolve_why(row: Difference) -> str:
        return why(row)

    @staticmethod
    def resolve_due(row: Difference) -> str:
        return due_words(row)["text"]


class AskIn(Schema):
    since: dt.date
    until: dt.date


@router.get("/reconciliations", response=list[ReconciliationOut], summary="所有对账")
@permission("reconcile.reconciliation:view")
def reconciliations(request: HttpRequest) -> Any:
    return Reconciliation.objects.restrict(request.actor, "reconcile.reconciliation:view")  # type: ignore[attr-defined]


@router.get("/reconciliations/{code}/runs", response=list[RunOut], summary="一项对账最近的核对")
@permission("reconcile.reconciliation:view")
def runs_of(request: HttpRequest, code: str, before: int = 0) -> Any:
    """Newest first, 50 at a time; before: the id of the last one seen."""
    row = reconciliation_or_404(request.actor, code)  # type: ignore[attr-defined]
    found = row.runs.select_related("reconciliation").order_by("-id")
    return (found.filter(pk__lt=before) if before > 0 else found)[:50]


@router.post("/reconciliations/{code}/runs", response={202: RunOut}, summary="现在核对一段日期")
@permission("reconcile.reconciliation:run")
def ask(request: HttpRequest, code: str, given: AskIn) -> Any:
    row = reconciliation_or_404(request.actor, code, "reconcile.reconciliation:run")  # type: ignore[attr-defined]
    return 202, runs.ask(request.actor, row, given.since, given.until)  # type: ignore[attr-defined]


@router.get("/runs/{pk}", response=RunOut, summary="一次核对的结果")
@permission("reconcile.reconciliation:view")
def run(request: HttpRequest, pk: int) -> Any:
    return _run(request, pk)


@router.get("/runs/{pk}/differences", response=list[DifferenceOut], summary="一次核对的差异")
@permission("reconcile.difference:view")
def differences(request: HttpRequest, pk: int, after: int = 0) -> Any:
    """By id, 500 at a time; after: the id of the last one seen."""
    found = _run(request, pk)
    return Difference.objects.filter(sightings__run=found, pk__gt=after).order_by("pk")[:500]


def _run(request: HttpRequest, pk: int) -> Run:
    if pk > 2**62:
        raise Http404("没有这次核对")
    return run_or_404(request.actor, pk)  # type: ignore[attr-defined]
