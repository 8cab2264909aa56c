"""The API of notification: one's own inbox, mail brought in, and what a relay fetches and reports."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status
from ninja.errors import HttpError

from xingwei.base.policy.engine import Actor
from xingwei.base.ui import keyset
from xingwei.base.ui.api import permission
from xingwei.base.ui.views import SIGNED_IN

from . import queries, services
from .engine.wire import Answer, as_json
from .inbound.store import max_bytes
from .models import Notification
from .services import inbound as inbound_services
from .services import relays

router = Router(tags=["通知"])
_BIG = 2**63 - 1


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


class NotificationOut(Schema):
    id: int
    kind: str
    title: str
    text: str
    url: str
    urgent: bool
    sender: str
    at: dt.datetime
    read_at: dt.datetime | None


class NotificationPage(Schema):
    """next: give it as `after` for the following page; null on the last one."""

    items: list[NotificationOut]
    next: str | None
    unread: int = Field(description="未读条数，最多数到 100")


class PageIn(Schema):
    unread: bool = False
    after: str = Field("", max_length=500, description="上一页给出的 next")
    limit: int = Field(50, ge=1, le=200)


@router.get("/notifications", response=NotificationPage, summary="我的通知")
@permission(SIGNED_IN)
def notifications(request: HttpRequest, q: Query[PageIn]) -> dict[str, Any]:
    rows = Notification.objects.filter(person_id=_actor(request).id)
    if q.unread:
        rows = rows.filter(read_at=None)
    page = keyset.page(rows, ("-at", "-id"), after=q.after, size=q.limit)
    return {"items": page.rows, "next": page.next, "unread": queries.unread(_actor(request))}


@router.post("/notifications/{int:pk}/read", response=NotificationOut, summary="标为已读")
@permission(SIGNED_IN)
def read(request: HttpRequest, pk: int) -> Notification:
    row = get_object_or_404(Notification, pk=pk, person_id=_actor(request).id)
    return services.mark_read(_actor(request), row)


class ReadAllIn(Schema):
    up_to: int | None = Field(None, ge=0, le=_BIG, description="只到这一条；不填为全部")


class CountOut(Schema):
    count: int


@router.post("/notifications/read", response=CountOut, summary="全部标为已读")
@permission(SIGNED_IN)
def read_all(request: HttpRequest, body: ReadAllIn) -> dict[str, int]:
    return {"count": services.mark_all_read(_actor(request), up_to=body.up_to)}


class PreferenceIn(Schema):
    kind: str = Field(max_length=80, description="通知种类，* 为所有")
    channel: Literal["wecom", "mail", "sms", "voice"]
    on: bool | None = Field(None, description="发、不发；null 为默认")


class PreferencesIn(Schema):
    choices: list[PreferenceIn] = Field(max_length=400)
    quiet_since: dt.time | None = None
    quiet_until: dt.time | None = None


@router.put("/preferences", response={204: None}, summary="设置我的通知偏好")
@permission(SIGNED_IN)
def set_preferences(request: HttpRequest, body: PreferencesIn) -> Status[None]:
    quiet = None
    if body.quiet_since is not None and body.quiet_until is not None:
        quiet = (body.quiet_since.replace(tzinfo=None), body.quiet_until.replace(tzinfo=None))
    services.set_preferences(_actor(request), {(c.kind, c.channel): c.on for c in body.choices}, quiet)
    return Status(204, None)


class MessageOut(Schema):
    """new: false where the same mail came in before."""

    id: int
    state: str
    reason: str
    new: bool


@router.post("/inbound/mail", response=MessageOut, summary="投入一封邮件（RFC 822 原文）")
@permission("notify.inbound:deliver")
def deliver_mail(request: HttpRequest) -> dict[str, Any]:
    """The body is the mail itself, message/rfc822; an MTA can pipe it here."""
    limit = max_bytes()
    raw = request.read(limit + 1)
    if len(raw) > limit:
        raise HttpError(413, f"邮件超过 {limit // 2**20} MB。")
    row, new = inbound_services.deliver_mail(_actor(request), raw)
    return {"id": row.pk, "state": row.state, "reason": row.reason, "new": new}


class JobOut(Schema):
    """calls: what to say, in order (see 中转)."""

    id: int
    claim: uuid.UUID
    calls: list[dict[str, Any]]


class RelayIn(Schema):
    """relay: the code under which it is set up."""

    relay: str = Field("", max_length=40)
    limit: int = Field(20, ge=1, le=50)


@router.get("/relay/deliveries", response=list[JobOut], summary="中转：取走要发的")
@permission("notify.relay:carry")
def fetch(request: HttpRequest, q: Query[RelayIn]) -> list[dict[str, Any]]:
    jobs = relays.fetch(_actor(request), q.relay, q.limit)
    return [{"id": j.id, "claim": j.claim, "calls": as_json(j.calls)} for j in jobs]


class AnswerIn(Schema):
    status: int = Field(ge=0, le=999)
    body: str = Field("", max_length=70_000)
    trouble: str = Field("", max_length=500)


class DoneIn(Schema):
    id: int = Field(ge=1, le=_BIG)
    claim: uuid.UUID
    answers: list[AnswerIn] = Field(max_length=5)


class ReportIn(Schema):
    done: list[DoneIn] = Field(max_length=100)


@router.post("/relay/deliveries", response=CountOut, summary="中转：报告发送结果")
@permission("notify.relay:carry")
def report(request: HttpRequest, q: Query[RelayIn], body: ReportIn) -> dict[str, int]:
    reports = [
        relays.Report(d.id, d.claim, relays.clipped([Answer(a.status, a.body, a.trouble) for a in d.answers]))
        for d in body.done
    ]
    return {"count": relays.report(_actor(request), q.relay, reports)}
