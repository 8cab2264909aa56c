"""One scene: a moment, a load, one or two faults (or none), what probes and logs have of it, what people say, and what
has nothing to do with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xingwei.operations.watch.engine.triage import Event, Graph, Series

from .kinds import KINDS, Kind
from .readings import Marks, chosen, measure
from .world import CHINA, Floats, Trouble, World

VAGUE = ("系统卡", "慢得很", "转圈", "用不了了", "打不开", "不好使", "提示错误", "又坏了")
GENERIC = ("操作超时，请稍后再试", "HTTP 500", "Read timed out", "服务暂不可用", "connect timed out")
CHATTER = ("参数校验未通过", "患者信息不存在", "重复提交已忽略", "会话已过期，请重新登录", "库存不足")
UPKEEP = (
    "更换交换机标签",
    "新增科室",
    "例行重启",
    "版本小更新",
    "调整定时任务时间",
    "新增用户 12 人",
    "打印模板微调",
    "清理旧日志",
)
LOGGED = 0.95


@dataclass(frozen=True, slots=True)
class Truth:
    code: str
    node: str
    layer: str
    party: str


@dataclass(slots=True)
class Scene:
    graph: Graph
    series: dict[str, Series]
    events: list[Event]
    at: dt.datetime
    truths: list[Truth]
    onset: dt.datetime
    kind: str = "single"


@dataclass(slots=True)
class _Making:
    world: World
    trouble: Trouble = field(default_factory=Trouble)
    marks: Marks = field(default_factory=Marks)
    events: list[Event] = field(default_factory=list)
    reports: list[tuple[Kind, str, list[str], dt.datetime]] = field(default_factory=list)


def moment(rng: np.random.Generator, hours: Sequence[int] = ()) -> dt.datetime:
    """Some day of 2026; mornings more often, nights too."""
    day = dt.date(2026, 1, 5) + dt.timedelta(days=int(rng.integers(0, 300)))
    usual = [8, 9, 10, 11, 13, 14, 15, 16, 17, 19, 21, 23, 2, 5]
    weights = np.array([3, 4, 4, 3, 1, 3, 3, 2, 1, 1, 1, 1, 1, 1], float)
    hour = int(rng.choice(hours)) if hours else int(rng.choice(usual, p=weights / weights.sum()))
    minute = int(rng.integers(18, 50)) if hours == (0,) else int(rng.integers(0, 60))
    return dt.datetime.combine(day, dt.time(hour, minute), CHINA)


def scene(
    rng: np.random.Generator,
    kinds: Sequence[Kind],
    *,
    at: dt.datetime | None = None,
    absent: float = 0.03,
    stale: float = 0.015,
) -> Scene:
    """A scene with these faults at once; none for a quiet one."""
    hours: tuple[int, ...] = next((k.hours for k in kinds if k.hours), ())
    at = at or moment(rng, hours)
    level = float(rng.uniform(0.55, 1.25))
    making = _Making(World(at, level, rng))
    truths, onsets = [], []
    for kind in kinds:
        truth, onset = _strike(making, kind, {t.node for t in truths})
        truths.append(truth)
        onsets.append(onset)
    _innocent(making)
    series = measure(making.world, making.trouble, making.marks, absent, stale)
    _say(making)
    events = sorted(
        (e for e in making.events if e.at <= at or e.kind == "notice"), key=lambda e: (e.at, e.node, e.text)
    )
    return Scene(
        making.world.graph,
        series,
        events,
        at,
        truths,
        min(onsets, default=at),
        "double" if len(kinds) > 1 else "single",
    )


def _strike(m: _Making, kind: Kind, taken: set[str]) -> tuple[Truth, dt.datetime]:
    world, rng = m.world, m.world.rng
    places = [n for n in chosen(world, kind.at) if n not in taken]
    node = str(rng.choice(places))
    ago = float(rng.uniform(30, 75)) if kind.shape == "ramp" else float(rng.uniform(4, 16))
    if kind.hours == (0,):
        ago = float(world.at.minute)
    onset = world.at - dt.timedelta(minutes=ago)
    shape = _shape(world, kind.shape, onset)
    for signal, (mode, low, high) in kind.own.items():
        _mark(m, node, signal, mode, float(rng.uniform(low, high)), shape)
    _beside(m, kind, node, shape)
    hit = _hit(m, kind, node, shape)
    _talk(m, kind, node, onset)
    m.reports.append((kind, node, hit, onset))
    owner = str(world.graph.nodes[node].owner)
    party = {"owner": owner, "changer": kind.change[0] if kind.change else owner}.get(kind.party, kind.party)
    return Truth(kind.code, node, kind.layer, party), onset


def _shape(world: World, shape: str, onset: dt.datetime) -> Floats:
    since = world.times - onset.timestamp()
    if shape == "ramp":
        whole = world.at.timestamp() - onset.timestamp()
        return np.clip(since / (0.6 * whole), 0.0, 1.0)
    on = (since >= 0).astype(float)
    if shape == "flap":
        burst = np.repeat(world.rng.random(len(since) // 2 + 1) < 0.7, 2)[: len(since)]
        first = (since >= 0) & (since < 120)
        return on * np.where(first, 1.0, burst)
    return on


def _mark(m: _Making, node: str, signal: str, mode: str, value: float, shape: Floats) -> None:
    if mode == "set":
        rows = np.where(shape > 0, value, np.nan)
        if shape.min() > 0 or (np.unique(shape).size > 2):  # creeping up to it
            start = 60.0 if value > 50 else 0.0
            rows = np.where(shape > 0, start + (value - start) * np.maximum(shape, 0.02), np.nan)
    elif mode == "times":
        rows = np.where(shape > 0, 1.0 + (value - 1.0) * shape, 0.0)
    else:
        rows = value * shape
    m.marks.add(node, signal, mode, rows)


def _beside(m: _Making, kind: Kind, node: str, shape: Floats) -> None:
    """What else the fault does, at parts next to it."""
    if not kind.beside:
        return
    graph, words = m.world.graph, kind.beside.split()
    where, signal, mode, low, high = words if len(words) == 5 else ["", *words]
    if where == "device":
        targets = [n for n in graph.needs[node] if graph.nodes[n].kind == "device"]
    elif signal.startswith("db."):
        targets = [n for n in graph.needed_by[node] if graph.nodes[n].kind == "database"]
    else:
        targets = [node]
    for target in targets:
        _mark(m, target, signal, mode, float(m.world.rng.uniform(float(low), float(high))), shape)


def _hit(m: _Making, kind: Kind, node: str, shape: Floats) -> list[str]:
    """Put delay and failures where the fault strikes; the functions that feel it."""
    world, rng = m.world, m.world.rng
    slow = float(rng.uniform(*kind.slow)) if kind.slow else 0.0
    fail = float(rng.uniform(*kind.fail)) if kind.fail else 0.0
    behind = world.dependents(node)
    if kind.scope == "surge":
        world.surge = world.surge * (1.0 + shape * float(rng.uniform(0.9, 1.6)))
        return behind
    if node.startswith("function:"):
        return [node]
    places = [node]
    if kind.scope == "reports":
        return [str(f) for f in rng.choice(behind, min(2, len(behind)), replace=False)]
    if kind.scope == "yb":
        places = [k for k in world.graph.nodes if k.startswith("interface:yb-") and k != "interface:yb-9001"]
    elif kind.scope == "big":
        slow, fail = float(rng.uniform(25, 50)), float(rng.uniform(0.5, 0.9))
        places = [f"interface:yb-{n}" for n in ("2204", "2301", "4101", "3202")]
    elif kind.scope == "beyond":
        users = sorted(world.graph.needed_by[node])
        places = [n for n in users if world.graph.nodes[n].kind == "third_party"]
        places = [str(rng.choice(places))] if places else [node]
    elif kind.scope in {"few", "half"} and behind:
        n = int(rng.integers(1, 3)) if kind.scope == "few" else max(1, len(behind) // 2)
        places = [str(f) for f in rng.choice(behind, min(n, len(behind)), replace=False)]
        share = len(places) / len(behind)
        for app in [k for k in {node, *world.graph.needed_by[node]} if world.graph.nodes[k].kind == "application"]:
            _average(m, app, slow * share, fail * share, shape)
    for place in places:
        m.trouble.add(place, slow * shape if slow else None, fail * shape if fail else None)
    return sorted({f for p in places for f in ([p] if p.startswith("function:") else world.dependents(p))})


def _average(m: _Making, app: str, slow: float, fail: float, shape: Floats) -> None:
    """An application's own figures are averages over its functions."""
    if slow:
        m.marks.add(app, "app.rt", "add", slow * shape)
    if fail:
        m.marks.add(app, "app.err", "add", fail * shape)


