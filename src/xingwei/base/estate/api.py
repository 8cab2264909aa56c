"""The estate over HTTP: reading all of it, changing parts by code, setting parameters, impact and vocabulary."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status
from ninja.errors import HttpError

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.api import permission

from . import codes, queries, services
from .models import BusinessFunction, Component, Interface, Parameter, System
from .services.parts import PARTS

router = Router(tags=["系统与参数"])
LONGEST = 500  # rows in one answer
HIDDEN = "（仅维护人员可见）"


class OwnerOut(Schema):
    part: str
    person: str
    username: str
    organisation: str


class SystemOut(Schema):
    code: str
    name: str
    short_name: str
    tier: str
    description: str
    vendor: str | None
    clause: str
    aliases: list[str]

    @staticmethod
    def resolve_vendor(row: System) -> str | None:
        return row.vendor.code if row.vendor else None


class PartOut(Schema):
    """A component, interface or function. What a kind does not have is left out."""

    key: str
    code: str
    name: str
    system: str | None
    active: bool
    aliases: list[str]
    details: dict[str, Any]
    owners: list[OwnerOut]
    needs: list[str]
    needed_by: list[str]


class PartIn(Schema):
    """Fields by name; references by code. Only what is sent is changed."""

    values: dict[str, Any]


class ParameterOut(Schema):
    system: str
    subsystem: str | None
    code: str
    name: str
    meaning: str
    allowed: str
    default: str
    current: str
    effect: str
    advice: str
    since: str
    active: bool

    @staticmethod
    def resolve_system(row: Parameter) -> str:
        return row.system.code

    @staticmethod
    def resolve_subsystem(row: Parameter) -> str | None:
        return row.subsystem.code if row.subsystem else None


class ValueOut(Schema):
    value: str
    before: str
    reason: str
    changed_by: str
    changed_at: dt.datetime

    @staticmethod
    def resolve_changed_by(row: Any) -> str:
        return row.changed_by_name or str(row.changed_by)


class ValueIn(Schema):
    """seen: the value that the caller last saw; another one in force by now refuses the act."""

    value: str = Field(max_length=300)
    reason: str = Field(min_length=1, max_length=300)
    seen: str = ""


class ImpactOut(Schema):
    node: str
    label: str
    affected: list[str]
    functions: list[str]
    departments: list[str]
    window: bool
    needs: list[str]


class TermOut(Schema):
    word: str
    system: str
    subsystem: str
    function: str
    interface: str
    component: str
    window: bool


class ParameterQuery(Schema):
    system: str = ""
    q: str = Field("", max_length=60)


_MODELS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "components": (Component, ("system", "responsible")),
    "interfaces": (Interface, ("system", "peer_organisation")),
    "functions": (BusinessFunction, ("system", "subsystem")),
}


@router.get("/systems", response=list[SystemOut], summary="全部系统")
@permission("estate.system:view")
def systems(request: HttpRequest) -> Any:
    rows = System.objects.restrict(_actor(request), "estate.system:view")
    return rows.select_related("vendor").order_by("order", "code")


@router.get("/parts/{kind}", response=list[PartOut], summary="部件、接口或业务功能：components、interfaces、functions")
@permission("estate.system:view")
def parts(request: HttpRequest, kind: str, system: str = "") -> list[PartOut]:
    model, related = _model(kind)
    rows = model.objects.restrict(_actor(request), "estate.system:view").select_related(*related)
    if model is BusinessFunction:
        rows = rows.prefetch_related("departments")
    if system:
        rows = rows.filter(system__code=system)
    return _out(list(rows.order_by("code")[:LONGEST]), _actor(request))


@router.get("/parts/{kind}/{code}", response=PartOut, summary="一个部件、接口或业务功能")
@permission("estate.system:view")
def part(request: HttpRequest, kind: str, code: str) -> PartOut:
    model, related = _model(kind)
    rows = model.objects.restrict(_actor(request), "estate.system:view")
    row = get_object_or_404(rows.select_related(*related), code=code)
    return _out([row], _actor(request))[0]


@router.post("/parts/{kind}", response={201: PartOut}, summary="登记；values 里写 code 和各字段，引用写代码")
@permission("estate.system:change")
def add_part(request: HttpRequest, kind: str, payload: PartIn) -> Status[PartOut]:
    _model(kind)
    values = codes.rows_for(_known_values(kind, payload.values, new=True))
    row = services.add_part(_actor(request), kind[:-1], values)
    return Status(201, _out([row], _actor(request))[0])


@router.patch("/parts/{kind}/{code}", response=PartOut, summary="修改；只改 values 里写到的字段")
@permission("estate.system:change")
def change_part(request: HttpRequest, kind: str, code: str, payload: PartIn) -> PartOut:
    model, _ = _model(kind)
    row = get_object_or_404(model, code=code)
    values = codes.rows_for(_known_values(kind, payload.values, new=False))
    return _out([services.change_part(_actor(request), row, values)], _actor(request))[0]


@router.delete("/parts/{kind}/{code}", response={204: None}, summary="删除；有引用的不能删除，请改为停用")
@permission("estate.system:change")
def remove_part(request: HttpRequest, kind: str, code: str) -> Status[None]:
    model, _ = _model(kind)
    services.remove_part(_actor(request), get_object_or_404(model, code=code))
    return Status(204, None)


@router.get("/impact", response=ImpactOut, summary="一个节点出故障影响什么，例如 node=component:HIS-DB")
@permission("estate.system:view")
def impact(request: HttpRequest, node: str) -> ImpactOut:
    found = queries.impact(node)
    if found is None:
        raise Http404("没有这个节点")
    return ImpactOut(
        node=found.node.key,
        label=found.node.label,
        affected=[n.key for n in found.affected],
        functions=[f.name for f in found.functions],
        departments=[d.name for d in found.departments],
        window=found.window,
        needs=[n.key for n in found.needs],
    )


@router.get("/vocabulary", response=list[TermOut], summary="一段话里的词各指什么系统、功能、接口")
@permission("estate.system:view")
def vocabulary(request: HttpRequest, text: str) -> list[TermOut]:
    return [
        TermOut(
            word=hit.word,
            system=t.system,
            subsystem=t.subsystem,
            function=t.function,
            interface=t.interface,
            component=t.component,
            window=t.window,
        )
        for hit in queries.words().find(text[:2000])
        for t in hit.terms
    ]


@router.get("/parameters", response=list[ParameterOut], summary="参数字典，可按系统和词查找")
@permission("estate.parameter:view")
def parameters(request: HttpRequest, wanted: Query[ParameterQuery]) -> Any:
    rows = queries.parameters().restrict(_actor(request), "estate.parameter:view")
    if wanted.system:
        rows = rows.filter(system__code=wanted.system)
    if wanted.q:
        rows = rows.filter(queries.matching_parameters(wanted.q))
    return rows.order_by("system__order", "code")[:LONGEST]


@router.get("/parameters/{system}/{code}", response=ParameterOut, summary="一个参数")
@permission("estate.parameter:view")
def parameter(request: HttpRequest, system: str, code: str) -> Any:
    return _parameter(system, code)


@router.get("/parameters/{system}/{code}/history", response=list[ValueOut], summary="一个参数的历次设值，新的在前")
@permission("estate.parameter:view")
def history(request: HttpRequest, system: str, code: str) -> Any:
    return _parameter(system, code).history.select_related("changed_by")[:LONGEST]


@router.post("/parameters/{system}/{code}/values", response={201: ValueOut}, summary="登记现值，须写原因")
@permission("estate.parameter_value:set")
def set_value(request: HttpRequest, system: str, code: str, payload: ValueIn) -> Status[Any]:
    row = _parameter(system, code)
    entry = services.set_parameter_value(_actor(request), row, payload.value, payload.reason, seen=payload.seen)
    return Status(201, entry)


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined,no-any-return]


def _model(kind: str) -> tuple[Any, tuple[str, ...]]:
    if kind not in _MODELS:
        raise Http404("没有这一类，可写 components、interfaces、functions")
    return _MODELS[kind]


def _parameter(system: str, code: str) -> Any:
    found = queries.parameters().filter(system__code=system, code=code).first()
    if found is None:
        raise Http404("没有这个参数")
    return found


def _known_values(kind: str, values: dict[str, Any], *, new: bool) -> dict[str, Any]:
    """Only fields that may be set, each of its own type. Raises HttpError 422 naming the field."""
    from .services.parts import FIELDS

    allowed = {*FIELDS[kind[:-1]], *(["code"] if new else [])}
    if unknown := sorted(set(values) - allowed):
        raise HttpError(422, f"没有“{unknown[0][:40]}”这个字段，可写的是：{'、'.join(sorted(allowed))}")
    if new and not values.get("code"):
        raise HttpError(422, "请写 code")
    for name, value in values.items():
        wanted = _type_of(kind, name)
        if (
            "\x00" in str(value)
            or not isinstance(value, wanted)
            or (isinstance(value, list) and not all(isinstance(v, str) for v in value))
        ):
            said = {bool: "true 或 false", list: "文字的列表"}.get(wanted, "文字")
            raise HttpError(422, f"{name} 应是{said}")
    return values


def _type_of(kind: str, name: str) -> type:
    if name in {"aliases", "departments"}:
        return list
    field = PARTS[kind[:-1]]._meta.get_field(name)
    return bool if field.get_internal_type() == "BooleanField" else str


_DETAILS = {
    "component": ("kind", "location", "address", "version", "responsible", "note"),
    "interface": ("protocol", "direction", "peer", "peer_organisation", "policy", "clause", "fallback", "note"),
    "function": ("subsystem", "window", "description"),
}


def _out(rows: list[Any], actor: Actor) -> list[PartOut]:
    owners = queries.owners_of(r.key for r in rows)
    graph = queries.read_graph()
    shows_address = may(actor, "estate.address:view")
    out = []
    for row in rows:
        details = {name: _plain(getattr(row, name)) for name in _DETAILS[row.KIND]}
        if details.get("address") and not shows_address:
            details["address"] = HIDDEN
        if row.KIND == "function":
            details["departments"] = [d.name for d in row.departments.all()]
        out.append(
            PartOut(
                key=row.key,
                code=row.code,
                name=row.name,
                system=row.system.code if row.system else None,
                active=row.active,
                aliases=list(row.aliases),
                details=details,
                owners=[
                    OwnerOut(
                        part=o.part,
                        person=o.person.name,
                        username=o.person.username,
                        organisation=o.person.organisation.short_name,
                    )
                    for o in owners[row.key]
                ],
                needs=sorted(e.target for e in graph.edges if e.source == row.key),
                needed_by=sorted(e.source for e in graph.edges if e.target == row.key),
            )
        )
    return out


def _plain(value: Any) -> Any:
    return getattr(value, "code", value)
