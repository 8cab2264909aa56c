"""Probes: the list, one with its charts, and what is done with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage

from .. import charts
from ..engine.baseline import Usual
from ..engine.judging import Limit
from ..forms import ProbeForm
from ..models import Baseline, DayKind, Probe, ProbeChange, Token
from ..probes.base import Kind, ProbeProblem, all_kinds, kind
from ..queries import series, states
from ..services import base, tokens
from ..services import probes as services
from .common import WatchList, WatchPage, probe_or_404, shown_once, tabs

WORDS = {"ok": ("ok", "正常"), "warn": ("warn", "受影响"), "odd": ("warn", "偏离平常"), "down": ("late", "异常"),
         "stale": ("unknown", "看不到"), "off": ("pause", "停用")}  # fmt: skip
WINDOWS = {
    "6h": ("6 小时", 6 / 24),
    "24h": ("24 小时", 1),
    "7d": ("7 天", 7),
    "30d": ("30 天", 30),
    "1y": ("一年", 365),
}
MOST_CHARTS = 24


def _look(row: Probe) -> states.Look:
    return states.look(row, timezone.now())


def _where(row: Probe) -> str:
    node = estate.graph().nodes.get(row.node)
    return node.label if node else row.node


class _Table(Table):
    columns = (
        Column("name", "拨测", kind="title"),
        Column("state", "状态", value=lambda p: WORDS[_look(p).state][1], cell="watch/parts/probe_state.html"),
        Column("node", "对象", value=_where, label_on_phone=True),
        Column("kind", "方式", value=lambda p: _title(p.kind), drop=True),
        Column("said", "情况", value=lambda p: _look(p).said),
        Column("every_s", "间隔（秒）", kind="num", drop=True),
        Column("at", "最近结果", value=lambda p: _look(p).at, kind="time", label_on_phone=True),
    )

    def body(self) -> Any:
        for row in self.rows:
            row.look = _look(row)
            row.look_kind, row.look_word = WORDS[row.look.state]
        return super().body()


def _title(code: str) -> str:
    try:
        return kind(code).title
    except ProbeProblem:
        return code


class Probes(WatchList):
    tab = "probes"
    permission = "watch.probe:view"
    title = "拨测"
    template_name = "watch/probes.html"
    table = _Table
    order = ("code",)
    export_name = "拨测"
    empty = ("还没有拨测", "新建一个，或用命令 xingwei watch import 导入医院的配置文件。")
    filters = (
        Filter("kind", "方式", "kind", icon="category", choices=lambda actor: [(k.code, k.title) for k in all_kinds().values()]),
        Filter("state", "状态", "now__state", icon="progress", choices=(("down", "异常"), ("warn", "受影响"), ("ok", "正常"))),
        Filter("system", "系统", "system__code", icon="stack-2", choices=lambda actor: [(s.code, s.short_name) for s in estate.systems()]),
        Filter("q", "名称", "name__icontains", icon="search", kind="text"),
    )  # fmt: skip

    def get_queryset(self) -> Any:
        return Probe.objects.restrict(self.actor, "watch.probe:view").select_related("now", "system")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        eyes = states.eyes()
        return super().get_context_data(**kwargs) | {"eyes": eyes, "rate": round(eyes.rate)}


class ProbePage(WatchPage):
    permission = "watch.probe:view"
    template_name = "watch/probe.html"
    tab = "probes"

    def get_title(self) -> str:
        return str(self.probe.name)

    @property
    def probe(self) -> Probe:
        return probe_or_404(self.actor, str(self.kwargs["code"]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        probe, now = self.probe, timezone.now()
        chosen = self.request.GET.get("window", "24h")
        chosen = chosen if chosen in WINDOWS else "24h"
        since = now - dt.timedelta(days=WINDOWS[chosen][1])
        look = states.look(probe, now)
        found = _kind(probe)
        node = estate.graph().nodes.get(probe.node)
        return super().get_context_data(**kwargs) | {
            "probe": probe, "look": look, "kind": WORDS[look.state][0], "word": WORDS[look.state][1], "of": found,
            "node": node, "node_url": _node_url(probe.node), "window": chosen,
            "windows": [(k, v[0]) for k, v in WINDOWS.items()],
            "charts": drawn(probe, since, now), "eyes": states.eyes(now),
            "values": _values(probe, found), "limits": _limits(probe, found),
            "changes": ProbeChange.objects.filter(probe=probe)[:30],
            "token": Token.objects.filter(purpose="agent", subject=probe.code, revoked_at=None).first(),
            "push_url": self.request.build_absolute_uri(reverse("watch:push")),
            "looked_at": found is None or found.look is not None,
            "can_change": may(self.actor, "watch.probe:change"), "can_look": may(self.actor, "watch.probe:look"),
        }  # fmt: skip


def _kind(probe: Probe) -> Kind | None:
    try:
        return kind(probe.kind)
    except ProbeProblem:
        return None


def _node_url(key: str) -> str:
    part, _, code = key.partition(":")
    return reverse(f"estate:{part}", args=[code]) if part in {"component", "interface", "function"} and code else ""


def _values(probe: Probe, found: Kind | None) -> list[tuple[str, float, str]]:
    row = getattr(probe, "now", None)
    if row is None or found is None:
        return []
    return [(found.signal(k).title, v, found.signal(k).unit) for k, v in sorted(row.values.items())]


def _limits(probe: Probe, found: Kind | None) -> list[dict[str, Any]]:
    own = [Limit.of(x) for x in probe.limits]
    given = {x.signal for x in own}
    rest = [x for x in (found.limits if found else ()) if x.signal not in given]
    return [
        {
            "limit": x,
            "title": found.signal(x.signal).title if found else x.signal,
            "unit": found.signal(x.signal).unit if found else "",
        }
        for x in [*own, *rest]
        if x.warn is not None or x.down is not None
    ]


def drawn(probe: Probe, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
    """The probe's charts: those that are far from usual first, then as the kind names them."""
    keys = series.keys(probe=probe.code)
    tracks = series.tracks(keys, since, until)
    usual = {b.series.key: b for b in Baseline.objects.filter(series__key__in=keys).select_related("series")}
    weekdays = dict(DayKind.objects.filter(day__gte=since.date()).values_list("day", "weekday"))
    blind = states.blind(since, until)
    quiet = states.Maintenance(since, until).of(probe.node, probe.system.code if probe.system else "")
    odd = getattr(getattr(probe, "now", None), "odd", {})
    found = _kind(probe)
    limits = {x["limit"].signal: x["limit"] for x in _limits(probe, found)}
    order = {s.name: n for n, s in enumerate(found.signals)} if found else {}
    out: list[dict[str, Any]] = []
    for key in sorted(tracks, key=lambda k: (tracks[k].signal not in odd, order.get(tracks[k].signal, 99), k))[
        :MOST_CHARTS
    ]:
        track = tracks[key]
        limit = limits.get(track.signal)
        marks = [(w, v) for w, v in (("受影响", limit.warn), ("异常", limit.down)) if v is not None] if limit else []
        baseline = usual.get(key)
        out.append({
            "id": f"chart-{len(out)}", "title": track.title, "unit": track.unit, "odd": odd.get(track.signal),
            "last": track.last, "days": baseline.days if baseline else 0, "drift": baseline.drift_said if baseline else "",
            "option": charts.against_usual(track, usual_of(baseline), since, until, every_s=probe.every_s, weekdays=weekdays,
                                           blind=blind, quiet=quiet, limits=marks),
            "empty": not len(track.times),
        })  # fmt: skip
    return out


