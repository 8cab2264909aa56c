"""The place in the dependency graph: what a node's failure would explain, and what speaks against it.

A suspect is the better the more of the deviating nodes need it, by ways on which no measured node is quiet; and the
worse the more of those that directly need it are measured and quiet. What a node needs and deviates as well explains
the node away.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .types import Graph

FULL = {
    "runs_on": 1.0,
    "stores_in": 1.0,
    "connects": 1.0,
    "serves": 0.9,
    "calls": 0.8,
    "holds": 0.55,
}  # how surely trouble passes on
FIRM = {
    "runs_on": 1.0,
    "stores_in": 0.8,
    "connects": 0.8,
    "serves": 0.5,
    "calls": 0.35,
    "holds": 0.05,
}  # how much quiet contradicts
THROUGH_QUIET = 0.35
DEPTH = 6
SLACK = dt.timedelta(minutes=3)  # probes do not look at the same second


@dataclass(frozen=True, slots=True)
class Field:
    """What is seen of each node. weight: how strongly it deviates, 0 to 1; quiet: measured, and as usual."""

    weight: Mapping[str, float]
    onset: Mapping[str, dt.datetime]
    quiet: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """explains: node → how far its deviation is explained (0 to 1). covered: share of all deviation that is explained.
    contradicted: share of the direct dependents' testimony that is quiet. upstream: how far what the node itself needs
    explains it away. late: share of what it explains that began clearly before it."""

    explains: Mapping[str, float] = field(default_factory=dict)
    covered: float = 0.0
    contradicted: float = 0.0
    upstream: float = 0.0
    late: float = 0.0


def reach(graph: Graph, seen: Field, node: str) -> dict[str, float]:
    """How surely the node's failure is felt at each node that needs it."""
    found: dict[str, float] = {node: 1.0}
    queue = deque([(node, 0)])
    while queue:
        here, depth = queue.popleft()
        if depth == DEPTH:
            continue
        passing = found[here] * (THROUGH_QUIET if here != node and here in seen.quiet else 1.0)
        for then, kind in graph.needed_by.get(here, {}).items():
            sure = passing * FULL.get(kind, 0.8)
            if sure > found.get(then, 0.0) + 1e-9 and sure > 0.05:
                found[then] = sure
                queue.append((then, depth + 1))
    return found


def place(graph: Graph, seen: Field, node: str, own: float) -> Place:
    """own: how strongly the node itself deviates (its causes included)."""
    total = sum(seen.weight.values())
    felt = reach(graph, seen, node)
    explains = {k: felt[k] for k in seen.weight if k in felt}
    mass = sum(explains[k] * seen.weight[k] for k in explains)
    return Place(
        explains,
        mass / total if total else 0.0,
        _contradicted(graph, seen, node),
        _upstream(graph, seen, node, own),
        _late(seen, node, explains),
    )


def _contradicted(graph: Graph, seen: Field, node: str) -> float:
    quiet = loud = 0.0
    for then, kind in graph.needed_by.get(node, {}).items():
        firm = FIRM.get(kind, 0.4)
        if then in seen.quiet:
            quiet += firm
        elif then in seen.weight:
            loud += firm * seen.weight[then]
    return quiet / (quiet + loud + 0.8)


def _upstream(graph: Graph, seen: Field, node: str, own: float) -> float:
    worst = 0.0
    for needed, kind in graph.needs.get(node, {}).items():
        weight = seen.weight.get(needed, 0.0)
        before = needed in seen.onset and node in seen.onset and seen.onset[needed] > seen.onset[node] + SLACK
        worst = max(worst, weight * FULL.get(kind, 0.8) * (0.4 if before else 1.0))
    return worst


def _late(seen: Field, node: str, explains: Mapping[str, float]) -> float:
    if node not in seen.onset:
        return 0.0
    mine = seen.onset[node]
    earlier = sum(seen.weight[k] for k in explains if k != node and k in seen.onset and seen.onset[k] < mine - SLACK)
    whole = sum(seen.weight[k] for k in explains if k != node)
    return earlier / whole if whole else 0.0
