"""Lists: every difference, every run of a reconciliation, every remedy."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.html import format_html

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.table import Column, Filter, Table

from .. import causes, charts
from ..models import Difference, Reconciliation, Remedy, Run
from ..queries import board
from ..remedies import ACTIONS
from ..words import signed_yuan, yuan
from .common import RoomList, reconciliation_or_404

OPEN = ("new", "persisting")


def _gap(row: Any) -> Any:
    sign = "plus" if row.gap > 0 else "minus" if row.gap < 0 else "zero"
    return format_html('<span class="rc-amt {}">{}</span>', sign, signed_yuan(row.gap))


def age(row: Difference) -> str:
    days = ((row.resolved_at or timezone.now()) - row.opened_at).days
    return f"{days} 天" if days else "不到 1 天"


class DifferenceTable(Table):
    caption = "差异"
    columns = (
        Column("cause", "原因", "title", kind="title"),
        Column("book", "对账", "reconciliation.name"),
        Column("day", "账日", lambda d: f"{d.day:%Y-%m-%d}"),
        Column("reference", "哪一笔", causes.which, kind="id"),
        Column("left", "左（元）", lambda d: yuan(d.left), kind="num", drop=True),
        Column("right", "右（元）", lambda d: yuan(d.right), kind="num", drop=True),
        Column("gap", "差（元）", lambda d: d.gap, _gap, kind="num"),
        Column("state", "状态", "get_state_display"),
        Column("owner", "责任人", lambda d: d.owner.name if d.owner else "归口科室"),
        Column("due", "期限", lambda d: causes.due_words(d)["text"]),
        Column("age", "已有", age, drop=True),
    )


class DifferenceExport(Table):
    columns = (
        *DifferenceTable.columns,
        Column("why", "为什么这么判", causes.why),
        Column("who", "谁", causes.who),
        Column("rule", "规则", "rule"),
        Column("times", "见过几次", "times"),
        Column("first", "首次核对", "first_run_id"),
        Column("last", "最近核对", "last_run_id"),
        Column("case", "问题单", lambda d: d.case.number if d.case else ""),
    )


def _states(values: list[str], actor: Actor) -> Q:
    now = timezone.now()
    found = Q(pk__in=[])
    opened = Q(state__in=OPEN)
    meanings = {
        "open": opened, "late": opened & Q(due_at__lt=now), "old": opened & Q(opened_at__lt=now - dt.timedelta(days=7)),
        "nobody": opened & Q(owner=None), "mine": opened & Q(owner_id=actor.id),
    }  # fmt: skip
    for value in values:
        found |= meanings.get(value, Q(state=value))
    return found


def _books(actor: Actor) -> list[tuple[str, str]]:
    return list(Reconciliation.objects.restrict(actor, "reconcile.reconciliation:view").values_list("code", "name"))


def _causes(actor: Actor) -> list[tuple[str, str]]:
    seen = Difference.objects.order_by("cause", "title").values_list("cause", "title").distinct()[:200]
    return list(dict(seen).items())


class Differences(RoomList):
    """All differences; ?run=7 those of one run."""

    permission = "reconcile.difference:view"
    title = "全部差异"
    current = "differences"
    table = DifferenceTable
    export_table = DifferenceExport
    export_name = "对账差异"
    empty = ("没有差异", "每一笔差异都会列在这里：原因、责任人、期限、处理。")
    filters = (
        Filter("book", "对账", "reconciliation__code", "scale", choices=_books),
        Filter(
            "state", "状态", _states, "progress",
            choices=(("open", "未消除"), ("mine", "我的"), ("late", "超时限"), ("old", "超过 7 天"), ("nobody", "没有责任人"),
                     *Difference.State.choices),
        ),
        Filter("cause", "原因", "cause", "tag", choices=_causes),
        Filter("from", "账日从", "day__gte", "calendar", kind="date"),
        Filter("to", "账日到", "day__lte", "calendar", kind="date"),
    )  # fmt: skip

    def get_queryset(self) -> QuerySet[Any]:
        rows = Difference.objects.restrict(self.actor, self.permission).select_related(
            "reconciliation", "owner", "case"
        )
        run = self.request.GET.get("run", "")
        return rows.filter(sightings__run_id=int(run)) if run.isdecimal() and len(run) < 12 else rows

    def exported(self, kind: str) -> None:
        with transaction.atomic():
            record(self.actor, "reconcile.difference.export", None, f"导出对账差异（{kind}）", after={"kind": kind})


class RunTable(Table):
    caption = "历次核对"
    columns = (
        Column("when", "何时核对", lambda r: f"{timezone.localtime(r.asked_at):%Y-%m-%d %H:%M}", kind="title"),
        Column("why", "缘由", "get_why_display"),
        Column(
            "span",
            "账日",
            lambda r: f"{r.since:%m-%d}" if r.since == r.until else f"{r.since:%m-%d} 至 {r.until:%m-%d}",
        ),
        Column("verdict", "结论", lambda r: r.get_verdict_display() or r.get_state_display()),
        Column("rows", "差异笔数", "rows", kind="num"),
        Column("gap", "总差额（元）", "gap", lambda r: signed_yuan(r.gap), kind="num"),
        Column("residual", "残差（元）", "residual", lambda r: yuan(r.residual), kind="num", drop=True),
        Column("version", "口径", lambda r: f"第 {r.version.number} 版", drop=True),
        Column("by", "谁", "asked_by", drop=True),
        Column(
            "seconds",
            "用时（秒）",
            lambda r: f"{r.seconds:.1f}" if r.seconds is not None else "",
            kind="num",
            drop=True,
        ),
    )


class History(RoomList):
    """Every run of a reconciliation, and how the last 31 days went."""

    permission = "reconcile.reconciliation:view"
    template_name = "reconcile/history.html"
    table = RunTable
    export_name = "历次核对"
    order = ("-id",)
    empty = ("还没有核对过", "")
    filters = (
        Filter("why", "缘由", "why", "tag", choices=Run.Why.choices),
        Filter("verdict", "结论", "verdict", "scale", choices=Run.Verdict.choices),
        Filter("from", "账日从", "until__gte", "calendar", kind="date"),
    )

    @property
    def row(self) -> Reconciliation:
        if not hasattr(self, "_row"):
            self._row = reconciliation_or_404(self.actor, self.kwargs["code"])
        return self._row

    def get_title(self) -> str:
        return f"{self.row.name} · 历次核对"

    def get_queryset(self) -> QuerySet[Any]:
        return self.row.runs.select_related("version").defer("facts", "inputs", "bridge")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.current = self.row.code  # type: ignore[misc]
        days = board.days(self.row, timezone.localdate())
        seen = [{"day": d.day, "rows": d.rows, "gap": d.gap} for d in days]
        return super().get_context_data(**kwargs) | {"trend": charts.trend(seen), "row": self.row}


class RemedyTable(Table):
    caption = "差异处理"
    columns = (
        Column("action", "处理", lambda r: ACTIONS[r.action].title, kind="title"),
        Column("book", "对账", "difference.reconciliation.name"),
        Column("cause", "原因", "difference.title"),
        Column("gap", "差（元）", "difference.gap", lambda r: signed_yuan(r.difference.gap), kind="num"),
        Column("precondition", "前提", "precondition", drop=True),
        Column("state", "状态", "get_state_display"),
        Column("by", "提出", "proposer_name", drop=True),
        Column("approvals", "批准", lambda r: "、".join(a.name for a in r.approvals.all()) or "", drop=True),
        Column("at", "提出时间", "proposed_at", kind="time"),
    )


class Remedies(RoomList):
    permission = "reconcile.difference:view"
    title = "差异处理"
    current = "remedies"
    table = RemedyTable
    export_name = "差异处理"
    empty = ("还没有处理", "在对账页上提出处理，两人批准后办理，下一次核对证明。")
    filters = (
        Filter("state", "状态", "state", "progress", choices=Remedy.State.choices),
        Filter("action", "处理", "action", "tool", choices=[(k, a.title) for k, a in ACTIONS.items()]),
        Filter("book", "对账", "difference__reconciliation__code", "scale", choices=_books),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return Remedy.objects.select_related("difference__reconciliation").prefetch_related("approvals")