def usual_of(row: Baseline | None) -> Usual | None:
    if row is None:
        return None
    mid, spread = (np.array([np.nan if v is None else v for v in values]) for values in (row.mid, row.spread))
    return Usual(mid, spread, float(row.level or 0), row.days)


class EditProbe(FormPage):
    permission = "watch.probe:change"
    template_name = "watch/probe_form.html"
    refusals = (base.WatchRefused,)

    @property
    def probe(self) -> Probe | None:
        code = self.kwargs.get("code")
        return probe_or_404(self.actor, str(code), "watch.probe:change") if code else None

    def get_title(self) -> str:
        probe = self.probe
        return f"修改 {probe.name}" if probe else "新建拨测"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        probe = self.probe
        return ProbeForm(data, probe=probe, initial=ProbeForm.initial_of(probe) if probe else {"every_s": 60})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "probes")}

    def get_back_url(self) -> str:
        probe = self.probe
        return probe.get_absolute_url() if probe else reverse("watch:probes")

    def act(self, form: Any) -> HttpResponseBase:
        probe = self.probe
        data = dict(form.cleaned_data)
        code = probe.code if probe else data.pop("code")
        if probe is None and Probe.objects.filter(code=code).exists():
            raise base.WatchRefused(f"代码“{code}”已经有了，请换一个。")
        row = services.save(self.actor, code, data | {"active": probe.active if probe else True})
        return self.done(f"{row.name} 已保存，几秒内启用", row.get_absolute_url())


class SwitchProbe(Act):
    permission = "watch.probe:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        probe = probe_or_404(self.actor, str(kwargs["code"]), "watch.probe:change")
        active = request.POST.get("active") == "1"
        row = services.switch(self.actor, probe, active=active, reason=base.reason_of(request.POST.get("reason", "")))
        return f"{row.name} 已{'启用' if active else '停用'}"


class RemoveProbe(Act):
    permission = "watch.probe:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        probe = probe_or_404(self.actor, str(kwargs["code"]), "watch.probe:change")
        if request.POST.get("name", "").strip() != probe.name:
            raise base.WatchRefused("名称与要删除的拨测不符，没有删除。")
        services.remove(self.actor, probe, reason=base.reason_of(request.POST.get("reason", "")))
        return f"{probe.name} 已删除"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("watch:probes")


class LookNow(Act):
    permission = "watch.probe:look"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.look_now(self.actor, probe_or_404(self.actor, str(kwargs["code"]), "watch.probe:look"))
        return "已要求立即拨测，结果几秒内出现在本页"


class AgentToken(Act):
    permission = "watch.probe:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        probe = probe_or_404(self.actor, str(kwargs["code"]), "watch.probe:change")
        _, text = tokens.issue(self.actor, "agent", probe.code)
        address = request.build_absolute_uri(reverse("watch:push"))
        return shown_once(
            request, f"{probe.name}：代理口令", text, probe.get_absolute_url(),
            [("把代理程序（agent.py）放到主机上，每分钟运行一次：", f"XINGWEI_TOKEN={text} python3 agent.py {address}")],
        )  # fmt: skip
