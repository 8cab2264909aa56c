"""The datasets: how full, how fresh, how good, what they cost; and one of them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from xingwei.base.policy.registry import may

from .. import charts
from ..models import QualityIssue
from ..queries import board
from .common import LakePage, dataset_or_404, size


class Home(LakePage):
    permission = "lake.dataset:view"
    template_name = "lake/home.html"
    title = "数据湖"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = board.lines()
        held = [line for line in lines if line.mappings]
        rows = [
            {
                "line": x,
                "state": x.state,
                "size": size(x.bytes),
                "grown": f"{x.grown_rows:+,} 行，{size(x.grown_bytes)}" if x.grown_rows is not None else "",
                "cost": f"{x.processor_s:.1f} 秒" if x.processor_s else "",
                "source": f"{x.source_s:.1f} 秒" if x.source_s else "",
            }
            for x in sorted(lines, key=lambda x: (not x.mappings, x.state[0] == "ok", x.dataset.title))
        ]
        return super().get_context_data(**kwargs) | {
            "rows": rows,
            "problems": [x for x in held if x.problem],
            "total_rows": sum(x.rows for x in lines),
            "total_size": size(sum(x.bytes for x in lines)),
            "fresh": sum(1 for x in held if x.state[0] == "ok"),
            "held": len(held),
            "issues": sum(x.issues for x in lines),
            "alarming": sum(x.alarming for x in lines),
            "source_s": sum(x.source_s for x in lines),
            "processor_s": sum(x.processor_s for x in lines),
        }


class DatasetPage(LakePage):
    permission = "lake.dataset:view"
    template_name = "lake/dataset.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.dataset = d = dataset_or_404(str(self.kwargs["code"]))
        days = board.days(d.code)
        can_trace = may(self.actor, "lake.row:view")
        shown = list(d.money[:3])
        ordered = days[::-1]
        urls = [f"{reverse('lake:rows', args=[d.code])}?day={x['day']}" for x in ordered] if can_trace else []
        grown = board.growth(d.code)
        line = next(x for x in board.lines() if x.dataset.code == d.code)
        return super().get_context_data(**kwargs) | {
            "dataset": d,
            "line": line,
            "state": line.state,
            "size": size(line.bytes),
            "days": [
                x | {"size": size(x["bytes"]), "amounts": [f"{x['sums'].get(f.name, 0):,.2f}" for f in shown]}
                for x in days[:31]
            ],
            "money": shown,
            "can_trace": can_trace,
            "chart": charts.bars([f"{x['day']:%m-%d}" for x in ordered], [x["rows"] for x in ordered], "行", urls)
            if days
            else None,
            "growth": charts.trend(
                [f"{g.day:%m-%d}" for g in grown],
                [
                    ("大小（MB）", [round(g.bytes / 1e6, 2) for g in grown]),
                    ("处理器（秒）", [round(g.processor_s, 1) for g in grown]),
                ],
                "",
            )
            if grown
            else None,
            "issues": list(QualityIssue.objects.filter(dataset=d.code).exclude(state="resolved")[:20]),
        }

    def get_title(self) -> str:
        return self.dataset.title
