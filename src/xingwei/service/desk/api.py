"""The desk over HTTP: the same acts as on the pages, with a person's token."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from xingwei.base.accounts.models import Department, User
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System
from xingwei.base.ui import keyset
from xingwei.base.ui.api import permission

from .models import CallLog, Case
from .queries import ledger
from .queries.clocks import view_of
from .services import acts, intake, moves
from .services.base import Refused
from .workflow import facts_of, mover, state_of, workflow

router = Router(tags=["服务台"])
PAGE = 100


class ClockOut(Schema):
    key: str
    label: str
    state: str
    missed: bool
    started_at: dt.datetime
    due_at: dt.datetime | None
    stopped_at: dt.datetime | None


class CaseOut(Schema):
    number: str
    kind: str
    state: str
    state_label: str
    category: str
    severity: int
    title: str
    description: str
    system: str | None
    department: str | None
    reporter_name: str
    channel: str
    assignee: str | None
    party: str
    cause: str
    solution: str
    opened_at: dt.datetime
    responded_at: dt.datetime | None
    arrived_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    ever_late: bool
    version: int
    clocks: list[ClockOut]

    @staticmethod
    def resolve_state_label(row: Case) -> str:
        return state_of(row).label

    @staticmethod
    def resolve_system(row: Case) -> str | None:
        return row.system_code or None

    @staticmethod
    def resolve_department(row: Case) -> str | None:
        return row.department.name if row.department else None

    @staticmethod
    def resolve_assignee(row: Case) -> str | None:
        return row.assignee.username if row.assignee else None

    @staticmethod
    def resolve_clocks(row: Case) -> list[Any]:
        return list(view_of(row))


class CasePage(Schema):
    items: list[CaseOut]
    next: str | None


class CaseFilter(Schema):
    """view: open, due, mine, third, hospital, defects, unanswered or all. after: the `next` of the page before."""

    view: str = "open"
    q: str = Field("", max_length=100)
    kind: str = ""
    system: str = ""
    severity: int | None = None
    updated_since: dt.datetime | None = None
    after: str = Field("", max_length=300)


class CaseIn(Schema):
    """key: makes repeating the call harmless (the same key gives the same case)."""

    kind: str = "incident"
    description: str = Field(max_length=5000)
    title: str = Field("", max_length=120)
    severity: int = Field(0, ge=0, le=3)
    system: str = ""
    subsystem: str = ""
    function: str = ""
    interface: str = ""
    department: str = ""
    reporter: str = ""
    reporter_name: str = Field("", max_length=40)
    phone: str = Field("", max_length=40)
    tried: str = Field("", max_length=5000)
    it_first: bool = False
    opened_at: dt.datetime | None = None
    key: str = Field("", max_length=64)


class MoveIn(Schema):
    """move: a key of kinds.yaml. values: its fields. version: the one that was read; a newer one is refused."""

    move: str
    values: dict[str, Any] = {}
    version: int | None = None


class NoteIn(Schema):
    text: str = Field(max_length=5000)
    internal: bool = False


class CallIn(Schema):
    """From the telephone exchange. A missed call is counted (scorecard row 5)."""

    caller: str = Field(max_length=40)
    missed: bool
    at: dt.datetime | None = None
    ring_seconds: int | None = Field(None, ge=0, le=86_400)
    talk_seconds: int | None = Field(None, ge=0, le=86_400)


class MoveOut(Schema):
    key: str
    label: str
    needs: list[str]
    may: list[str]


@router.get("/cases", response=CasePage)
@permission("desk.case:view")
def cases(request: HttpRequest, chosen: Query[CaseFilter]) -> Any:
    """问题台账，一次最多 100 件。"""
    rows = ledger.visible(_actor(request)).select_related("system", "department", "assignee")
    view = next((v for v in ledger.VIEWS if v.key == chosen.view), None)
    if view is None:
        raise Refused(f"没有“{chosen.view}”这个视图，可用：{'、'.join(v.key for v in ledger.VIEWS)}。")
    rows = rows.filter(view.where(_actor(request), dt.datetime.now(dt.UTC)))
    exact = {"kind": chosen.kind, "system__code": chosen.system, "severity": chosen.severity}
    rows = rows.filter(**{k: v for k, v in exact.items() if v not in ("", None)})
    if chosen.updated_since:
        rows = rows.filter(updated_at__gte=chosen.updated_since)
    if chosen.q:
        scope = ledger.scope_facets(_actor(request))
        page = ledger.search_page(rows, chosen.q, facets=scope, after=chosen.after, size=PAGE)
    else:
        page = keyset.page(rows, ("-id",), after=chosen.after, size=PAGE)
    return {"items": page.rows, "next": page.next}


@router.post("/cases", response={201: CaseOut})
@permission("desk.case:create")
def open_case(request: HttpRequest, body: CaseIn) -> Any:
    """登记一件问题。"""
    new = intake.NewCase(
        kind=body.kind,
        description=body.description,
        title=body.title,
        channel=Case.Channel.API,
        severity=body.severity,
        system=_named(System, body.system, "系统"),
        subsystem=_named(Subsystem, body.subsystem, "子系统"),
        function=_named(BusinessFunction, body.function, "业务功能"),
        interface=_named(Interface, body.interface, "接口"),
        department=_named(Department, body.department, "科室"),
        reporter=_named(User, body.reporter, "工号", "username") or User.objects.filter(pk=_actor(request).id).first(),
        reporter_name=body.reporter_name,
        phone=body.phone,
        tried=body.tried,
        it_first=body.it_first,
        opened_at=body.opened_at,
        key=f"api:{_actor(request).id}:{body.key}"[:64] if body.key else "",
    )
    return 201, intake.open_case(_actor(request), new)


@router.get("/cases/{number}", response=CaseOut)
@permission("desk.case:view")
def case(request: HttpRequest, number: str) -> Any:
    """一件问题。"""
    return _case(request, number)


@router.get("/cases/{number}/moves", response=list[MoveOut])
@permission("desk.case:view")
def case_moves(request: HttpRequest, number: str) -> Any:
    """这件问题现在能走的步骤，以及要填什么。"""
    row = _case(request, number)
    offered = workflow().moves_for(facts_of(row), mover(_actor(request), row))
    return [
        {"key": m.key, "label": m.label, "needs": [f.key for f in m.needs], "may": [f.key for f in m.may]}
        for m in offered
    ]


@router.post("/cases/{number}/moves", response=CaseOut)
@permission("desk.case:move")
def make_move(request: HttpRequest, number: str, body: MoveIn) -> Any:
    """走一步。"""
    row = _case(request, number)
    values = {k: _value(row, body.move, k, v) for k, v in body.values.items()}
    return moves.move(_actor(request), row, body.move, values, version=body.version)


@router.post("/cases/{number}/notes", response={201: dict[str, int]})
@permission("desk.case:note")
def add_note(request: HttpRequest, number: str, body: NoteIn) -> Any:
    """补充情况。"""
    event = acts.note(_actor(request), _case(request, number), body.text, internal=body.internal)
    return 201, {"event": event.pk}


@router.post("/calls", response={201: dict[str, int]})
@permission("desk.call:create")
def log_call(request: HttpRequest, body: CallIn) -> Any:
    """电话交换机登记来电与未接来电。"""
    call: CallLog = intake.log_call(
        _actor(request), body.caller, missed=body.missed, at=body.at, ring_seconds=body.ring_seconds,
        talk_seconds=body.talk_seconds,
    )  # fmt: skip
    return 201, {"call": call.pk}


def _actor(request: HttpRequest) -> Any:
    return request.actor  # type: ignore[attr-defined]


def _case(request: HttpRequest, number: str) -> Case:
    rows = ledger.visible(_actor(request)).select_related("system", "department", "assignee")
    return get_object_or_404(rows, number=number)


def _named(model: Any, code: str, what: str, field: str = "code") -> Any:
    if not code:
        return None
    found = model.objects.filter(**{field: code}).first()
    if found is None:
        raise Refused(f"没有编号为“{code}”的{what}。")
    return found


def _value(row: Case, move_key: str, name: str, value: Any) -> Any:
    """Times and dates come as text; what the workflow calls a date becomes one."""
    move = workflow().kinds[row.kind].moves.get(move_key)
    field = next((f for f in move.fields if f.key == name), None) if move else None
    if field is None or not isinstance(value, str) or field.type not in {"datetime", "date"}:
        return value
    try:
        if field.type == "date":
            return dt.date.fromisoformat(value)
        at = dt.datetime.fromisoformat(value)
    except ValueError:
        raise Refused(f"{field.label}“{value[:30]}”不是时间，应写成 2026-03-18T10:30:00+08:00。") from None
    if at.tzinfo is None:
        raise Refused(f"{field.label}没有写时区，应写成 2026-03-18T10:30:00+08:00。")
    return at
