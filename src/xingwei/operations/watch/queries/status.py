"""The whole hospital at a look: what works, what does not and since when, what is being done, what nobody sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import System
from xingwei.service.desk.models import Case

from ..models import FunctionSpan, FunctionWatch, MaintenanceWindow, Trouble
from . import states
from .states import Eyes, Look

ACTIVE = (Trouble.State.FIRING, Trouble.State.ENDING)
KIND = {"up": "ok", "slow": "warn", "down": "late", "unknown": "unknown", "maintenance": "pause"}
GLYPH = {
    "up": "circle-check",
    "slow": "alert-triangle",
    "down": "alert-circle",
    "unknown": "eye-off",
    "maintenance": "tool",
}
_ORDER = {"down": 0, "slow": 1, "unknown": 2, "maintenance": 3, "up": 4}


@dataclass(slots=True)
class FunctionNow:
    """A watched function as it is: up, slow, down, unknown, maintenance."""

    watch: FunctionWatch
    state: str
    since: dt.datetime | None
    said: str
    case: Case | None = None

    @property
    def kind(self) -> str:
        return KIND[self.state]

    @property
    def glyph(self) -> str:
        return GLYPH[self.state]

    @property
    def word(self) -> str:
        return "维护中" if self.state == "maintenance" else str(FunctionSpan.State(self.state).label)


@dataclass(slots=True)
class SystemNow:
    system: System
    state: str
    word: str
    bad: list[Look] = field(default_factory=list)
    total: int = 0


@dataclass(slots=True)
class Status:
    at: dt.datetime
    eyes: Eyes
    functions: list[FunctionNow]
    systems: list[SystemNow]
    troubles: list[Trouble]
    stale: list[Look]
    windows: list[MaintenanceWindow]
    coming: list[MaintenanceWindow]

    @property
    def verdict(self) -> tuple[str, str]:
        """(kind, sentence)."""
        if not self.eyes.alive:
            since = f"自 {timezone.localtime(self.eyes.since):%m-%d %H:%M:%S} 起" if self.eyes.since else ""
            return "unknown", f"监测没有在运行：{since}看不到，下面是最后一次看到的样子"
        down = [f for f in self.functions if f.state == "down"]
        slow = [f for f in self.functions if f.state == "slow"]
        dark = [f for f in self.functions if f.state == "unknown"]
        if down:
            return "late", f"{len(down)} 项业务中断：{'、'.join(f.watch.function.name for f in down)}"
        if slow:
            return "warn", f"{len(slow)} 项业务受影响：{'、'.join(f.watch.function.name for f in slow)}"
        if dark:
            return "unknown", f"{len(self.functions) - len(dark)} 项业务正常，{len(dark)} 项看不到"
        if not self.functions:
            return "unknown", "还没有配置要监测的业务功能"
        return "ok", f"{len(self.functions)} 项业务全部正常"


def status(now: dt.datetime | None = None) -> Status:
    """Everything for the status page, in a fixed number of queries."""
    at = now or timezone.now()
    eyes = states.eyes(at)
    looks = states.looks(now=at)
    troubles = list(
        Trouble.objects.filter(state__in=ACTIVE)
        .select_related("system", "case", "cause")
        .order_by("severity", "began_at")[:100]
    )
    current = states.windows(at, at + dt.timedelta(seconds=1))
    coming = list(
        MaintenanceWindow.objects.filter(since__gt=at, since__lt=at + dt.timedelta(days=7), cancelled_at=None).order_by(
            "since"
        )[:10]
    )
    return Status(
        at, eyes, functions_now(at, eyes, troubles), systems_now(looks), troubles,
        [x for x in looks if x.state == "stale"], current, coming,
    )  # fmt: skip


def functions_now(now: dt.datetime, eyes: Eyes, troubles: Sequence[Trouble] = ()) -> list[FunctionNow]:
    """While nobody watches, everything is unknown since then."""
    spans = {s.function_id: s for s in FunctionSpan.objects.filter(until=None)}
    cases = {t.node: (t.case or (t.cause.case if t.cause else None)) for t in troubles}
    shared = states.Maintenance(now, now + dt.timedelta(seconds=1))
    out = []
    for row in FunctionWatch.objects.select_related("function__system").order_by("order"):
        function, span = row.function, spans.get(row.function_id)
        state, since, said = (span.state, span.since, span.said) if span else ("unknown", None, "还没有结果")
        if not eyes.alive:
            state, since, said = "unknown", eyes.since, "监测没有在运行"
        if any(a <= now < b for a, b in shared.of(function.key, function.system.code)):
            state, said = "maintenance", "在维护窗口内"
        out.append(FunctionNow(row, state, since, said, cases.get(function.key)))
    return out


def systems_now(looks: Sequence[Look]) -> list[SystemNow]:
    """Each system by the probes of its parts; what nobody probes says so."""
    graph = estate.graph()
    gathered: dict[str, list[Look]] = {}
    for look in looks:
        node = graph.nodes.get(look.probe.node)
        code = look.probe.system.code if look.probe.system else (node.system if node else "")
        if code and look.state != "off":
            gathered.setdefault(code, []).append(look)
    out = []
    for system in estate.systems():
        own = gathered.get(system.code, [])
        bad = [x for x in own if x.bad]
        worst = "down" if any(x.state == "down" for x in bad) else "slow" if bad else "up"
        if not own:
            worst, word = "unknown", "没有拨测"
        elif all(x.state == "stale" for x in own):
            worst, word = "unknown", "看不到"
        else:
            word = f"{len(own) - len(bad)} / {len(own)} 正常"
        out.append(SystemNow(system, worst, word, bad, len(own)))
    return out


def sort_key(row: FunctionNow) -> tuple[int, int]:
    return _ORDER[row.state], row.watch.order


def context_of(kind: str) -> dict[str, Any]:
    return {"kind": KIND.get(kind, "unknown"), "glyph": GLYPH.get(kind, "help-circle")}