def _talk(m: _Making, kind: Kind, node: str, onset: dt.datetime) -> None:
    world, rng = m.world, m.world.rng
    if kind.texts and rng.random() < LOGGED:
        text = str(rng.choice(kind.texts))
        for place in _who_logs(world, node, kind):
            m.events.append(
                Event(_soon(rng, onset, world.at), "error", place, text, data={"count": int(rng.integers(3, 300))})
            )
    if kind.change:
        by, low, high, texts = kind.change
        m.events.append(
            Event(
                onset - dt.timedelta(hours=float(rng.uniform(low, high))), "change", node, str(rng.choice(texts)), by=by
            )
        )
    if kind.lock and rng.random() < LOGGED:
        m.events.append(
            Event(
                _soon(rng, onset, world.at),
                "lock",
                node,
                "锁等待链的头",
                by=str(kind.lock["owner"]),
                data=dict(kind.lock),
            )
        )
    if kind.audit:
        by, texts = kind.audit
        when = onset - dt.timedelta(minutes=float(rng.uniform(1, 40)))
        m.events.append(Event(when, "audit", node, str(rng.choice(texts)), by=by))
    if kind.notice:
        m.events.append(
            Event(onset - dt.timedelta(hours=float(rng.uniform(2, 60))), "notice", node, str(rng.choice(kind.notice)))
        )


