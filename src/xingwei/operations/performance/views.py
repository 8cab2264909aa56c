"""Pages of the performance room."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404

from xingwei.base.connections.models import Connection
from xingwei.base.policy.registry import may
from xingwei.base.ui.export import export_response
from xingwei.base.ui.views import Act, Page

from . import queries, services
from .models import Advice, Statement
from .tables import LinesTable

HOURS = {"1": "1 小时", "24": "24 小时", "168": "7 天"}


class Home(Page):
    """?db=CODE&hours=24&slower=1; ?export=csv|xlsx gives the same as a table."""

    permission = "performance.statement:view"
    template_name = "performance/home.html"
    title = "性能"

    def chosen(self) -> tuple[list[Any], Connection | None]:
        found = queries.databases(self.actor)
        wanted = self.request.GET.get("db", "")
        return found, next((c for c, _ in found if c.code == wanted), found[0][0] if found else None)

    def lines(self, connection: Connection) -> list[queries.Line]:
        hours = self.request.GET.get("hours", "24")
        slower = self.request.GET.get("slower") == "1"
        return queries.lines(connection, hours=int(hours) if hours in HOURS else 24, slower_only=slower)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if (kind := request.GET.get("export", "")) in ("csv", "xlsx"):
            _, connection = self.chosen()
            if connection is None:
                raise Http404("没有可以导出的")
            return export_response(kind, f"语句用时 {connection.code}", LinesTable, self.lines(connection))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found, connection = self.chosen()
        query = self.request.GET.copy()
        query.pop("export", None)
        lines = self.lines(connection) if connection else []
        return super().get_context_data(**kwargs) | {
            "databases": found,
            "connection": connection,
            "reading": next((r for c, r in found if c == connection), None),
            "hours": HOURS,
            "hour": self.request.GET.get("hours", "24"),
            "slower": self.request.GET.get("slower") == "1",
            "lines": [(line, _spark(line)) for line in lines],
            "functions": queries.functions(connection.system.code) if connection and connection.system else [],
            "export_urls": {k: f"?{query.urlencode()}&export={k}" for k in ("xlsx", "csv")} if lines else None,
        }


def _spark(line: queries.Line) -> list[tuple[int, int, int]]:
    """The mean of each day as bars: (x, y, height), the highest 20."""
    means = [mean for _, mean, _ in line.days]
    top = max(means, default=0.0)
    heights = [max(1, round(20 * mean / top)) for mean in means] if top > 0 else []
    return [(10 * n, 22 - height, height) for n, height in enumerate(heights)]


class StatementPage(Page):
    permission = "performance.statement:view"
    template_name = "performance/statement.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Statement.objects.restrict(self.actor, "performance.statement:view")
        statement = get_object_or_404(rows.select_related("connection__system"), pk=self.kwargs["pk"])
        advice = list(statement.advice.select_related("by", "case")[:20])
        history = queries.history(statement)
        return super().get_context_data(**kwargs) | {
            "title": f"{statement.connection.name}的语句",
            "statement": statement,
            "advice": [(a, queries.effect(a)) for a in advice],
            "running": any(a.state == Advice.State.RUNNING for a in advice),
            "chart": _chart(history, advice) if len(history) > 1 else None,
            "can_ask": may(self.actor, "performance.advice:ask"),
            "can_decide": may(self.actor, "performance.advice:decide"),
        }


def _chart(history: list[tuple[Any, float, int]], advice: list[Advice]) -> dict[str, Any]:
    """Mean time and calls by day, with the days on which advice was applied."""
    marks = [{"xAxis": f"{a.applied_at:%m-%d}", "name": "已实施"} for a in advice if a.applied_at]
    return {
        "grid": {"left": 56, "right": 56, "top": 30, "bottom": 26},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [f"{day:%m-%d}" for day, _, _ in history]},
        "yAxis": [{"type": "value", "name": "毫秒", "min": 0}, {"type": "value", "name": "次", "min": 0}],
        "series": [
            {
                "type": "line", "name": "平均用时", "data": [round(mean, 3) for _, mean, _ in history],
                "markLine": {"symbol": "none", "data": marks},
            },
            {"type": "bar", "name": "次数", "yAxisIndex": 1, "data": [calls for _, _, calls in history]},
        ],
    }  # fmt: skip


class Ask(Act):
    permission = "performance.advice:ask"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        rows = Statement.objects.restrict(self.actor, "performance.statement:view").select_related("connection")
        services.ask(self.actor, get_object_or_404(rows, pk=kwargs["pk"]))
        return "已开始在副本上分析，完成后这里会更新"


class Decide(Act):
    """POST what=adopt|decline|apply, reason."""

    permission = "performance.statement:view"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        rows = Advice.objects.select_related("statement__connection__system")
        advice = get_object_or_404(rows, pk=kwargs["advice"], statement_id=kwargs["pk"])
        what = request.POST.get("what", "")
        if what == "adopt":
            case = services.adopt(self.actor, advice)
            return f"已采纳，登记为变更 {case.number}"
        if what == "decline":
            services.decline(self.actor, advice, request.POST.get("reason", ""))
            return "已记下不采纳"
        if what == "apply":
            services.apply(self.actor, advice)
            return "已记下实施时间，从现在起跟踪效果"
        return HttpResponseRedirect(advice.statement.get_absolute_url())
