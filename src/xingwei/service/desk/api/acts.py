"""What is done to a case besides its moves, as on its page."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form
from ninja.files import UploadedFile

from xingwei.base.ui import keyset
from xingwei.base.ui.api import permission

from ..models import Attachment, CaseLink
from ..queries.inside import attachments_for, events_for, sees_inside
from ..services import acts
from ..services.base import Refused
from ..services.files import path_of
from .common import actor_of, case_of, cases_of, codes, named
from .router import router
from .schemas import (
    CaseOut,
    EditIn,
    EventPage,
    FileOut,
    GradeIn,
    LinkIn,
    LinkOut,
    MergeIn,
    PersonIn,
    RateIn,
    SplitIn,
    TagsIn,
    ThirdIn,
)

PAGE = 100


@router.get("/cases/{number}/events", response=EventPage, summary="经过，新的在前")
@permission("desk.case:view")
def events(request: HttpRequest, number: str, after: str = "") -> Any:
    """一次最多 100 条；下一页用返回的 next。"""
    found = events_for(actor_of(request), case_of(request, number))
    page = keyset.page(found, ("-at", "-id"), after=after[:300], size=PAGE)
    return {"items": page.rows, "next": page.next}


@router.get("/cases/{number}/files", response=list[FileOut], summary="附件")
@permission("desk.case:view")
def files(request: HttpRequest, number: str) -> Any:
    return attachments_for(actor_of(request), case_of(request, number))


@router.post("/cases/{number}/files", response={201: list[FileOut]}, summary="补充情况并附文件")
@permission("desk.case:note")
def add_files(
    request: HttpRequest,
    number: str,
    uploads: File[list[UploadedFile]],
    text: Form[str] = "",
    internal: Form[bool] = False,
) -> Any:
    """类型按文件内容认定；超过大小或类型不允许的会被退回，并说明原因。"""
    event = acts.note(actor_of(request), case_of(request, number), text, internal=internal, attachments=uploads)
    return 201, event.attachments.all()


@router.get("/files/{int:pk}", response={200: None}, summary="下载附件")
@permission("desk.case:view")
def download(request: HttpRequest, pk: int) -> Any:
    found = get_object_or_404(Attachment.objects.select_related("case"), pk=pk)
    case_of(request, found.case.number)
    path = path_of(found)
    if (found.internal and not sees_inside(actor_of(request))) or not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=found.name, content_type=found.media_type)


@router.post("/cases/{number}/assignee", response=CaseOut, summary="指派")
@permission("desk.case:assign")
def assign(request: HttpRequest, number: str, body: PersonIn) -> Any:
    person = named("person", body.person)
    return acts.assign(actor_of(request), case_of(request, number), person, note=body.note, version=body.version)


@router.post("/cases/{number}/severity", response=CaseOut, summary="定级、改级")
@permission("desk.case:grade")
def grade(request: HttpRequest, number: str, body: GradeIn) -> Any:
    row = case_of(request, number)
    return acts.grade(actor_of(request), row, body.severity, reason=body.reason, version=body.version)


@router.patch("/cases/{number}", response=CaseOut, summary="修改登记的内容")
@permission("desk.case:edit")
def edit(request: HttpRequest, number: str, body: EditIn) -> Any:
    given = body.dict(exclude_unset=True, exclude={"version"})
    values = {k: named(k, v or "") if k in codes() else v for k, v in given.items()}
    if none := [k for k, v in values.items() if v is None and k not in codes()]:
        raise Refused(f"{none[0]} 不能是 null；不改的字段请不要写。")
    return acts.edit(actor_of(request), case_of(request, number), values, version=body.version)


@router.put("/cases/{number}/tags", response=CaseOut, summary="标签")
@permission("desk.case:edit")
def tags(request: HttpRequest, number: str, body: TagsIn) -> Any:
    return acts.tag(actor_of(request), case_of(request, number), body.tags)


@router.post("/cases/{number}/merge", response=CaseOut, summary="把重复的并进来")
@permission("desk.case:merge")
def merge(request: HttpRequest, number: str, body: MergeIn) -> Any:
    return acts.merge(actor_of(request), case_of(request, number), cases_of(request, body.others), body.reason)


@router.post("/cases/{number}/split", response={201: CaseOut}, summary="拆出一件")
@permission("desk.case:merge")
def split(request: HttpRequest, number: str, body: SplitIn) -> Any:
    return 201, acts.split(actor_of(request), case_of(request, number), body.title, body.description)


@router.get("/cases/{number}/links", response=list[LinkOut], summary="关联的问题单")
@permission("desk.case:view")
def links(request: HttpRequest, number: str) -> Any:
    row = case_of(request, number)
    out = row.links_out.select_related("target")
    return [{"id": k.pk, "other": k.target.number, "title": k.target.title, "kind": k.kind} for k in out]


@router.post("/cases/{number}/links", response={201: dict[str, int]}, summary="关联")
@permission("desk.case:edit")
def link(request: HttpRequest, number: str, body: LinkIn) -> Any:
    if body.kind not in CaseLink.Kind.values:
        raise Refused(f"没有“{body.kind[:20]}”这种关系，可用：{'、'.join(CaseLink.Kind.values)}。")
    (other,) = cases_of(request, [body.other])
    return 201, {"id": acts.link(actor_of(request), case_of(request, number), other, body.kind).pk}


@router.delete("/cases/{number}/links/{int:link_id}", response={204: None}, summary="取消关联")
@permission("desk.case:edit")
def unlink(request: HttpRequest, number: str, link_id: int) -> Any:
    acts.unlink(actor_of(request), case_of(request, number), link_id)
    return 204, None


@router.put("/cases/{number}/watch", response={204: None}, summary="关注")
@permission("desk.case:view")
def watch(request: HttpRequest, number: str) -> Any:
    acts.watch(actor_of(request), case_of(request, number))
    return 204, None


@router.delete("/cases/{number}/watch", response={204: None}, summary="取消关注")
@permission("desk.case:view")
def unwatch(request: HttpRequest, number: str) -> Any:
    acts.unwatch(actor_of(request), case_of(request, number))
    return 204, None


@router.post("/cases/{number}/rating", response=CaseOut, summary="评价")
@permission("desk.case:rate")
def rate(request: HttpRequest, number: str, body: RateIn) -> Any:
    return acts.rate(actor_of(request), case_of(request, number), body.score, body.note)


@router.post("/cases/{number}/third-party", response=CaseOut, summary="转给第三方")
@permission("desk.case:ask_third")
def ask_third_party(request: HttpRequest, number: str, body: ThirdIn) -> Any:
    person = named("person", body.person)
    if person is None:
        raise Refused("请写明转给谁（工号）。")
    return acts.ask_third_party(actor_of(request), case_of(request, number), person, body.text)
