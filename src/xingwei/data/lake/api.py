"""The lake over HTTP: datasets, their files, mappings, runs, quality, and the way back to the rows."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.api import permission

from .engine.datasets import Dataset, datasets
from .models import Extract, Mapping, QualityIssue
from .queries import board, trace
from .queries import parts as parts_of
from .services import mappings as mapping_services
from .services import quality as quality_services

router = Router(tags=["数据湖"])


class FieldOut(Schema):
    name: str
    title: str
    type: str
    unit: str
    required: bool
    personal: bool
    refers: str
    standard: str
    codes: dict[str, str]


class DatasetOut(Schema):
    code: str
    title: str
    what: str
    key: list[str]
    day: str
    rows: int
    bytes: int
    first: dt.date | None
    last: dt.date | None
    checked_at: dt.datetime | None
    state: str
    issues: int


class DatasetDetail(DatasetOut):
    fields: list[FieldOut]


class PartOut(Schema):
    day: dt.date | None
    rows: int
    digest: str
    mapping: str


class MappingOut(Schema):
    code: str
    dataset: str
    title: str
    connection: str
    version: int
    enabled: bool
    every_minutes: int
    mark: dt.datetime | None
    checked_at: dt.datetime | None
    problem: str


class RunIn(Schema):
    again: bool = False


class ExtractOut(Schema):
    id: int
    mapping: str
    state: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    rows: int
    written: int
    unchanged: int
    bytes: int
    source_s: float
    processor_s: float
    problem: str


class IssueOut(Schema):
    id: int
    dataset: str
    rule: str
    title: str
    kind: str
    state: str
    first_day: dt.date
    last_day: dt.date
    bad: int
    share: float
    alarming: bool
    case_number: str


class NoteIn(Schema):
    note: str = Field(min_length=2, max_length=200)


class TraceIn(Schema):
    """sql: the question that gave the number; group: the values of its line, by the names of its columns."""

    sql: str = Field(min_length=1, max_length=10_000)
    group: dict[str, Any] = {}
    limit: int = Field(200, ge=1, le=1000)


class RowsOut(Schema):
    columns: list[str]
    rows: list[dict[str, Any]]


class Done(Schema):
    message: str


def _actor(request: HttpRequest) -> Actor:
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def _dataset(code: str) -> Dataset:
    found = datasets().get(code)
    if found is None:
        raise HttpError(404, "没有这个数据集")
    return found


def _line(line: board.Line) -> dict[str, Any]:
    d = line.dataset
    return {
        "code": d.code, "title": d.title, "what": d.what, "key": list(d.key), "day": d.day, "rows": line.rows,
        "bytes": line.bytes, "first": line.first, "last": line.last, "checked_at": line.checked_at,
        "state": line.state[1], "issues": line.issues,
    }  # fmt: skip


@router.get("/datasets", response=list[DatasetOut])
@permission("lake.dataset:view")
def all_datasets(request: HttpRequest) -> list[dict[str, Any]]:
    """All canonical datasets, how full and how fresh they are."""
    return [_line(x) for x in board.lines()]


@router.get("/datasets/{code}", response=DatasetDetail)
@permission("lake.dataset:view")
def dataset(request: HttpRequest, code: str) -> dict[str, Any]:
    """One dataset with its fields and code lists."""
    d = _dataset(code)
    fields = [
        {
            "name": f.name, "title": f.title, "type": f.type, "unit": f.unit, "required": f.required,
            "personal": f.personal, "refers": f.refers, "standard": f.standard,
            "codes": dict(f.code_list.values) if f.code_list else {},
        }
        for f in d.fields
    ]  # fmt: skip
    return _line(next(x for x in board.lines() if x.dataset.code == code)) | {"fields": fields}


@router.get("/datasets/{code}/parts", response=list[PartOut])
@permission("lake.dataset:view")
def parts(request: HttpRequest, code: str, since: dt.date, until: dt.date) -> list[dict[str, Any]]:
    """The committed files of some days, with the digests of their bytes; not their contents."""
    _dataset(code)
    if (until - since).days > 3660:
        raise HttpError(422, "一次最多十年")
    found = parts_of(code, since, until)
    return [{"day": p.day, "rows": p.rows, "digest": p.digest, "mapping": p.mapping} for p in found[:20_000]]


@router.post("/trace", response=RowsOut)
@permission("lake.row:view")
def back_to_rows(request: HttpRequest, body: TraceIn) -> dict[str, Any]:
    """From a number back to the rows that it is made of, with mapping and source key; persons are masked."""
    try:
        columns, rows = trace.behind(body.sql, body.group, limit=body.limit)
    except trace.Misunderstood as problem:
        raise HttpError(422, str(problem)) from None
    with transaction.atomic():
        record(_actor(request), "lake.row.view", None, f"追溯到行：{len(rows)} 行", after={"sql": body.sql[:500]})
    return {"columns": columns, "rows": rows}


def _mapping(row: Mapping) -> dict[str, Any]:
    names = ("code", "dataset", "title", "version", "enabled", "every_minutes", "mark", "checked_at", "problem")
    return {n: getattr(row, n) for n in names} | {"connection": row.connection.code}


def _one_mapping(request: HttpRequest, code: str, name: str) -> Mapping:
    rows = Mapping.objects.restrict(_actor(request), name).select_related("connection")
    found: Mapping = get_object_or_404(rows, code=code)
    return found


@router.get("/mappings", response=list[MappingOut])
@permission("lake.mapping:view")
def all_mappings(request: HttpRequest) -> list[dict[str, Any]]:
    rows = Mapping.objects.restrict(_actor(request), "lake.mapping:view").select_related("connection")
    return [_mapping(r) for r in rows[:1000]]


@router.get("/mappings/{code}/document", response=dict[str, Any])
@permission("lake.mapping:view")
def document(request: HttpRequest, code: str) -> dict[str, Any]:
    """The mapping as it stands in its file."""
    return cast(dict[str, Any], _one_mapping(request, code, "lake.mapping:view").document)


@router.post("/mappings/{code}/run", response=Done)
@permission("lake.mapping:run")
def run(request: HttpRequest, code: str, body: RunIn) -> dict[str, str]:
    """Queue an extract; again: all of its past, too."""
    row = _one_mapping(request, code, "lake.mapping:run")
    mapping_services.ask_now(_actor(request), row, again=body.again)
    return {"message": f"已排队：“{row.title}”"}


@router.get("/extracts", response=list[ExtractOut])
@permission("lake.mapping:view")
def extracts(request: HttpRequest, mapping: str = "", before: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """Runs, newest first; before: the id of the last one seen."""
    rows = Extract.objects.restrict(_actor(request), "lake.mapping:view").select_related("mapping").order_by("-pk")
    rows = rows.filter(mapping__code=mapping) if mapping else rows
    rows = rows.filter(pk__lt=before) if before > 0 else rows
    names = (
        "id",
        "state",
        "started_at",
        "ended_at",
        "rows",
        "written",
        "unchanged",
        "bytes",
        "source_s",
        "processor_s",
    )
    return [
        {n: getattr(r, n) for n in (*names, "problem")} | {"mapping": r.mapping.code}
        for r in rows[: max(1, min(limit, 500))]
    ]


@router.get("/quality", response=list[IssueOut])
@permission("lake.quality:view")
def issues(request: HttpRequest, dataset: str = "") -> list[QualityIssue]:
    """What is wrong with the data now."""
    rows = QualityIssue.objects.restrict(_actor(request), "lake.quality:view").exclude(state="resolved")
    return list((rows.filter(dataset=dataset) if dataset else rows)[:500])


def _issue(request: HttpRequest, pk: int) -> QualityIssue:
    found: QualityIssue = get_object_or_404(
        QualityIssue.objects.restrict(_actor(request), "lake.quality:follow"), pk=pk
    )
    return found


@router.post("/quality/{int:pk}/case", response=Done)
@permission("lake.quality:follow")
def open_case(request: HttpRequest, pk: int) -> dict[str, str]:
    return {"message": f"已开问题单 {quality_services.open_case(_actor(request), _issue(request, pk)).number}"}


@router.post("/quality/{int:pk}/accept", response=Done)
@permission("lake.quality:follow")
def accept(request: HttpRequest, pk: int, body: NoteIn) -> dict[str, str]:
    """Known and lived with; says why."""
    quality_services.accept(_actor(request), _issue(request, pk), body.note)
    return {"message": "已标记为接受"}
