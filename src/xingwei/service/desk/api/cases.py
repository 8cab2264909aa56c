"""Cases over HTTP: the ledger, opening one, its moves, and calls from the telephone exchange."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query

from xingwei.base.accounts.models import User
from xingwei.base.ui import keyset
from xingwei.base.ui.api import permission

from ..models import CallLog, Case
from ..queries import ledger
from ..services import acts, intake, moves
from ..services.base import Refused
from ..workflow import facts_of, mover, workflow
from .common import actor_of, case_of, named, value_of
from .router import router
from .schemas import CallIn, CaseFilter, CaseIn, CaseOut, CasePage, MoveIn, MoveOut, NoteIn

PAGE = 100


@router.get("/cases", response=CasePage, summary="问题台账")
@permission("desk.case:view")
def cases(request: HttpRequest, chosen: Query[CaseFilter]) -> Any:
    """问题台账，一次最多 100 件。"""
    rows = ledger.visible(actor_of(request)).select_related("timing", "system", "department", "assignee")
    view = next((v for v in ledger.VIEWS if v.key == chosen.view), None)
    if view is None:
        raise Refused(f"没有“{chosen.view}”这个视图，可用：{'、'.join(v.key for v in ledger.VIEWS)}。")
    rows = rows.filter(view.where(actor_of(request), dt.datetime.now(dt.UTC)))
    exact = {"kind": chosen.kind, "system__code": chosen.system, "severity": chosen.severity}
    rows = rows.filter(**{k: v for k, v in exact.items() if v not in ("", None)})
    if chosen.updated_since:
        rows = rows.filter(updated_at__gte=chosen.updated_since)
    if chosen.q:
        scope = ledger.scope_facets(actor_of(request))
        page: keyset.KeysetPage = ledger.search_page(rows, chosen.q, facets=scope, after=chosen.after, size=PAGE)
    else:
        page = keyset.page(rows, ("-id",), after=chosen.after, size=PAGE)
    return {"items": page.rows, "next": page.next}


@router.post("/cases", response={201: CaseOut}, summary="登记一件问题")
@permission("desk.case:create")
def opencase_of(request: HttpRequest, body: CaseIn) -> Any:
    """登记一件问题。"""
    new = intake.NewCase(
        kind=body.kind,
        description=body.description,
        title=body.title,
        channel=Case.Channel.API,
        severity=body.severity,
        system=named("system", body.system),
        subsystem=named("subsystem", body.subsystem),
        function=named("function", body.function),
        interface=named("interface", body.interface),
        department=named("department", body.department),
        reporter=named("reporter", body.reporter) or User.objects.filter(pk=actor_of(request).id).first(),
        reporter_name=body.reporter_name,
        phone=body.phone,
        tried=body.tried,
        it_first=body.it_first,
        opened_at=body.opened_at,
        key=f"api:{actor_of(request).id}:{body.key}"[:64] if body.key else "",
    )
    return 201, intake.open_case(actor_of(request), new)


@router.get("/cases/{number}", response=CaseOut, summary="一件问题")
@permission("desk.case:view")
def case(request: HttpRequest, number: str) -> Any:
    """一件问题。"""
    return case_of(request, number)


@router.get("/cases/{number}/moves", response=list[MoveOut], summary="现在能走的步骤")
@permission("desk.case:view")
def case_moves(request: HttpRequest, number: str) -> Any:
    """这件问题现在能走的步骤，以及要填什么。"""
    row = case_of(request, number)
    offered = workflow().moves_for(facts_of(row), mover(actor_of(request), row))
    return [
        {"key": m.key, "label": m.label, "needs": [f.key for f in m.needs], "may": [f.key for f in m.may]}
        for m in offered
    ]


@router.post("/cases/{number}/moves", response=CaseOut, summary="走一步")
@permission("desk.case:move")
def make_move(request: HttpRequest, number: str, body: MoveIn) -> Any:
    """走一步。"""
    row = case_of(request, number)
    values = {k: value_of(row, body.move, k, v) for k, v in body.values.items()}
    return moves.move(actor_of(request), row, body.move, values, version=body.version)


@router.post("/cases/{number}/notes", response={201: dict[str, int]}, summary="补充情况")
@permission("desk.case:note")
def add_note(request: HttpRequest, number: str, body: NoteIn) -> Any:
    """补充情况。"""
    event = acts.note(actor_of(request), case_of(request, number), body.text, internal=body.internal)
    return 201, {"event": event.pk}


@router.post("/calls", response={201: dict[str, int]}, summary="登记来电与未接来电")
@permission("desk.call:create")
def log_call(request: HttpRequest, body: CallIn) -> Any:
    """电话交换机登记来电与未接来电。"""
    call: CallLog = intake.log_call(
        actor_of(request), body.caller, missed=body.missed, at=body.at, ring_seconds=body.ring_seconds,
        talk_seconds=body.talk_seconds,
    )  # fmt: skip
    return 201, {"call": call.pk}
