"""The quality page: what is wrong, since when, how it goes; cases and what is accepted."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act

from .. import charts
from ..engine.datasets import datasets
from ..engine.quality import KINDS
from ..models import QualityCount, QualityIssue
from ..services import quality as services
from .common import LakePage

DAYS = 30


class Quality(LakePage):
    permission = "lake.quality:view"
    template_name = "lake/quality.html"
    title = "数据质量"
    tab = "quality"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kind = self.request.GET.get("kind", "")
        dataset = self.request.GET.get("dataset", "")
        rows = QualityIssue.objects.restrict(self.actor, self.permission).exclude(state="resolved")
        rows = rows.filter(kind=kind) if kind in KINDS else rows
        rows = rows.filter(dataset=dataset) if dataset in datasets() else rows
        issues = list(rows[:200])
        since = timezone.localdate() - dt.timedelta(days=DAYS)
        counts = QualityCount.objects.filter(day__gte=since)
        if dataset in datasets():
            counts = counts.filter(dataset=dataset)
        total = counts.aggregate(looked=Sum("looked"), bad=Sum("bad"))
        gone = QualityIssue.objects.filter(state="resolved", resolved_at__date__gte=since).count()
        return super().get_context_data(**kwargs) | {
            "issues": [
                {
                    "issue": i,
                    "dataset": datasets()[i.dataset],
                    "kind": KINDS.get(i.kind, i.kind),
                    "percent": i.share * 100,
                }
                for i in issues
            ],
            "kinds": [(k, v, k == kind) for k, v in KINDS.items()],
            "datasets": [(d.code, d.title, d.code == dataset) for d in datasets().values()],
            "kind": kind,
            "dataset": dataset,
            "total": total,
            "gone": gone,
            "days": DAYS,
            "alarming": sum(1 for i in issues if i.alarming and i.state == "open"),
            "chart": self._trend(counts, since),
            "can_follow": may(self.actor, "lake.quality:follow"),
        }

    def _trend(self, counts: Any, since: dt.date) -> dict[str, Any] | None:
        """Bad rows of each dataset by the day of the data."""
        rows = counts.filter(bad__gt=0).values("dataset", "day").annotate(n=Sum("bad"))
        found: dict[str, dict[dt.date, int]] = {}
        for row in rows:
            found.setdefault(row["dataset"], {})[row["day"]] = row["n"]
        if not found:
            return None
        days = [since + dt.timedelta(days=n) for n in range(DAYS + 1)]
        return charts.trend(
            [f"{d:%m-%d}" for d in days],
            [
                (datasets()[code].title, [values.get(d) for d in days])
                for code, values in sorted(found.items())
                if code in datasets()
            ],
            "行",
        )


class IssuePage(LakePage):
    permission = "lake.quality:view"
    template_name = "lake/issue.html"
    tab = "quality"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.issue = issue = get_object_or_404(
            QualityIssue.objects.restrict(self.actor, self.permission), pk=self.kwargs["pk"]
        )
        counts = list(QualityCount.objects.filter(dataset=issue.dataset, rule=issue.rule).order_by("-day")[:60])
        ordered = counts[::-1]
        rule = next((r for r in services.rules(datasets()[issue.dataset]) if r.code == issue.rule), None)
        return super().get_context_data(**kwargs) | {
            "issue": issue,
            "dataset": datasets()[issue.dataset],
            "kind": KINDS.get(issue.kind, issue.kind),
            "rule": rule,
            "alarm": rule.alarm * 100 if rule else None,
            "percent": issue.share * 100,
            "counts": [c for c in counts if c.bad][:31],
            "chart": charts.bars([f"{c.day:%m-%d}" for c in ordered], [c.bad for c in ordered], "行")
            if counts
            else None,
            "can_follow": may(self.actor, "lake.quality:follow"),
            "can_trace": may(self.actor, "lake.row:view"),
            "case_url": reverse("desk:case", args=[issue.case_number]) if issue.case_number else "",
        }

    def get_title(self) -> str:
        return str(self.issue.title)


class _OfIssue(Act, abstract=True):
    permission = "lake.quality:follow"

    def issue(self) -> QualityIssue:
        found: QualityIssue = get_object_or_404(
            QualityIssue.objects.restrict(self.actor, self.permission), pk=self.kwargs["pk"]
        )
        return found


class OpenCase(_OfIssue):
    permission = "lake.quality:follow"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        return f"已开问题单 {services.open_case(self.actor, self.issue()).number}"


class Accept(_OfIssue):
    permission = "lake.quality:follow"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        issue = self.issue()
        services.accept(self.actor, issue, request.POST.get("note", ""))
        return f"已标记为接受：{issue.title}"


class Reopen(_OfIssue):
    permission = "lake.quality:follow"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        issue = self.issue()
        services.reopen(self.actor, issue)
        return f"重新跟进：{issue.title}"
