"""The morning's page (mock-up 13): one reconciliation, one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act

from .. import causes, charts
from ..models import Difference, Reconciliation, Run
from ..queries import board
from ..services import runs
from ..services.base import ReconcileRefused
from ..words import period, signed_yuan, yuan
from .common import RoomPage, day_of, reconciliation_or_404, run_or_404


class Home(RoomPage):
    """To the first reconciliation; where there is none yet, how to make one."""

    permission = "reconcile.reconciliation:view"
    template_name = "reconcile/empty.html"
    title = "对账"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = Reconciliation.objects.restrict(self.actor, self.permission).first()
        return HttpResponseRedirect(row.get_absolute_url()) if row else super().get(request, *args, **kwargs)


class Board(RoomPage):
    """A reconciliation on a day: ?day=2026-03-17; the newest without."""

    permission = "reconcile.reconciliation:view"
    template_name = "reconcile/board.html"

    def found(self) -> tuple[Reconciliation, Run | None, dt.date | None]:
        row = reconciliation_or_404(self.actor, self.kwargs["code"])
        day = day_of(self.request.GET.get("day", ""))
        return row, board.run_of(row, day), day

    def get_current(self) -> str:
        return self.row.code

    def get_title(self) -> str:
        return self.row.name

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.row, run, asked = self.found()
        day = asked or (run.until if run else timezone.localdate() - dt.timedelta(days=1))
        context = super().get_context_data(**kwargs)
        return context | page_context(self.actor, self.row, run, day)


class RunPage(Board):
    """One run as it was: the same page, pinned to it."""

    def found(self) -> tuple[Reconciliation, Run | None, dt.date | None]:
        run = run_or_404(self.actor, self.kwargs["pk"])
        return run.reconciliation, run, run.until

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"pinned": True}


def page_context(actor: Any, row: Reconciliation, run: Run | None, day: dt.date) -> dict[str, Any]:
    today = timezone.localdate()
    context: dict[str, Any] = {
        "row": row, "run": run, "day": day, "days": board.days(row, max(day, min(today, day + dt.timedelta(days=3)))),
        "previous": day - dt.timedelta(days=1), "next": day + dt.timedelta(days=1) if day < today else None,
        "attention": board.attention(row), "under_way": board.under_way(row), "when": when_words(row),
        "may_run": may(actor, "reconcile.reconciliation:run"),
        "may_change": may(actor, "reconcile.reconciliation:change"),
        "may_export": may(actor, "reconcile.reconciliation:export"),
        "may_propose": may(actor, "reconcile.remedy:propose"),
        "uploads": has_uploads(row),
    }  # fmt: skip
    if run is None:
        return context
    context["period"] = period(run.since, run.until)
    if run.state != Run.State.DONE:
        return context
    return context | result_context(run)


def result_context(run: Run) -> dict[str, Any]:
    """Verdict, pictures, groups and rows of a finished run."""
    rows = board.rows_of(run)
    pairs = [pair_shown(p, f"bridge{n}", run.reconciliation.code) for n, p in enumerate(run.bridge)]
    return {
        "rows": [shown(d) for d in rows], "hidden": max(0, run.rows - len(rows)), "pairs": pairs, "sum": sums(rows),
        "verdict": verdict(run, pairs), "ready": [d for d in rows if proposable(d)],
        "left_word": pairs[0]["left"]["title"] if len(pairs) == 1 else "左方",
        "right_word": pairs[0]["right"]["title"] if len(pairs) == 1 else "右方",
    }  # fmt: skip


def pair_shown(pair: Mapping[str, Any], name: str, code: str = "") -> dict[str, Any]:
    """One bridge with its picture and its groups."""
    url = reverse("reconcile:differences")
    steps = [
        line | {"amount": Decimal(line["amount"]),
                "url": f"{url}?book={code}&cause={line['cause']}" if code else ""}
        for line in pair["lines"]
    ]  # fmt: skip
    left, right = pair["left"], pair["right"]
    option, base = charts.bridge(
        (f"{left['title']}总额", Decimal(left["total"])), [s for s in steps if s["amount"]],
        (f"{right['title']}总额", Decimal(right["total"])),
    )  # fmt: skip
    gap, residual = Decimal(pair["gap"]), Decimal(pair["residual"])
    return {
        "name": name, "left": left, "right": right, "steps": steps, "chart": option, "base": yuan(base) if base else "",
        "amount": pair["amount"], "gap": gap, "gap_words": signed_yuan(gap), "residual": residual,
        "residual_words": yuan(residual), "refund": pair["refund"], "groups": groups_of(pair), "problems": pair["problems"],
    }  # fmt: skip


def verdict(run: Run, pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The one sentence, and the one below it."""
    return verdict_words(run.verdict, run.rows, pairs)


def weighs(step: Mapping[str, Any]) -> bool:
    """It is something that somebody must look at, or money that is still missing."""
    return not step["expected"] or step["amount"] != 0


