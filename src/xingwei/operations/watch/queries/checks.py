"""The checks of a guided path, answered from what was collected and from what the probes say at this moment."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor

from ..engine.triage import Event, Finding, Graph
from ..engine.triage import Verdict as Judged
from ..engine.triage.explaining import amount, said
from ..models import Probe, ProbeState
from ..paths import Check, GuidedPath
from ..services.base import WatchRefused
from ..services.probes import look_now

WAIT_S = 4.0  # for the probes to answer; what does not answer is unknown, not normal
FRESH = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """state: ok, fail, unknown. text: the one figure or sentence; url: what it stands on."""

    title: str
    state: str
    text: str
    url: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def look(actor: Actor, path: GuidedPath) -> int:
    """Have all probes of the path look now, in parallel in their process, and wait for what answers in time. Returns
    how many answered."""
    nodes = [n for c in path.checks for n in c.nodes]
    probes = list(Probe.objects.filter(node__in=nodes, active=True)[:60])
    began, asked = timezone.now(), []
    for probe in probes:
        try:
            with transaction.atomic():
                look_now(actor, probe)
            asked.append(probe.pk)
        except WatchRefused:
            break  # nobody watches: the checks will say what is known, and how old it is
    until = time.monotonic() + WAIT_S
    while asked and time.monotonic() < until:
        done = ProbeState.objects.filter(probe__in=asked, at__gte=began).count()
        if done == len(asked):
            return done
        time.sleep(0.15)
    return ProbeState.objects.filter(probe__in=asked, at__gte=began).count() if asked else 0


def answers(path: GuidedPath, graph: Graph, judged: Judged, events: Sequence[Event], at: dt.datetime) -> list[Answer]:
    """One answer a check, in the order of the path."""
    nodes = [n for c in path.checks for n in c.nodes]
    now: dict[str, list[ProbeState]] = {}
    for s in ProbeState.objects.filter(probe__node__in=nodes).select_related("probe"):
        now.setdefault(s.probe.node, []).append(s)
    return [_answer(c, graph, judged, events, now, at) for c in path.checks]


def _answer(
    check: Check,
    graph: Graph,
    judged: Judged,
    events: Sequence[Event],
    now: dict[str, list[ProbeState]],
    at: dt.datetime,
) -> Answer:
    found = [f for f in judged.findings if f.node in check.nodes and _wanted(check, f)]
    bad = max((f for f in found if f.state != "silent"), key=lambda f: (f.strength, f.signal), default=None)
    states = [s for n in check.nodes for s in now.get(n, ()) if s.at >= at - FRESH and s.at <= at + FRESH]
    down = next((s for s in states if s.state != ProbeState.State.OK), None)
    if down is not None and (bad is None or bad.strength < 0.6):
        return Answer(check.title, "fail", down.said or down.get_state_display(), _page(down))
    if bad is not None and bad.strength >= 0.3:
        return Answer(check.title, "fail", said(bad), bad.url)
    if check.errors and (error := _error(check, events, at)):
        return Answer(check.title, "fail", error.text, error.ref)
    if states:
        best = min(states, key=lambda s: s.probe.code)
        text = best.said or (f"{amount(best.ms, '毫秒')}" if best.ms is not None else "正常")
        return Answer(check.title, "ok", text, _page(best))
    if any(judged.states.get(n) == "quiet" for n in check.nodes):
        return Answer(check.title, "ok", "与平时一致")
    if not any(n in graph.nodes for n in check.nodes):
        return Answer(check.title, "unknown", "台账里没有这个部件")
    return Answer(check.title, "unknown", "没有新的测量")


def _wanted(check: Check, f: Finding) -> bool:
    return not check.signals or f.signal in check.signals


def _error(check: Check, events: Sequence[Event], at: dt.datetime) -> Event | None:
    """The most frequent error of the last half hour, if it is not a single one."""
    recent = [
        e for e in events if e.kind == "error" and e.node in check.nodes and e.at >= at - dt.timedelta(minutes=30)
    ]
    recent = [e for e in recent if int(e.data.get("count", 1)) >= 3]
    return max(recent, key=lambda e: (int(e.data.get("count", 1)), e.text), default=None)


def _page(state: ProbeState) -> str:
    """As `series.window` gives it for the curve of the same probe."""
    return f"/watch/probes/{state.probe.code}/"
