"""What the watch found: causes with their effects, and one trouble with its evidence."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table

from ..models import Probe, ProbeChange, Trouble
from ..queries import states
from .common import WatchList, WatchPage
from .probes import WORDS


class _Table(Table):
    columns = (
        Column("label", "对象", kind="title"),
        Column("state", "状态", value="get_state_display", cell="watch/parts/trouble_state.html"),
        Column("kind", "类别", value="get_kind_display"),
        Column("fact", "情况"),
        Column("cause", "起因", value=lambda t: t.cause.label if t.cause else "", label_on_phone=True),
        Column("case", "问题单", value=lambda t: t.case.number if t.case else ("维护窗口内不登记" if t.muted else "")),
        Column("began_at", "发生", kind="time", label_on_phone=True),
        Column("cleared_at", "恢复", kind="time", label_on_phone=True),
        Column("times", "第几次", kind="num", drop=True),
    )


class Troubles(WatchList):
    """Troubles, those that last first in time."""

    tab = "troubles"
    permission = "watch.trouble:view"
    title = "发现的故障"
    lead = "一处故障登记一件问题，受牵连的归到起因之下；恢复后自动记录并关闭"
    table = _Table
    order = ("-since", "-pk")
    export_name = "监测发现的故障"
    empty = ("没有发现故障", "拨测不通、超过界限、偏离平常、缓慢变差、任务逾期，都会在这里出现。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=Trouble.State.choices),
        Filter("kind", "类别", "kind", icon="category", choices=Trouble.Kind.choices),
        Filter("system", "系统", "system__code", icon="stack-2", choices=lambda actor: [(s.code, s.short_name) for s in estate.systems()]),
    )  # fmt: skip

    def get_queryset(self) -> Any:
        rows = Trouble.objects.restrict(self.actor, "watch.trouble:view").select_related("system", "case", "cause")
        return rows.exclude(times=0, state__in=["quiet"])


class TroublePage(WatchPage):
    permission = "watch.trouble:view"
    template_name = "watch/trouble.html"
    tab = "troubles"

    @property
    def trouble(self) -> Trouble:
        rows = Trouble.objects.restrict(self.actor, "watch.trouble:view").select_related("system", "case", "cause")
        found: Trouble | None = rows.filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404("没有这处故障，或您不能看它")
        return found

    def get_title(self) -> str:
        return str(self.trouble)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        trouble, now = self.trouble, timezone.now()
        graph = estate.graph()
        probes = Probe.objects.filter(code__in=trouble.probes).select_related("now", "system")
        looks = [states.look(p, now) for p in probes]
        reach = [graph.nodes[k] for k in graph.affected_by(trouble.node)] if trouble.node in graph.nodes else []
        return super().get_context_data(**kwargs) | {
            "t": trouble, "looks": [(x, *WORDS[x.state]) for x in looks],
            "effects": trouble.effects.filter(state__in=["firing", "ending"]).select_related("system"),
            "functions": sorted((n for n in reach if n.kind == "function"), key=lambda n: (not n.window, n.label)),
            "changes": ProbeChange.objects.filter(probe__code__in=trouble.probes).select_related("probe")[:30],
            "sees_probes": may(self.actor, "watch.probe:view"),
        }  # fmt: skip
