"""The auditors' pages over the journal: search, one entry, the state of the chain, verification."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.journal import checks, exporting, options
from xingwei.base.journal import queries as journal
from xingwei.base.journal.models import Entry, Verification
from xingwei.base.journal.services import record
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage, ListPage, Page

from .. import auditing
from ..forms import VerifyForm

VIEW, EXPORT, VERIFY = (f"accounts.journal:{action}" for action in ("view", "export", "verify"))


class JournalTable(Table):
    caption = "审计日志"
    columns = (
        Column("at", "时间", kind="time"),
        Column("actor_name", "谁", lambda e: f"{e.actor_name}（{e.organisation}）" if e.organisation else e.actor_name),
        Column("act", "动作", lambda e: auditing.act_label(e.act)),
        Column("summary", "做了什么", kind="title"),
        Column("target_label", "对象", drop=True),
        Column("address", "来源", drop=True),
        Column("via", "途径", lambda e: auditing.VIAS.get(e.via, e.via), drop=True),
    )

    @staticmethod
    def url(row: Entry) -> str:
        return reverse("accounts:journal-entry", args=[row.pk])


class JournalExport(Table):
    columns = (
        Column("id", "记录号"),
        *JournalTable.columns,
        Column("act_key", "动作代码", "act"),
        Column("target_type", "对象类型"),
        Column("target_id", "对象编号"),
        Column(
            "before",
            "之前",
            lambda e: "；".join(
                f"{d['label']}：{d['before']}" for d in auditing.differences(e) if d["before"] is not None
            ),
        ),
        Column(
            "after",
            "之后",
            lambda e: "；".join(
                f"{d['label']}：{d['after']}" for d in auditing.differences(e) if d["after"] is not None
            ),
        ),
    )


class Journal(ListPage):
    permission = VIEW
    template_name = "accounts/journal.html"
    title = "审计日志"
    table = JournalTable
    export_table = JournalExport
    order = ("-at", "-id")
    export_name = "审计日志"
    filters = (
        Filter("q", "做了什么", "summary__icontains", "search", "text"),
        Filter("who", "谁", auditing.by_whom, "user", "text"),
        Filter("area", "动作", auditing.in_areas, "bolt", choices=auditing.areas),
        Filter("target", "对象", auditing.on_what, "target", "text"),
        Filter("from", "自", auditing.since, "calendar", "date"),
        Filter("to", "至", auditing.until, "calendar", "date"),
        Filter("via", "途径", "via", "plug", choices=tuple(auditing.VIAS.items())),
        Filter("address", "来源地址", "address", "network", "text"),
    )

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = Entry.objects.all()
        if auditing.looks_far(self.request.GET):
            rows = rows.filter(at__gte=timezone.now() - dt.timedelta(days=auditing.TEXT_DAYS))
        return rows

    def exported(self, kind: str) -> None:
        require(self.actor, EXPORT)
        with transaction.atomic():
            record(
                self.actor, "accounts.journal.export", None, f"导出审计日志（{kind}）", after={"filter": self._asked()}
            )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        auditing.note_reading(self.actor, {"filter": self._asked()}, "查阅审计日志")
        if not may(self.actor, EXPORT):
            context["export_urls"] = {}
        return context | {"looks_far": auditing.looks_far(self.request.GET), "days": auditing.TEXT_DAYS}

    def _asked(self) -> dict[str, list[str]]:
        known = {f.key for f in self.filters}
        return {k: v for k, v in self.request.GET.lists() if k in known and any(v)}


class JournalEntry(Page):
    permission = VIEW
    template_name = "accounts/journal_entry.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        entry = get_object_or_404(Entry, pk=kwargs["pk"])
        auditing.note_reading(self.actor, {"entry": entry.pk}, f"查阅审计日志第 {entry.pk} 条", entry)
        seal = journal.seal_of(entry)
        return super().get_context_data(**kwargs) | {
            "title": f"记录 {entry.pk}",
            "entry": entry,
            "act": auditing.act_label(entry.act),
            "via": auditing.VIAS.get(entry.via, entry.via),
            "differences": auditing.differences(entry),
            "seal": seal,
            "hash": bytes(seal.hash).hex() if seal else "",
            "prev": bytes(seal.prev).hex() if seal else "",
            "head": journal.head_over(seal.seq) if seal else None,
            "target": f"{entry.target_type}:{entry.target_id}" if entry.target_type and entry.target_id else "",
        }


class Chain(FormPage):
    """How the chain stands; posting asks for a verification."""

    permission = VIEW
    template_name = "accounts/chain.html"
    title = "审计日志的保全"
    form_class = VerifyForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = journal.chain_state()
        return super().get_context_data(**kwargs) | {
            "state": state,
            "hash": bytes(state.last.hash).hex() if state.last else "",
            "destinations": _destinations(state),
            "kept_until": timezone.now() - dt.timedelta(days=state.retention_days),
            "minimum": options.RETENTION_DAYS_MIN,
            "verifications": Verification.objects.order_by("-id")[:10],
            "can_verify": may(self.actor, VERIFY),
        }

    def act(self, form: Any) -> HttpResponseBase:
        require(self.actor, VERIFY)
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        checks.ask(self.actor, first=first, last=last)
        return self.done("校验已开始，结果会显示在下面。", reverse("accounts:chain"))


class VerificationProgress(Page):
    """The piece of the chain page that asks again by itself until the verification has come to an end."""

    permission = VIEW
    template_name = "accounts/parts/verification.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"v": get_object_or_404(Verification, pk=kwargs["pk"])}


class ExportHeads(Act):
    """Bring the signed heads to every destination now, without waiting for the sealer's next round."""

    permission = VERIFY

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        states = exporting.export_heads()
        failed = [s for s in states if s.error]
        with transaction.atomic():
            record(
                self.actor,
                "accounts.journal.send",
                None,
                f"送出链头：{len(states) - len(failed)} 处成功，{len(failed)} 处失败",
            )
        if failed:
            return f"有 {len(failed)} 处没有送到：{failed[0].error}"
        return "链头已送到每一处。"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("accounts:chain")


def _destinations(state: journal.ChainState) -> list[dict[str, Any]]:
    """Every place where heads go, whether something has gone there yet or not."""
    known = {e.destination: e for e in state.exports}
    local = str(options.local_heads())
    return [{"place": p, "local": p == local, "export": known.get(p)} for p in journal.destinations()]
