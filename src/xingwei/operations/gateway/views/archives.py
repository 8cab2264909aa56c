"""保留与归档: which days are in the database, which in files, and bringing one back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.site import queries as site
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act

from ..engine.volumes import size_words
from ..models import Archive
from ..services import archive
from .common import GatewayList

LABELS = {"message": "报文", "delivery": "投递", "attempt": "失败的尝试"}


class _Table(Table):
    columns = (
        Column("day", "日期", kind="title"),
        Column("table", "内容", value=lambda a: LABELS[a.table]),
        Column("state", "状态", value="get_state_display"),
        Column("rows", "行数", value=lambda a: f"{a.rows:,}", kind="num"),
        Column("kept_rows", "留在库里的异常行", value=lambda a: f"{a.kept_rows:,}", kind="num", label_on_phone=True),
        Column("file", "文件大小", value=lambda a: size_words(a.file_bytes), kind="num", drop=True),
        Column("digest", "SM3", value=lambda a: a.digest[:16], kind="id", drop=True),
        Column("archived_at", "归档时间", kind="time", drop=True),
        Column("dropped_at", "清出时间", kind="time", drop=True),
        Column("restored_until", "取回至", kind="time", label_on_phone=True),
    )

    @staticmethod
    def url(row: Any) -> str:
        return ""


class Archives(GatewayList):
    """The manifest: every archived day and table with its count and SM3."""

    tab = "volumes"
    permission = "gateway.capacity:view"
    template_name = "gateway/volumes/archives.html"
    title = "保留与归档"
    table = _Table
    order = ("-day", "table")
    export_name = "报文归档清单"
    empty = ("还没有归档", "报文在库里满了保留天数，或超过上限，会逐天转入归档文件；核对无误才从库里清出。")
    filters = (Filter("state", "状态", "state", icon="archive", choices=Archive.State.choices),)

    def get_queryset(self) -> Any:
        return Archive.objects.all()

    def get_order(self) -> tuple[str, ...]:
        return ("-day", "-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = archive.days_in_database()
        back = Archive.objects.filter(table="message", state=Archive.State.DROPPED).order_by("-day")
        today = timezone.localdate()
        past = [d for d in days if d <= today]
        return super().get_context_data(**kwargs) | {
            "first": past[0] if past else None, "days": len(past), "ahead": sum(d > today for d in days),
            "keep": site.value("gateway.retention.days"), "max_gb": site.value("gateway.retention.max_gb"),
            "error_days": site.value("gateway.retention.error_days"), "due": archive.due_days(today)[:5],
            "may_restore": may(self.actor, "gateway.capacity:restore"), "back": list(back.values_list("day", flat=True)[:400]),
        }  # fmt: skip


class Restore(Act):
    """Bring a day back for a week."""

    permission = "gateway.capacity:restore"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        try:
            day = dt.date.fromisoformat(request.POST.get("day", ""))
        except ValueError:
            raise archive.ArchiveRefused("请选要取回的日期。") from None
        archive.restore_day(self.actor, day, days=7)
        return f"{day} 的报文已取回，7 天后再清出"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:archives")
