"""A hospital of which everything is known: how its parts need each other, and how trouble travels along that.

The parts and what needs what are those of `estates/guangyuan`. Trouble is two numbers at a part, minute by minute: how
many seconds a call through it takes longer, and what share of the calls through it fails. Both travel from what is
needed to who needs it, as far as it is used, some minutes late. Threads of an application are held for as long as its
calls last, so that one slow outside call can stop functions that never make it. People try again where it fails, which
is load. Hosts are shared. Nothing here knows how a suspect is found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from xingwei.operations.watch.engine.triage import Edge, Graph, Node

from ..frame import REPO

Floats = NDArray[np.float64]
CHINA = dt.timezone(dt.timedelta(hours=8))
VENDOR, HOSPITAL, CARRIER = {"jinyun"}, {"gyszx"}, {"yunying"}
LONGEST_S = 60.0  # then a client gives up
HISTORY_DAYS = 8
LIVE_S = 5 * 3600.0
_EDGES = ("runs_on", "stores_in", "connects", "calls")


@cache
def hospital() -> Graph:
    """The graph of the estate, with who answers for each part."""

    def rows(name: str) -> list[dict[str, Any]]:
        text = (REPO / "estates" / "guangyuan" / f"{name}.yaml").read_text(encoding="utf-8")
        return list(yaml.safe_load(text)[name])

    nodes, edges = [], []
    components, interfaces = rows("components"), rows("interfaces")
    for row in components:
        key = f"component:{row['code']}"
        nodes.append(
            Node(key, row["name"], row["kind"], party_of(row), row.get("responsible", ""), row.get("system", ""))
        )
        edges += [Edge(key, f"component:{c}", kind) for kind in _EDGES for c in row.get(kind, ())]
    for row in interfaces:
        key = f"interface:{row['code']}"
        nodes.append(Node(key, row["name"], "interface", "vendor", "jinyun", row["system"]))
        edges += [Edge(key, f"component:{c}", "calls") for c in row.get("calls", ())]
    inner = {row["code"] for row in interfaces}
    for row in rows("functions"):
        key = f"function:{row['code']}"
        nodes.append(Node(key, row["name"], "function", "vendor", "jinyun", row["system"]))
        edges += [
            Edge(key, f"{'interface' if c in inner else 'component'}:{c}", "serves") for c in row.get("needs", ())
        ]
    return Graph(nodes, edges)


def party_of(row: dict[str, Any]) -> str:
    who = row.get("responsible", "")
    if who in VENDOR:
        return "vendor"
    if who in HOSPITAL:
        return "hospital"
    if who in CARRIER:
        return "carrier"
    return "third_party" if who or row["kind"] == "third_party" else "hospital"


def times_for(at: dt.datetime) -> Floats:
    """Five hours by the minute, and about the same time of day on the days before, every five minutes."""
    now = at.timestamp()
    old = [now - d * 86_400.0 + np.arange(-2_700.0, 2_701.0, 300.0) for d in range(HISTORY_DAYS, 0, -1)]
    return np.concatenate([*old, np.arange(now - LIVE_S, now + 1.0, 60.0)])


def load(times: Floats, level: float) -> Floats:
    """Visits, 0 to about 1.3: high in the morning, less at weekends."""
    hours = ((times + 8 * 3600) / 3600) % 24
    day = (np.floor((times + 8 * 3600) / 86_400) + 3) % 7
    curve = (
        0.06
        + 0.95 * np.exp(-(((hours - 9.6) / 1.6) ** 2))
        + 0.62 * np.exp(-(((hours - 15.0) / 1.5) ** 2))
        + 0.12 * np.exp(-(((hours - 20.0) / 2.5) ** 2))
    )
    return np.asarray(level * curve * np.where(day >= 5, 0.5, 1.0))


@dataclass(slots=True)
class Trouble:
    """What a fault does at parts: extra seconds and share of failures, by moments."""

    slow: dict[str, Floats] = field(default_factory=dict)
    fail: dict[str, Floats] = field(default_factory=dict)

    def add(self, node: str, slow: Floats | None = None, fail: Floats | None = None) -> None:
        if slow is not None:
            self.slow[node] = self.slow[node] + slow if node in self.slow else slow
        if fail is not None:
            self.fail[node] = np.maximum(self.fail.get(node, np.zeros_like(fail)), fail)


class World:
    """One hospital at one moment: how much each part is used, and what is felt where."""

    def __init__(self, at: dt.datetime, level: float, rng: np.random.Generator, surge: Floats | None = None) -> None:
        self.graph, self.at, self.rng = hospital(), at, rng
        self.times = times_for(at)
        self.load = load(self.times, level)
        self.surge = surge if surge is not None else np.ones_like(self.times)
        self.functions = [k for k in self.graph.nodes if k.startswith("function:")]
        self.rate = {f: float(rng.lognormal(1.9, 0.8)) for f in self.functions}
        self.use = {(e.source, e.target): self._use(e) for e in self.graph.edges}
        self.pool = {k: float(rng.uniform(2.2, 4.5)) for k, n in self.graph.nodes.items() if n.kind == "application"}

    def _use(self, edge: Edge) -> float:
        """What share of the source's calls goes through the target."""
        source, target = self.graph.nodes[edge.source].kind, self.graph.nodes[edge.target].kind
        if edge.kind in {"runs_on", "stores_in"} or source in {"interface", "function"}:
            return 1.0
        if edge.kind == "connects":
            access = target == "link" and edge.target != "component:LINK-CORE" and source == "application"
            return float(self.rng.uniform(0.25, 0.6)) if access else 1.0
        return float(self.rng.uniform(0.04, 0.3))

    def felt(self, trouble: Trouble) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Floats]]:
        """Seconds and failures as callers of each part feel them, and the share of threads that is busy."""
        graph, zero = self.graph, np.zeros_like(self.times)
        slow = {k: trouble.slow.get(k, zero) for k in graph.nodes}
        fail = {k: trouble.fail.get(k, zero) for k in graph.nodes}
        queue: dict[str, Floats] = {}
        order = self._order()
        users = {a: [f for f in self.functions if self._front(f) == a] for a in self.pool}
        busy = dict.fromkeys(self.pool, zero)
        lag = {e: int(self.rng.integers(0, 3)) for e in self.use}
        for _ in range(4):
            for node in order:
                s = trouble.slow.get(node, zero) + queue.get(node, zero)
                good = 1.0 - trouble.fail.get(node, zero)
                for needed in graph.needs[node]:
                    use, late = self.use[node, needed], lag[node, needed]
                    s = s + use * _late(slow[needed], late)
                    good = good * (1.0 - use * _late(fail[needed], late))
                slow[node] = np.minimum(s, LONGEST_S)
                gone = np.clip((slow[node] - 20.0) / 40.0, 0.0, 1.0) if node in self.functions else zero
                fail[node] = 1.0 - good * (1.0 - gone)
            for app, those in users.items():
                held = sum((self.demand(f, slow[f], fail[f]) * (0.35 + slow[f]) for f in those), zero) / 60.0
                size = self.pool[app] * max(sum(self.rate[f] for f in those), 1.0) / 60.0
                busy[app] = np.minimum(held / size, 3.0)
                queue[app] = np.clip((busy[app] - 0.95) * 8.0, 0.0, 12.0)
        return slow, fail, busy

    def _front(self, function: str) -> str:
        """The application whose threads wait for the whole of the function's call."""
        return next((n for n in self.graph.needs[function] if n in self.pool), "")

    def demand(self, function: str, slow: Floats, fail: Floats) -> Floats:
        """Attempts a minute: people click again where it fails or hangs."""
        again = 1.0 + 1.3 * fail + 0.05 * np.minimum(slow, 15.0)
        return np.asarray(self.rate[function] * self.load * self.surge * again)

    def dependents(self, node: str, depth: int = 4) -> list[str]:
        """Functions that need the node over at most so many steps, by steps that are surely used, nearest first."""
        found: list[str] = []
        edge, seen = [node], {node}
        for _ in range(depth):
            step = [s for n in edge for s in sorted(self.graph.needed_by[n]) if s not in seen and self.use[s, n] > 0.5]
            seen.update(step)
            found += [s for s in step if s.startswith("function:") and s not in found]
            edge = step
        return found

    def _order(self) -> list[str]:
        rank = {"link": 0, "host": 1, "database": 2, "third_party": 3, "device": 4, "application": 5, "interface": 6}
        return sorted(self.graph.nodes, key=lambda k: (rank.get(str(self.graph.nodes[k].kind), 7), k))


def _late(values: Floats, steps: int) -> Floats:
    if not steps:
        return values
    return np.concatenate([np.full(steps, values[0]), values[:-steps]])
