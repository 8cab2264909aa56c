"""What was changed in the last days: cases of change and upgrade, parameters, rules and code maps of the gateway,
announced windows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q

from xingwei.base.estate.models import Component, ParameterValue
from xingwei.operations.gateway.models import CodeMapVersion, RouteVersion
from xingwei.service.desk.models import Case

from ...engine.triage import Event, Graph
from ...models import MaintenanceWindow

BACK = dt.timedelta(hours=72)
_SIDE = {"hospital": "hospital", "vendor": "vendor", "third": "third_party"}


def events(at: dt.datetime, graph: Graph) -> list[Event]:
    since = at - BACK
    apps = _apps(graph)
    return [*_cases(since, at, apps), *_parameters(since, at, apps), *_released(since, at, graph), *_windows(since, at)]


def _apps(graph: Graph) -> dict[str, list[str]]:
    """System → its applications: where a change of the system strikes."""
    out: dict[str, list[str]] = {}
    for c in Component.objects.filter(active=True, kind="application").select_related("system"):
        if c.system and c.key in graph.nodes:
            out.setdefault(c.system.code, []).append(c.key)
    return out


def _cases(since: dt.datetime, at: dt.datetime, apps: dict[str, list[str]]) -> Iterable[Event]:
    rows = Case.objects.filter(kind__in=("change", "upgrade"), opened_at__lte=at).filter(
        Q(resolved_at__gte=since, resolved_at__lte=at) | Q(resolved_at=None, opened_at__gte=since)
    )
    for case in rows.select_related("system", "interface", "registered_by__organisation")[:60]:
        when = case.resolved_at or case.opened_at
        by = _SIDE.get(case.registered_by.organisation.side, "") if case.registered_by else ""
        nodes = [case.interface.key] if case.interface else apps.get(case.system.code, [])[:1] if case.system else []
        for node in nodes or [""]:
            yield Event(when, "change", node, f"{case.number} {case.title}", by=by, ref=case.get_absolute_url())


def _parameters(since: dt.datetime, at: dt.datetime, apps: dict[str, list[str]]) -> Iterable[Event]:
    rows = ParameterValue.objects.filter(changed_at__gte=since, changed_at__lte=at)
    for v in rows.select_related("parameter__system", "changed_by__organisation")[:60]:
        by = _SIDE.get(v.changed_by.organisation.side, "") if v.changed_by else ""
        text = f"参数“{v.parameter.name}”由 {v.before or '默认值'} 改为 {v.value}"
        node = next(iter(apps.get(v.parameter.system.code, [])), "")
        yield Event(v.changed_at, "change", node, text, by=by, ref=v.parameter.get_absolute_url())


def _released(since: dt.datetime, at: dt.datetime, graph: Graph) -> Iterable[Event]:
    routes = RouteVersion.objects.filter(released_at__gte=since, released_at__lte=at)
    for r in routes.select_related("route__source__interface")[:40]:
        interface = r.route.source.interface
        node = interface.key if interface and interface.key in graph.nodes else ""
        text = f"路由“{r.route.name}”发布第 {r.number} 版：{r.note}".rstrip("：")
        yield Event(r.released_at or at, "change", node, text, by="vendor", ref=r.route.get_absolute_url())
    for m in CodeMapVersion.objects.filter(released_at__gte=since, released_at__lte=at).select_related("map")[:40]:
        text = f"对照表“{m.map.name}”发布第 {m.number} 版：{m.note}".rstrip("：")
        yield Event(m.released_at or at, "change", "", text, by="vendor", ref=m.map.get_absolute_url())


def _windows(since: dt.datetime, at: dt.datetime) -> Iterable[Event]:
    rows = MaintenanceWindow.objects.filter(until__gte=at, since__lte=at, cancelled_at=None)
    for w in rows.select_related("case")[:20]:
        ref = w.case.get_absolute_url() if w.case else ""
        for node in w.nodes:
            yield Event(w.since, "notice", node, w.title, ref=ref)