def _who_logs(world: World, node: str, kind: Kind) -> list[str]:
    """Texts stand in the log of who calls: a third party's and a link's are seen by interfaces, a database's by
    applications."""
    graph, rng = world.graph, world.rng
    own = graph.nodes[node].kind
    if kind.scope in {"yb", "big"}:
        return ["interface:yb-2207", "interface:yb-2204"]
    if own in {"interface", "application", "function"}:
        return [node]
    near = sorted(n for n in graph.needed_by[node] if graph.nodes[n].kind in {"application", "interface"})
    further = sorted(s for n in graph.needed_by[node] for s in graph.needed_by[n] if graph.nodes[s].kind == "interface")
    pool = near if own == "database" else (near + further)
    return [str(n) for n in rng.choice(pool, min(2, len(pool)), replace=False)] if pool else []


def _soon(rng: np.random.Generator, onset: dt.datetime, at: dt.datetime) -> dt.datetime:
    return min(at, onset + dt.timedelta(minutes=float(rng.uniform(0.2, 4))))


def _say(m: _Making) -> None:
    """What people report: some of it vague, some about the wrong function; and what logs say of what merely suffers."""
    world, rng = m.world, m.world.rng
    slow, fail, _ = world.felt(m.trouble)
    for kind, _node, hit, onset in m.reports:
        must = kind.scope == "reports" or kind.layer in {"客户端", "用户操作"}
        calls = int(rng.integers(1, 3)) if must else int(rng.integers(0, 4))
        for _ in range(calls if hit else 0):
            place = str(rng.choice(hit))
            if not must and rng.random() < 0.2:
                place = str(rng.choice(world.functions))
            vague = rng.random() < 0.3 and not (must and calls == 1)
            text = str(rng.choice(VAGUE if vague else kind.words)) if kind.words else str(rng.choice(VAGUE))
            terminals = int(rng.integers(kind.terminals[0], kind.terminals[1] + 1))
            when = min(world.at, onset + dt.timedelta(minutes=float(rng.uniform(1, 10))))
            m.events.append(
                Event(when, "report", place, text, data={"terminals": terminals, "places": max(1, terminals // 8)})
            )
    ill = [k for k in world.functions if fail[k][-1] > 0.3 or slow[k][-1] > 8]
    for place in rng.choice(ill, min(3, len(ill)), replace=False) if ill else []:
        when = world.at - dt.timedelta(minutes=float(rng.uniform(0, 4)))
        m.events.append(
            Event(when, "error", str(place), str(rng.choice(GENERIC)), data={"count": int(rng.integers(2, 90))})
        )


def _innocent(m: _Making) -> None:
    world, rng = m.world, m.world.rng
    parts = [k for k in world.graph.nodes if not k.startswith("function:")]
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            when = world.at - dt.timedelta(hours=float(rng.uniform(0.3, 70)))
            by = str(rng.choice(["vendor", "hospital", "third_party"]))
            m.events.append(Event(when, "change", str(rng.choice(parts)), str(rng.choice(UPKEEP)), by=by))
    logs = [k for k in parts if k.startswith("interface:") or k.endswith("-APP")]
    for _ in range(int(rng.integers(0, 4))):
        when = world.at - dt.timedelta(minutes=float(rng.uniform(0, 80)))
        m.events.append(
            Event(
                when, "error", str(rng.choice(logs)), str(rng.choice(CHATTER)), data={"count": int(rng.integers(1, 5))}
            )
        )


def draw(rng: np.random.Generator, first: Kind, double: bool) -> Scene:
    """A scene around this kind, with another one of another sort beside it where double."""
    kinds = [first]
    if double:

        def serious(k: Kind) -> bool:
            return k.layer not in {"客户端", "用户操作"} and k.scope != "reports" and (not k.hours or not first.hours)

        others = [k for k in KINDS if serious(k) and k.layer != first.layer]
        kinds.append(others[int(rng.integers(0, len(others)))])
    return scene(rng, kinds)
