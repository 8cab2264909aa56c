"""The technicians' forum."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import mark_safe

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage, ListPage

from .. import forms, queries, services
from ..engine import markup
from ..models import Post, Topic
from .guides import system_choices


def posts_in_words(actor: Actor, topic: Topic) -> list[dict[str, Any]]:
    """The posts as the page shows them: Markdown made safe, what the actor may do with each."""
    posts = may(actor, "knowledge.forum:post")
    return [
        {
            "post": p,
            "html": mark_safe(markup.render(p.text).html) if p.hidden_at is None else "",  # noqa: S308 - made by nh3
            "can_edit": posts and p.author_id == actor.id and p.hidden_at is None,
            "can_hide": p.hidden_at is None and services.can_hide(actor, p),
        }
        for p in queries.posts_of(topic)
    ]


class TopicTable(Table):
    caption = "话题"
    columns = (
        Column("title", "话题", kind="title", cell="knowledge/cells/topic.html"),
        Column("system", "系统", value="system.short_name"),
        Column("posts_count", "回复", kind="num", label_on_phone=True),
        Column("opened_by", "发起人", value=lambda t: t.opened_by or "指南评论", drop=True),
        Column("last_post_at", "最近", kind="time"),
    )

    @staticmethod
    def url(row: Any) -> str:
        return str(row.get_absolute_url())


class Forum(ListPage):
    permission = "knowledge.forum:view"
    template_name = "knowledge/forum.html"
    title = "技术论坛"
    table = TopicTable
    order = ("-pinned", "-last_post_at", "-id")
    empty = ("还没有话题", "双方的技术人员在这里交流；指南下面的评论也在这里。")
    filters = (
        Filter("q", "搜索", lambda values, actor: queries.topics_matching(values[0]), icon="search", kind="text"),
        Filter("system", "系统", "system__code", icon="server-2", choices=system_choices),
        Filter("comments", "指南评论", "guide__isnull", icon="message", kind="bool"),
    )

    def get_queryset(self) -> Any:
        rows = Topic.objects.restrict(self.actor, "knowledge.forum:view").filter(posts_count__gt=0)
        return rows.select_related("system", "guide", "opened_by").defer("grams")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        can_post = may(self.actor, "knowledge.forum:post")
        return super().get_context_data(**kwargs) | {"tab": "forum", "can_post": can_post}


class TopicPage(FormPage):
    """The posts of a topic, and the box for one's own."""

    permission = "knowledge.forum:view"
    template_name = "knowledge/topic.html"
    form_class = forms.PostForm

    def topic(self) -> Topic:
        rows = Topic.objects.restrict(self.actor, "knowledge.forum:view").select_related("system", "guide")
        row: Topic = get_object_or_404(rows, pk=self.kwargs["pk"])
        return row

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        topic = self.topic()
        return super().get_context_data(**kwargs) | {
            "title": topic.title,
            "topic": topic,
            "posts": posts_in_words(self.actor, topic),
            "following": topic.subscriptions.filter(person_id=self.actor.id).exists(),
            "can_post": may(self.actor, "knowledge.forum:post") and topic.closed_at is None,
            "can_moderate": may(self.actor, "knowledge.forum:moderate"),
        }

    def act(self, form: Any) -> HttpResponseBase:
        row = services.post(self.actor, self.topic(), form.cleaned_data["text"])
        return self.done("已发表", f"{self.topic().get_absolute_url()}#p{row.pk}")


class NewTopic(FormPage):
    permission = "knowledge.forum:post"
    title = "发起话题"
    form_class = forms.TopicForm
    submit_label = "发起"

    def get_back_url(self) -> str:
        return reverse("knowledge:forum")

    def act(self, form: Any) -> HttpResponseBase:
        topic = services.open_topic(self.actor, **form.cleaned_data)
        return self.done("已发起话题", topic.get_absolute_url())


class EditPost(FormPage):
    permission = "knowledge.forum:edit"
    title = "修改发言"
    form_class = forms.PostForm

    def row(self) -> Post:
        rows = Post.objects.restrict(self.actor, "knowledge.forum:edit").select_related("topic__guide")
        row: Post = get_object_or_404(rows, pk=self.kwargs["pk"])
        return row

    def get_initial(self) -> dict[str, Any]:
        return {"text": self.row().text}

    def get_back_url(self) -> str:
        return self.row().get_absolute_url()

    def act(self, form: Any) -> HttpResponseBase:
        row = services.edit_post(self.actor, self.row(), form.cleaned_data["text"])
        return self.done("已修改", row.get_absolute_url())


class HidePost(Act):
    permission = "knowledge.forum:post"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Post.objects.select_related("topic"), pk=kwargs["pk"])
        services.hide_post(self.actor, row, why=request.POST.get("why", ""))
        return "已隐藏"


class Follow(Act):
    permission = "knowledge.forum:view"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        on = request.POST.get("on") == "1"
        services.follow(self.actor, get_object_or_404(Topic, pk=kwargs["pk"]), on=on)
        return "有新回复时会通知您" if on else "不再通知"


class SetTopic(Act):
    permission = "knowledge.forum:moderate"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        topic = get_object_or_404(Topic, pk=kwargs["pk"])
        flags = {k: request.POST[k] == "1" for k in ("pinned", "closed") if k in request.POST}
        services.set_topic(self.actor, topic, **flags)
        return "已保存"
