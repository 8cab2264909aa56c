"""A person's own notifications, the bell that watches them, and the preferences."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import SIGNED_IN, Act, Guarded, ListPage

from .. import kinds, queries, services
from ..models import Notification


def kind_choices(actor: Actor) -> list[tuple[str, str]]:
    return [(k.key, k.label) for k in kinds.kinds().values()]


class InboxTable(Table):
    caption = "我的通知"
    columns = (
        Column("state", "状态", value=lambda n: "已读" if n.read_at else "未读", cell="notify/cells/read.html"),
        Column("title", "标题", kind="title", cell="notify/cells/title.html"),
        Column("text", "内容", value="text", cell=lambda n: n.text[:60], drop=True),
        Column("kind", "种类", value=lambda n: kinds.label(n.kind), drop=True),
        Column("sender", "来自"),
        Column("at", "时间", kind="time"),
    )


class Inbox(ListPage):
    permission = SIGNED_IN
    template_name = "notify/inbox.html"
    title = "通知"
    table = InboxTable
    order = ("-at", "-id")
    export_name = "通知"
    filters = (
        Filter("kind", "种类", "kind", icon="category", choices=kind_choices),
        Filter("urgent", "紧急", "urgent", icon="alert-circle", kind="bool"),
        Filter("from", "自", "at__date__gte", icon="calendar", kind="date"),
        Filter("to", "至", "at__date__lte", icon="calendar", kind="date"),
    )

    def get_queryset(self) -> Any:
        mine = Notification.objects.filter(person_id=self.actor.id)
        return mine.filter(read_at=None) if self._unread_only() else mine

    def _unread_only(self) -> bool:
        return self.request.GET.get("view") != "all"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        unread_only = self._unread_only()
        empty = ("没有未读通知", "新的通知会出现在这里，紧急的会弹出提示。") if unread_only else ("还没有通知", "")
        return context | {
            "unread_only": unread_only,
            "unread_text": _capped(queries.unread(self.actor)),
            "newest": queries.newest(self.actor),
            "empty": empty,
        }


def _capped(n: int) -> str:
    return f"{n - 1}+" if n >= queries.BELL_CAP else str(n)


class Open(Guarded):
    """To what a notification is about; it is read by that."""

    permission = SIGNED_IN

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Notification, pk=pk, person_id=self.actor.id)
        services.mark_read(self.actor, row)
        if row.url.startswith("/") and url_has_allowed_host_and_scheme(row.url, None):
            return HttpResponseRedirect(row.url)
        return render(
            request, "notify/notification.html", {"title": row.title, "row": row, "label": kinds.label(row.kind)}
        )


class MarkRead(Act):
    permission = SIGNED_IN

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Notification, pk=kwargs["pk"], person_id=self.actor.id)
        services.mark_read(self.actor, row)
        return "已标为已读"


class MarkAllRead(Act):
    """All that the page showed: what arrived since stays unread."""

    permission = SIGNED_IN

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        newest = request.POST.get("newest", "")
        up_to = int(newest) if newest.isdecimal() and len(newest) < 19 else None
        n = services.mark_all_read(self.actor, up_to=up_to)
        return f"{n} 条已标为已读" if n else "没有未读通知"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("notify:inbox")


class Pulse(Guarded):
    """What the bell asks every half minute: how many are unread, and which new ones are urgent.

    It is asked with X-Background, which says that nobody did anything: a page that lies open keeps nobody in.
    """

    permission = SIGNED_IN

    def get(self, request: HttpRequest) -> HttpResponse:
        since = request.GET.get("since", "")
        last = int(since) if since.isdecimal() and len(since) < 19 else queries.newest(self.actor)
        urgent = queries.urgent_since(self.actor, last)
        context = {
            "unread": queries.unread(self.actor),
            "urgent": reversed(urgent),
            "newest": max([last, *(n.pk for n in urgent)]),
        }
        return render(request, "notify/pulse.html", context)


def watch(request: HttpRequest) -> str:
    """The piece of the top bar that asks the pulse."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return render_to_string("notify/watch.html", {"newest": queries.newest(actor)})