def verdict_words(said: str, count: int, pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    causes_: dict[str, list[Any]] = {}
    for step in (s for p in pairs for s in p["steps"] if weighs(s)):
        known = causes_.setdefault(step["title"], [0, Decimal(0)])
        known[0] += step["count"]
        known[1] += step["amount"]
    parts = " · ".join(f"{title} {n} 笔 {signed_yuan(amount)}" for title, (n, amount) in causes_.items())
    expected = sum(s["count"] for p in pairs for s in p["steps"] if not weighs(s))
    own = f"另有 {expected} 笔跨日、抹零之类会自己平，不用处理。" if expected else ""
    residual = sum((p["residual"] for p in pairs), Decimal("0.00"))
    names = "、".join(dict.fromkeys(t for p in pairs for t in (p["left"]["title"], p["right"]["title"])))
    rows = sum(p["left"]["count"] for p in pairs)
    if said == Run.Verdict.BALANCED:
        return {"state": "ok", "icon": "circle-check", "title": f"平：{names}一致",
                "detail": f"核对 {rows:,} 笔，一分不差。{own}"}  # fmt: skip
    total = sum((s["amount"] for p in pairs for s in p["steps"] if weighs(s)), Decimal("0.00"))
    if said == Run.Verdict.INCOMPLETE:
        why = "；".join(dict.fromkeys(w for p in pairs for w in p["problems"]))
        return {"state": "late", "icon": "puzzle", "title": f"不完整：还有 {signed_yuan(residual)} 元说不清",
                "detail": f"{why or '数据不齐'}。已查明：{parts or '无'}。"}  # fmt: skip
    return {
        "state": "warn", "icon": "scale", "title": f"不平：{count - expected} 笔，合计", "amount": signed_yuan(total),
        "after": "，原因全部查明", "detail": f"{parts}。残差 {yuan(residual)}，没有说不清的钱。{own}",
    }  # fmt: skip


def groups_of(pair: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        g | {"gap_words": signed_yuan(Decimal(g["gap"])), "left_words": yuan(Decimal(g["left"])),
             "right_words": yuan(Decimal(g["right"])), "even": Decimal(g["gap"]) == 0,
             "sign": "zero" if Decimal(g["gap"]) == 0 else "plus" if Decimal(g["gap"]) > 0 else "minus"}
        for g in pair["groups"]
    ]  # fmt: skip
    return {
        "rows": rows, "even": sum(1 for g in rows if g["even"]), "offset": sum(1 for g in rows if g["offset"]) // 2,
    }  # fmt: skip


def result_parts(result: Mapping[str, Any]) -> dict[str, Any]:
    """For the wizard: the same words and pictures of a result that is not a run."""
    pairs = [pair_shown(p, f"bridge{n}") for n, p in enumerate(result["bridge"])]
    samples = [
        s | {"left": yuan(_decimal(s["left"])), "right": yuan(_decimal(s["right"])), "gap": signed_yuan(_decimal(s["gap"]))}
        for s in result["samples"]
    ]  # fmt: skip
    return {"pairs": pairs, "verdict": verdict_words(result["verdict"], result["rows"], pairs), "samples": samples}


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def sums(rows: list[Difference]) -> dict[str, str]:
    def add(name: str) -> Decimal:
        return sum((getattr(d.then, name) or Decimal(0) for d in rows), Decimal("0.00"))

    return {"left": yuan(add("left")), "right": yuan(add("right")), "gap": signed_yuan(add("gap"))}


def proposable(row: Difference) -> bool:
    """Something can be proposed for it, and nothing is under way."""
    open_now = row.remedy is not None and row.remedy.state in {"proposed", "approved", "running", "done"}
    return row.is_open and not open_now and bool(causes.actions(row))


def shown(row: Difference) -> dict[str, Any]:
    return {
        "row": row, "title": row.then.title, "detail": causes.detail(row), "who": causes.who(row), "which": causes.which_parts(row),
        "left": yuan(row.then.left), "right": yuan(row.then.right), "gap": signed_yuan(row.then.gap),
        "sign": "plus" if row.then.gap > 0 else "minus" if row.then.gap < 0 else "zero", "why": causes.why(row),
        "proofs": causes.proof_count(row), "remedy": causes.remedy_words(row), "due": causes.due_words(row),
    }  # fmt: skip


def when_words(row: Reconciliation) -> str:
    parts = []
    if row.nightly_at:
        parts.append(f"每日 {row.nightly_at:%H:%M} 自动核对")
    if row.every_minutes:
        parts.append(f"白天每 {row.every_minutes} 分核对当日")
    if row.clearing_day:
        parts.append(f"每月 {row.clearing_day} 日清算前核对上月")
    said = "，".join(parts) or "只在有人要求时核对"
    return said if row.active else f"自动核对已停用（原为{said}）"


def has_uploads(row: Reconciliation) -> bool:
    version = row.versions.filter(number=row.current).first()
    return version is not None and any(s.get("upload") for s in version.document["sources"].values())


class RunAgain(Act):
    """重新核对: the day of the page once more."""

    permission = "reconcile.reconciliation:run"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        row = reconciliation_or_404(self.actor, kwargs["code"], self.permission)
        since, until = day_of(request.POST.get("since", "")), day_of(request.POST.get("until", ""))
        if since is None or until is None:
            raise ReconcileRefused("请选要核对的日期。")
        runs.ask(self.actor, row, since, until)
        return "已开始核对，做完后本页自动更新"


class Replay(Act):
    permission = "reconcile.reconciliation:run"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        made = runs.replay(self.actor, run_or_404(self.actor, kwargs["pk"], self.permission))
        return HttpResponseRedirect(made.get_absolute_url())
