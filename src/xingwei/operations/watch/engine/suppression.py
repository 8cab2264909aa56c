"""Which of many bad nodes is the trouble, and which only follow from it. Pure.

A bad node is a cause where nothing that it needs is bad in a way that explains it. What it needs explains it where
that is down (or worse than it), and went bad no later than a little after it: a probe that looks every minute may see
the effect first. Of several, the one that is furthest down the graph is the cause; of those, the first to go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

SLACK_S = 150.0
RANK = {"down": 2, "warn": 1, "odd": 1, "drift": 0, "job": 0}


@dataclass(frozen=True, slots=True)
class Bad:
    """kind: down, warn, odd. since: when it went bad, seconds."""

    node: str
    kind: str
    since: float


def causes(bad: Mapping[str, Bad], needs: Callable[[str], Mapping[str, int]]) -> dict[str, str]:
    """Node → the node that it follows from; causes themselves are left out. needs(node) → what it needs, with steps."""
    direct: dict[str, tuple[str, int]] = {}
    for node, it in bad.items():
        candidates = [
            (steps, -bad[other].since, other)
            for other, steps in needs(node).items()
            if other in bad and other != node and _explains(bad[other], it)
        ]
        if candidates:
            steps, _, other = max(candidates)
            direct[node] = (other, steps)
    out: dict[str, str] = {}
    for node in direct:
        at, way = node, [node]
        while at in direct and direct[at][0] not in way:
            at = direct[at][0]
            way.append(at)
        if at in direct:  # a circle of parts that call each other: the first to go bad stands for it
            at = min(way[way.index(direct[at][0]) :], key=lambda n: (bad[n].since, n))
        if at != node:
            out[node] = at
    return out


def _explains(other: Bad, it: Bad) -> bool:
    worse = RANK.get(other.kind, 0) >= RANK.get(it.kind, 0) and RANK.get(other.kind, 0) > 0
    return worse and other.since <= it.since + SLACK_S
