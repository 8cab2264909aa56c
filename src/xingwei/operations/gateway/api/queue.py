"""The queue: what is not delivered, and what people do about it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Schema

from xingwei.base.ui import keyset
from xingwei.base.ui.api import permission

from ..models import Channel, Queued
from ..models.numbers import number_of
from ..services import queue as services
from .common import Done, ReasonIn, actor_of
from .router import router

PAGE = 200


class QueuedOut(Schema):
    id: int
    message: str
    channel: str
    state: str
    attempts: int
    queued_at: dt.datetime
    next_at: dt.datetime | None
    code: str
    reason: str
    size: int


class QueuePage(Schema):
    items: list[QueuedOut]
    next: str | None


class ActIn(ReasonIn):
    ids: list[int] = Field(..., min_length=1, max_length=services.MOST)


class DecideIn(ReasonIn):
    arrived: bool


class EditIn(ReasonIn):
    text: str = Field(..., min_length=1, max_length=services.LARGEST_EDIT)


@router.get("/queue", response=QueuePage, summary="没有送完的投递，最早的在前")
@permission("gateway.message:view")
def queue(
    request: HttpRequest,
    channel: str = "",
    state: Literal["", "waiting", "sending", "uncertain", "held", "dead"] = "",
    after: str = "",
) -> Any:
    allowed = {c.pk: c.code for c in Channel.objects.restrict(actor_of(request), "gateway.message:view")}
    rows = Queued.objects.filter(channel_id__in=[pk for pk, code in allowed.items() if channel in ("", code)])
    if state:
        rows = rows.filter(state=state)
    page = keyset.page(rows.defer("payload"), ("id",), after=after[:300], size=PAGE)
    items = [
        {
            "id": r.pk, "message": number_of(r.message_at, r.message_id), "channel": allowed[r.channel_id],
            "state": r.state, "attempts": r.attempts, "queued_at": r.queued_at, "next_at": r.next_at, "code": r.code,
            "reason": r.reason, "size": r.size,
        }
        for r in page.rows
    ]  # fmt: skip
    return {"items": items, "next": page.next}


def _act(request: HttpRequest, data: ActIn, what: str) -> dict[str, str]:
    n = services.act(actor_of(request), data.ids, what, data.reason)
    return {"detail": f"已{services.ACTS[what][0]} {n} 条"}


@router.post("/queue/hold", response=Done, summary="暂缓投递")
@permission("gateway.message:settle")
def hold(request: HttpRequest, data: ActIn) -> Any:
    return _act(request, data, "hold")


@router.post("/queue/release", response=Done, summary="继续暂缓的投递")
@permission("gateway.message:settle")
def release(request: HttpRequest, data: ActIn) -> Any:
    return _act(request, data, "release")


@router.post("/queue/cancel", response=Done, summary="取消投递")
@permission("gateway.message:settle")
def cancel(request: HttpRequest, data: ActIn) -> Any:
    return _act(request, data, "cancel")


@router.post("/queue/retry", response=Done, summary="重新投递死信")
@permission("gateway.message:replay")
def retry(request: HttpRequest, data: ActIn) -> Any:
    return _act(request, data, "retry")


@router.post("/queue/{int:pk}/decide", response=Done, summary="裁定结果不明的投递")
@permission("gateway.message:settle")
def decide(request: HttpRequest, pk: int, data: DecideIn) -> Any:
    services.decide(actor_of(request), pk, arrived=data.arrived, reason=data.reason)
    return {"detail": "已裁定送达" if data.arrived else "已裁定没有送达，重新投递"}


@router.post("/queue/{int:pk}/edit", response=Done, summary="编辑死信的内容并重新投递")
@permission("gateway.content:edit")
def edit(request: HttpRequest, pk: int, data: EditIn) -> Any:
    services.edit(actor_of(request), pk, data.text, data.reason)
    return {"detail": "已按改后的内容重新投递"}
