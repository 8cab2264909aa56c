"""What the graph cannot say: the responsibility list, held against what is seen. Rules are data; none is named here."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .signals import meaning
from .types import Clause, Event, Finding, Graph, Party, Rule

UNKNOWN = 0.55  # what cannot be measured is neither normal nor abnormal
ERRORS = dt.timedelta(minutes=90)
CHANGES = dt.timedelta(hours=72)
_DEPTH = 3
PEOPLE = ("client:", "user:")  # nodes that stand for the computers and the people of a function
_ORDER = {"high": "high", "low": "low", "silent": "silent"}


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fits a node. degree: how well, 0 to 1; party: resolved; facts: what it stands on."""

    rule: Rule
    node: str
    degree: float
    party: str
    findings: tuple[Finding, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(slots=True)
class Facts:
    """Everything that is seen, by node. quiet: (node, signal) measured and as usual."""

    graph: Graph
    at: dt.datetime
    findings: Mapping[str, Mapping[str, Finding]]
    quiet: frozenset[tuple[str, str]]
    events: Mapping[str, Sequence[Event]]
    onset: dt.datetime | None = None
    _near: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def began(self, node: str) -> dt.datetime:
        """When it began at the node, as far as the node itself shows it."""
        own = [
            f.onset
            for f in self.findings.get(node, {}).values()
            if f.strength > 0.3 and f.state != "silent" and meaning(f.signal).role != "load"
        ]
        return min(own, default=self.onset or self.at)

    def around(self, node: str, at: str) -> frozenset[str]:
        """The nodes that a clause speaks of."""
        key = (node, at)
        if key not in self._near:
            self._near[key] = frozenset(self._around(node, at))
        return self._near[key]

    def _around(self, node: str, at: str) -> Iterable[str]:
        graph = self.graph
        if node.startswith(PEOPLE):
            home = home_of(node)
            return {node, home} if at == "self" else {node} | set(self._around(home, at))
        if at == "self":
            return {node}
        if at == "needs":
            return _walk(graph.needs, node, _DEPTH)
        if at == "needed_by":
            return _walk(graph.needed_by, node, _DEPTH)
        if at == "peers":
            found: set[str] = set()
            for needed in graph.needs.get(node, {}):
                found.update(graph.needed_by[needed])
            kind = graph.nodes[node].kind
            for user in graph.needed_by.get(node, {}):
                found.update(n for n in graph.needs[user] if graph.nodes[n].kind == kind)
            return found - {node}
        if at == "near":
            return {node} | _walk(graph.needs, node, 1) | _walk(graph.needed_by, node, 1)
        return graph.nodes.keys() | {""}


def home_of(node: str) -> str:
    """client:function:his-charge → function:his-charge."""
    return node.partition(":")[2]


def events_by_node(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.node].append(event)
    return found


def matches(rules: Sequence[Rule], facts: Facts, nodes: Iterable[str]) -> list[Match]:
    """Every rule that fits any of the nodes, in the order of nodes and rules."""
    found = []
    for node in nodes:
        kind = str(facts.graph.nodes[node].kind)
        for rule in rules:
            if rule.on and kind not in rule.on:
                continue
            if match := _match(rule, facts, node):
                found.append(match)
    return found


def _match(rule: Rule, facts: Facts, node: str) -> Match | None:
    findings: list[Finding] = []
    events: list[Event] = []
    degree = 1.0
    for clause in rule.when:
        got = _holds(clause, facts, node, findings, events)
        if got <= 0:
            return None
        degree = min(degree, got)
    if rule.either:
        got = max(_holds(c, facts, node, findings, events) for c in rule.either)
        if got <= 0:
            return None
        degree = min(degree, got)
    for clause in rule.unless:
        degree *= 1.0 - _holds(clause, facts, node, [], [])
    if degree < 0.15:
        return None
    return Match(rule, node, degree, _party(rule, facts, node, events), tuple(findings), tuple(events))


def _party(rule: Rule, facts: Facts, node: str, events: Sequence[Event]) -> str:
    owner = str(facts.graph.nodes[node].owner)
    if rule.party == "owner":
        return owner
    if rule.party == "changer":
        made = [e for e in events if e.kind in {"change", "audit", "lock"} and e.by]
        return max(made, key=lambda e: e.at).by if made else owner
    return rule.party


def _holds(clause: Clause, facts: Facts, node: str, findings: list[Finding], events: list[Event]) -> float:
    """0 to 1: how far the condition holds; adds what it stands on."""
    if clause.words or clause.events:
        return _told(clause, facts, node, events)
    nodes = facts.around(node, clause.at)
    if clause.of:
        nodes = frozenset(n for n in nodes if n and str(facts.graph.nodes[n].kind) in clause.of)
    if clause.is_ == "quiet":
        return _quiet(clause, facts, nodes)
    got = [(f.strength, f) for n in nodes for f in _deviating(clause, facts, n)]
    if len({f.node for _, f in got}) < clause.least:
        return 0.0
    got.sort(key=lambda pair: (-pair[0], pair[1].node, pair[1].signal))
    findings.extend(f for _, f in got[:3])
    return float(max(0.3, got[0][0]) ** 0.5) if got[0][1].state != "silent" else 0.7


def _deviating(clause: Clause, facts: Facts, node: str) -> Iterable[Finding]:
    for signal, found in facts.findings.get(node, {}).items():
        if clause.signals and signal.partition(":")[0] not in clause.signals:
            continue
        if clause.is_ == "any" and found.state == "silent":
            continue
        if (clause.is_ == "any" or _ORDER[found.state] == clause.is_) and found.strength >= 0.2 - (
            found.state == "silent"
        ):
            yield found


def _quiet(clause: Clause, facts: Facts, nodes: frozenset[str]) -> float:
    """1 where all that is measured of it is as usual, UNKNOWN where nothing is measured."""
    seen = False
    for n in nodes:
        for found in facts.findings.get(n, {}).values():
            if (not clause.signals or found.signal.partition(":")[0] in clause.signals) and found.strength >= 0.3:
                return 0.0
        seen = seen or any((n, s) in facts.quiet for s in (clause.signals or [q for m, q in facts.quiet if m == n]))
    return 1.0 if seen else UNKNOWN


def _told(clause: Clause, facts: Facts, node: str, events: list[Event]) -> float:
    kinds = clause.events or ("error",)
    found = [
        e
        for n in facts.around(node, clause.at)
        for e in facts.events.get(n, ())
        if e.kind in kinds and _fits(clause, e, facts, node)
    ]
    if len(found) < clause.least:
        return 0.0
    found.sort(key=lambda e: (e.at, e.text), reverse=True)
    events.extend(found[:3])
    if "change" not in kinds:
        return 1.0
    limit = clause.hours or CHANGES.total_seconds() / 3600
    began = facts.began(node)
    gap = min(abs((began - e.at).total_seconds()) / 3600 for e in found)
    return max(0.35, 1.0 - gap / limit)


def _fits(clause: Clause, event: Event, facts: Facts, node: str) -> bool:
    if clause.words and not _pattern(clause.words).search(f"{event.text} {event.code}"):
        return False
    if clause.by and event.by not in clause.by:
        return False
    if not all(_value_fits(wanted, event.data.get(name)) for name, wanted in clause.data.items()):
        return False
    if event.kind == "change":
        limit = dt.timedelta(hours=clause.hours) if clause.hours else CHANGES
        began = facts.began(node)
        return event.at <= began + dt.timedelta(minutes=10) and event.at >= began - limit
    if event.kind == "notice":
        return True
    return facts.at - ERRORS <= event.at <= facts.at + dt.timedelta(minutes=1)


def _value_fits(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        if value is None:
            return False
        return float(wanted.get("least", value)) <= float(value) <= float(wanted.get("most", value))
    return bool(value == wanted)


@lru_cache(maxsize=1024)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words; "a…b" means a, and b later in the same text; case is nothing, nor are spaces."""
    parts = (re.escape(w).replace("…", ".{0,30}").replace(r"\ ", r"\s*") for w in words)
    return re.compile("|".join(parts), re.IGNORECASE | re.DOTALL)


def _walk(steps: Mapping[str, Mapping[str, str]], node: str, depth: int) -> set[str]:
    found: set[str] = set()
    edge = {node}
    for _ in range(depth):
        edge = {t for here in edge for t, kind in steps.get(here, {}).items() if kind != "holds"} - found - {node}
        found |= edge
    return found


def default_party(kind: str) -> str:
    """Where neither graph nor rule says more."""
    return {
        "link": Party.HOSPITAL, "host": Party.HOSPITAL, "device": Party.HOSPITAL, "client": Party.HOSPITAL,
        "user": Party.HOSPITAL, "third_party": Party.THIRD_PARTY,
    }.get(kind, Party.VENDOR)  # fmt: skip
