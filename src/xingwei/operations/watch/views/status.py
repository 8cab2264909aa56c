"""The status page of the whole hospital, and the business functions with their uptime."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.words import CHINA

from ..engine import uptime as engine
from ..models import FunctionSpan, FunctionWatch, Probe, ProbeChange
from ..queries import states, status, uptime
from .common import WatchPage, clean

BAR_DAYS = 60


class Status(WatchPage):
    permission = "watch.status:view"
    template_name = "watch/status.html"
    title = "运行状态"
    tab = "status"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = status.status()
        found.functions.sort(key=status.sort_key)
        kind, said = found.verdict
        trouble = may(self.actor, "watch.trouble:view")
        causes = [t for t in found.troubles if t.cause_id is None]
        return super().get_context_data(**kwargs) | {
            "s": found, "kind": kind, "said": said, "causes": causes if trouble else [],
            "effects": len(found.troubles) - len(causes), "sees_troubles": trouble,
            "sees_cases": may(self.actor, "desk.case:view"), "sees_probes": may(self.actor, "watch.probe:view"),
        }  # fmt: skip


class Functions(WatchPage):
    permission = "watch.status:view"
    template_name = "watch/functions.html"
    title = "业务功能"
    tab = "functions"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        rows = status.functions_now(now, states.eyes(now))
        since = dt.datetime.combine(timezone.localdate() - dt.timedelta(days=BAR_DAYS - 1), dt.time(), tzinfo=CHINA)
        functions = [r.watch.function for r in rows]
        first = dict.fromkeys((f.pk for f in functions), now)
        for pk, at in (
            FunctionSpan.objects.filter(function__in=functions).order_by("-since").values_list("function_id", "since")
        ):
            first[pk] = at
        parts = uptime.parts_of_all(functions, since, now)
        month = uptime.start_of(timezone.localdate().replace(day=1))
        shown = []
        for row in rows:
            own = engine.cut(parts[row.watch.function_id], max(since, first[row.watch.function_id]), now)
            shown.append({
                "row": row, "bars": uptime.bars(own, BAR_DAYS), "month": engine.count(engine.cut(own, month, now)),
                "target": row.watch.target,
            })  # fmt: skip
        return super().get_context_data(**kwargs) | {"rows": shown, "days": BAR_DAYS, "eyes": states.eyes(now)}


class Function(WatchPage):
    permission = "watch.status:view"
    template_name = "watch/function.html"
    tab = "functions"

    def watched(self) -> FunctionWatch:
        rows = FunctionWatch.objects.select_related("function__system")
        found: FunctionWatch | None = rows.filter(function__code=clean(str(self.kwargs["code"]))).first()
        if found is None:
            raise Http404("没有监测这项业务")
        return found

    def get_title(self) -> str:
        return str(self.watched().function.name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        watched, now = self.watched(), timezone.now()
        eyes = states.eyes(now)
        row = next(r for r in status.functions_now(now, eyes) if r.watch.pk == watched.pk)
        probes = Probe.objects.filter(function=watched.function).select_related("now", "system")
        months = uptime.months(watched)
        asked = self.request.GET.get("prove", "")
        proof = next((uptime.proof(watched, m.first) for m in months if f"{m.first:%Y-%m}" == asked), None)
        spans = FunctionSpan.objects.filter(function=watched.function).order_by("-since")[:40]
        return super().get_context_data(**kwargs) | {
            "watched": watched, "row": row, "months": months, "proof": proof, "asked": asked, "spans": spans,
            "looks": [states.look(p, now) for p in probes], "sees_probes": may(self.actor, "watch.probe:view"),
            "changes": ProbeChange.objects.filter(probe__function=watched.function).select_related("probe")[:20],
        }  # fmt: skip
