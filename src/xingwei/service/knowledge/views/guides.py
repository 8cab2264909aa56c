"""Guides: the list, one guide, counting that it helped, its pictures."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from xingwei.base.estate.models import BusinessFunction, Subsystem, System
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.files import picture_response
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, Guarded, ListPage, Page

from .. import forms, queries, services
from ..models import Guide, GuideFile

VIEWS = {
    "": "全部",
    "helpful": "最有用",
    "release": "功能变化",
    "stale": "待复核",
    "drafts": "草稿与待发布",
}


def system_choices(actor: Actor) -> list[tuple[str, str]]:
    return list(System.objects.order_by("order").values_list("code", "short_name"))


def subsystem_choices(actor: Actor) -> list[tuple[str, str]]:
    rows = Subsystem.objects.filter(guide__isnull=False).distinct().select_related("system")
    return [(s.code, f"{s.system.short_name} · {s.name}") for s in rows]


def function_choices(actor: Actor) -> list[tuple[str, str]]:
    rows = BusinessFunction.objects.filter(guide__isnull=False).distinct().select_related("system")
    return [(f.code, f"{f.system.short_name} · {f.name}") for f in rows]


class GuideTable(Table):
    caption = "操作指南"
    columns = (
        Column("title", "标题", kind="title", cell="knowledge/cells/title.html"),
        Column("where", "系统与功能", value="where", label_on_phone=False),
        Column("kind", "类别", value=lambda g: g.get_kind_display()),
        Column("helped", "帮上", kind="num", value="helped", label_on_phone=True),
        Column("state", "状态", value=lambda g: state_of(g)[1], cell="knowledge/cells/state.html"),
        Column("updated_at", "更新", kind="time"),
    )


def state_of(guide: Guide) -> tuple[str, str]:
    """(state, word) of a guide in a list."""
    if guide.archived_at:
        return "unknown", "已停用"
    if guide.published_id is None:
        return "unknown", "草稿"
    if guide.checked_at < queries.stale_before():
        return "warn", "待复核"
    return "ok", "现行"


class Guides(ListPage):
    permission = "knowledge.guide:view"
    template_name = "knowledge/guides.html"
    title = "知识"
    table = GuideTable
    export_name = "操作指南"
    page_size = 40
    empty = ("还没有指南", "双方的技术人员写好、发布之后，这里按系统和功能查找。")
    filters = (
        Filter("q", "搜索", lambda values, actor: queries.matching(values[0]), icon="search", kind="text"),
        Filter("system", "系统", "system__code", icon="server-2", choices=system_choices),
        Filter("subsystem", "子系统", "subsystem__code", icon="stack-2", choices=subsystem_choices),
        Filter("function", "业务功能", "function__code", icon="pointer", choices=function_choices),
        Filter("kind", "类别", "kind", icon="category", choices=Guide.Kind.choices),
        Filter("audience", "给谁看", "audience", icon="users", choices=Guide.Audience.choices),
    )

    @property
    def view(self) -> str:
        wanted = self.request.GET.get("view", "")
        return wanted if wanted in self.views() else ""

    def views(self) -> dict[str, str]:
        writes = may(self.actor, "knowledge.guide:write")
        return {k: v for k, v in VIEWS.items() if writes or k not in ("stale", "drafts")}

    def get_queryset(self) -> Any:
        rows = queries.readable(self.actor, drafts=self.view == "drafts").defer("plain", "grams")
        if self.view == "release":
            return rows.filter(kind=Guide.Kind.RELEASE)
        if self.view == "stale":
            return rows.filter(checked_at__lt=queries.stale_before())
        if self.view == "drafts":
            newer = Q(versions__number__gt=F("published__number"))
            return rows.filter(newer | Q(published=None) | Q(archived_at__isnull=False)).distinct()
        return rows

    def get_order(self) -> tuple[str, ...]:
        return ("-helped", "-id") if self.view == "helpful" else ("-updated_at", "-id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "tab": "guides",
            "views": self.views(),
            "view": self.view,
            "q": self.request.GET.get("q", "")[:100],
            "can_write": may(self.actor, "knowledge.guide:write"),
        }


class _OfGuide(Guarded, abstract=True):
    """A page or act about one guide that the actor may read; writers reach drafts too."""

    drafts = True

    def guide(self) -> Guide:
        rows = queries.readable(self.actor, drafts=self.drafts).select_related("published__author")
        row: Guide = get_object_or_404(rows, slug=self.kwargs["slug"])
        return row


class GuidePage(_OfGuide, Page):
    """The guide as its readers see it; a writer sees the newest draft of one that is not published yet."""

    permission = "knowledge.guide:view"
    template_name = "knowledge/guide.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        guide = self.guide()
        newest = guide.versions.select_related("author").first()
        shown = guide.published or newest
        page = queries.rendered(shown, queries.pictures_of(guide), self.actor) if shown else None
        forum = may(self.actor, "knowledge.forum:view")
        topic = getattr(guide, "topic", None) if forum else None
        return super().get_context_data(**kwargs) | {
            "title": guide.title,
            "guide": guide,
            "version": shown,
            "newest": newest,
            "has_draft": newest is not None and shown is not None and newest.number > shown.number,
            "page": page,
            "state": state_of(guide),
            "related": queries.related(guide, self.actor),
            "marked": guide.marks.filter(person_id=self.actor.id, subject_id="").exists(),
            "forum": forum,
            "topic": topic,
            "posts": _posts(self.actor, topic),
            "post_form": forms.PostForm() if may(self.actor, "knowledge.forum:post") else None,
            "can_write": may(self.actor, "knowledge.guide:write"),
            "can_publish": may(self.actor, "knowledge.guide:publish"),
            "can_archive": may(self.actor, "knowledge.guide:archive"),
        }


class Helped(_OfGuide, Act):
    permission = "knowledge.guide:view"
    drafts = False

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        counted = services.mark_helped(self.actor, self.guide())
        return "谢谢，已记下这篇帮上了" if counted else "已经记过了，谢谢"


class Comment(_OfGuide, Act):
    permission = "knowledge.forum:post"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.comment(self.actor, self.guide(), request.POST.get("text", ""))
        return "已发表"


class Picture(_OfGuide):
    permission = "knowledge.guide:view"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        row = get_object_or_404(GuideFile, guide=self.guide(), name=kwargs["name"])
        return picture_response(row.digest, row.media_type)


def _posts(actor: Actor, topic: Any) -> list[dict[str, Any]]:
    from .forum import posts_in_words

    return posts_in_words(actor, topic) if topic else []
