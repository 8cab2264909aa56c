"""Guides and the forum over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.api import permission

from . import queries, services
from .models import Guide, Topic

router = Router(tags=["知识"])
MOST = 100


class GuideOut(Schema):
    slug: str
    title: str
    summary: str
    kind: str
    audience: str
    system: str | None
    helped: int
    updated_at: dt.datetime

    @staticmethod
    def resolve_system(obj: Any) -> str | None:
        return obj.system.code if obj.system else None


class GuideFullOut(GuideOut):
    """text: Markdown of the version in force."""

    version: int
    text: str

    @staticmethod
    def resolve_version(obj: Any) -> int:
        return int(obj.published.number)

    @staticmethod
    def resolve_text(obj: Any) -> str:
        return str(obj.published.text)


class HelpedIn(Schema):
    """subject: what it helped to solve, e.g. "desk.case" and its number; empty for a reader."""

    subject_type: str = Field("", max_length=40)
    subject_id: str = Field("", max_length=64)


class CountedOut(Schema):
    counted: bool


class TopicOut(Schema):
    id: int
    title: str
    posts_count: int
    last_post_at: dt.datetime


class PostOut(Schema):
    id: int
    author: str
    at: dt.datetime
    text: str

    @staticmethod
    def resolve_author(obj: Any) -> str:
        return str(obj.author)

    @staticmethod
    def resolve_text(obj: Any) -> str:
        return "" if obj.hidden_at else str(obj.text)


class TopicIn(Schema):
    title: str
    text: str
    system: str = ""


class PostIn(Schema):
    text: str


@router.get("/guides", response=list[GuideOut], summary="查找指南")
@permission("knowledge.guide:view")
def guides(request: HttpRequest, q: str = "", system: str = "", limit: int = 20) -> Any:
    actor = _actor(request)
    size = max(1, min(limit, MOST))
    if q.strip():
        found = queries.search(actor, q, MOST)
        return [g for g in found if not system or (g.system and g.system.code == system)][:size]
    rows = queries.readable(actor)
    return rows.filter(system__code=system)[:size] if system else rows[:size]


@router.get("/guides/{slug}", response=GuideFullOut, summary="一篇指南的现行版本")
@permission("knowledge.guide:view")
def guide(request: HttpRequest, slug: str) -> Any:
    return get_object_or_404(queries.readable(_actor(request)).select_related("published"), slug=slug)


@router.get("/suggest", response=list[GuideOut], summary="登记问题时可能有用的指南")
@permission("knowledge.guide:view")
def suggest(request: HttpRequest, text: str, system: str = "", limit: int = 3) -> list[Guide]:
    found = System.objects.filter(code=system).first() if system else None
    best = queries.suggest(text, found.pk if found else None, max(1, min(limit, 10)))
    may_read = set(queries.readable(_actor(request)).filter(pk__in=[g.pk for g in best]).values_list("pk", flat=True))
    return [g for g in best if g.pk in may_read]


@router.post("/guides/{slug}/helped", response=CountedOut, summary="这篇帮上了")
@permission("knowledge.guide:view")
def helped(request: HttpRequest, slug: str, data: HelpedIn) -> dict[str, bool]:
    row = get_object_or_404(queries.readable(_actor(request)), slug=slug)
    subject = (data.subject_type, data.subject_id) if data.subject_id else None
    return {"counted": services.mark_helped(_actor(request), row, subject)}


@router.get("/topics", response=list[TopicOut], summary="论坛的话题，最近的在前")
@permission("knowledge.forum:view")
def topics(request: HttpRequest, q: str = "", limit: int = 20) -> Any:
    rows = Topic.objects.restrict(_actor(request), "knowledge.forum:view").filter(posts_count__gt=0)
    return rows.filter(queries.topics_matching(q)).order_by("-last_post_at", "-id")[: max(1, min(limit, MOST))]


@router.get("/topics/{pk}", response=list[PostOut], summary="一个话题的发言")
@permission("knowledge.forum:view")
def topic(request: HttpRequest, pk: int) -> Any:
    row = get_object_or_404(Topic.objects.restrict(_actor(request), "knowledge.forum:view"), pk=pk)
    return queries.posts_of(row)


@router.post("/topics", response=TopicOut, summary="发起话题")
@permission("knowledge.forum:post")
def open_topic(request: HttpRequest, data: TopicIn) -> Topic:
    system = get_object_or_404(System, code=data.system) if data.system else None
    row = services.open_topic(_actor(request), title=data.title, text=data.text, system=system)
    row.refresh_from_db()
    return row


@router.post("/topics/{pk}", response=PostOut, summary="在话题里发言")
@permission("knowledge.forum:post")
def post(request: HttpRequest, pk: int, data: PostIn) -> Any:
    return services.post(_actor(request), get_object_or_404(Topic, pk=pk), data.text)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
