"""Papers of a case (clauses 9.7, 1.9b) and saved views of the ledger."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from xingwei.base.ui.api import permission

from ..models import SavedView
from ..services import papers, views
from .common import actor_of, case_of
from .router import router
from .schemas import CoordinationIn, CoordinationOut, FeedbackIn, FeedbackOut, ViewIn, ViewOut


@router.get("/cases/{number}/feedback", response=list[FeedbackOut], summary="书面反馈")
@permission("desk.case:view")
def feedback(request: HttpRequest, number: str) -> Any:
    return case_of(request, number).feedback.all()


@router.post("/cases/{number}/feedback", response={201: FeedbackOut}, summary="出具书面反馈")
@permission("desk.feedback:issue")
def issue(request: HttpRequest, number: str, body: FeedbackIn) -> Any:
    return 201, papers.issue_feedback(actor_of(request), case_of(request, number), **body.dict())


@router.post("/cases/{number}/feedback/{int:pk}/receipt", response=FeedbackOut, summary="签收书面反馈")
@permission("desk.feedback:receive")
def receive(request: HttpRequest, number: str, pk: int) -> Any:
    return papers.receive_feedback(actor_of(request), get_object_or_404(case_of(request, number).feedback, pk=pk))


@router.get("/cases/{number}/coordinations", response=list[CoordinationOut], summary="三方协调记录")
@permission("desk.case:view")
def coordinations(request: HttpRequest, number: str) -> Any:
    return case_of(request, number).coordinations.all()


@router.post("/cases/{number}/coordinations", response={201: CoordinationOut}, summary="登记三方协调")
@permission("desk.case:coordinate")
def coordinate(request: HttpRequest, number: str, body: CoordinationIn) -> Any:
    return 201, papers.coordinate(actor_of(request), case_of(request, number), **body.dict())


@router.get("/views", response=list[ViewOut], summary="存下的视图：自己的和同事共用的")
@permission("desk.case:view")
def saved_views(request: HttpRequest) -> Any:
    return SavedView.objects.filter(Q(owner_id=actor_of(request).id) | Q(shared=True)).order_by("name", "id")[:200]


@router.post("/views", response={201: ViewOut}, summary="存一个视图")
@permission("desk.case:view")
def save_view(request: HttpRequest, body: ViewIn) -> Any:
    return 201, views.save_view(actor_of(request), body.name, body.query, shared=body.shared)


@router.delete("/views/{int:pk}", response={204: None}, summary="删除自己的视图")
@permission("desk.case:view")
def drop_view(request: HttpRequest, pk: int) -> Any:
    views.drop_view(actor_of(request), pk)
    return 204, None
