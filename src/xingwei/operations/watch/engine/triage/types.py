"""What triage is given and what it gives back. Times are aware datetimes; a series' own times are seconds since 1970."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Layer(StrEnum):
    """Where a fault lies; the words are those of the requirements."""

    USER = "用户操作"
    CLIENT = "客户端"
    NETWORK = "网络"
    HOST = "操作系统"
    DATABASE = "数据库"
    APPLICATION = "应用"
    INTERFACE = "接口"
    DEVICE = "设备"
    THIRD_PARTY = "第三方"


class Party(StrEnum):
    """Who answers for it."""

    HOSPITAL = "hospital"
    VENDOR = "vendor"
    THIRD_PARTY = "third_party"
    CARRIER = "carrier"

    @property
    def label(self) -> str:
        return {"hospital": "医院", "vendor": "运维服务商", "third_party": "第三方", "carrier": "运营商"}[self.value]


class Kind(StrEnum):
    """What a node is; those of the estate, and the two that stand for people and their computers."""

    FUNCTION = "function"
    APPLICATION = "application"
    DATABASE = "database"
    HOST = "host"
    LINK = "link"
    DEVICE = "device"
    THIRD_PARTY = "third_party"
    INTERFACE = "interface"
    CLIENT = "client"
    USER = "user"
    SERVICE = "service"  # of a published data set: nothing more is known of it


LAYER_OF: Mapping[str, Layer] = {
    Kind.FUNCTION: Layer.APPLICATION,
    Kind.APPLICATION: Layer.APPLICATION,
    Kind.SERVICE: Layer.APPLICATION,
    Kind.DATABASE: Layer.DATABASE,
    Kind.HOST: Layer.HOST,
    Kind.LINK: Layer.NETWORK,
    Kind.DEVICE: Layer.DEVICE,
    Kind.THIRD_PARTY: Layer.THIRD_PARTY,
    Kind.INTERFACE: Layer.INTERFACE,
    Kind.CLIENT: Layer.CLIENT,
    Kind.USER: Layer.USER,
}


@dataclass(frozen=True, slots=True)
class Node:
    """key: as in the estate ("component:HIS-DB"). owner: who answers for it; owner_name: that party by name."""

    key: str
    label: str
    kind: str = Kind.SERVICE
    owner: str = Party.VENDOR
    owner_name: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """source needs target. kind: runs_on, stores_in, connects (always needed); calls, serves (as far as it is used)."""

    source: str
    target: str
    kind: str = "calls"


class Graph:
    """Nodes and who needs whom; edges with an end that is not among the nodes are left out."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.nodes: dict[str, Node] = {n.key: n for n in nodes}
        self.edges: list[Edge] = []
        self.needs: dict[str, dict[str, str]] = {k: {} for k in self.nodes}
        self.needed_by: dict[str, dict[str, str]] = {k: {} for k in self.nodes}
        for edge in edges:
            if edge.source in self.nodes and edge.target in self.nodes and edge.source != edge.target:
                self.edges.append(edge)
                self.needs[edge.source].setdefault(edge.target, edge.kind)
                self.needed_by[edge.target].setdefault(edge.source, edge.kind)


@dataclass(frozen=True, slots=True)
class Series:
    """One measurement over time. signal: its name in `signals` ("db.blocked", "host.cpu", "if.err", or any other: what
    it says is then read from its name). times rise; a value that is missing is NaN. Baseline and moment come from the
    same series: give it some hours, better some days."""

    node: str
    signal: str
    times: Floats
    values: Floats
    title: str = ""
    unit: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once. kind:
    error (a text or code that a node gave; data: count), change (by: the party that made it), notice (announced by a
    third party or carrier), breaker (code: its state), lock (who holds others up; data: idle, program, person),
    report (a person's words; data: terminals, people, places, systems that report the same), audit (what a person did
    or was refused), case (an earlier one that is alike; data: layer, owner, share), check (a question answered by
    hand; code: ok or fail). node: where, as far as known. ref: what to open."""

    at: dt.datetime
    kind: str
    node: str = ""
    text: str = ""
    code: str = ""
    by: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason. speaks: for, against, or beside (known, and found to have nothing to do with it)."""

    kind: str
    text: str
    speaks: str = "for"
    at: dt.datetime | None = None
    node: str = ""
    signal: str = ""
    ref: str = ""
    weight: float = 0.0


PARTS = ("baseline", "position", "rule", "case", "change")


@dataclass(frozen=True, slots=True)
class Suspect:
    """score: confidence, 0 to 1; all suspects' and `Verdict.unknown_score` add up to 1. parts: shares of the score by
    PARTS, which add up to it. owner: a Party; rule: number in the responsibility list, or empty."""

    node: str
    label: str
    layer: str
    owner: str
    owner_name: str
    score: float
    parts: Mapping[str, float]
    evidence: tuple[Evidence, ...] = ()
    next_checks: tuple[str, ...] = ()
    remedy: str = ""
    guide: str = ""
    rule: str = ""
    why: str = ""
    onset: dt.datetime | None = None
    explains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A series that left its own usual range. strength: 0 to 1; sigma: robust deviations from the baseline; state:
    high, low, or silent (nothing came; not taken for normal)."""

    node: str
    signal: str
    state: str
    strength: float
    sigma: float
    value: float
    usual: float
    onset: dt.datetime
    title: str = ""
    unit: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """unknown: nothing explains it well enough, and one should say so. causes: how many independent causes the first
    suspects stand for. states: node → suspect, affected, quiet, or blind (nothing measured). quiet: no trouble seen."""

    suspects: tuple[Suspect, ...]
    unknown: bool
    unknown_score: float = 0.0
    quiet: bool = False
    causes: int = 1
    findings: tuple[Finding, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[Evidence, ...] = ()
    onset: dt.datetime | None = None

    @property
    def first(self) -> Suspect | None:
        return self.suspects[0] if self.suspects and not self.unknown else None

    @property
    def firm(self) -> bool:
        """Sure enough, and on something that clearly left its usual range, to disturb people with it."""
        first = self.first
        return (
            first is not None
            and first.score >= 0.5
            and any(f.strength >= 0.6 and f.node in {first.node, *first.explains} for f in self.findings)
        )


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition of a rule. Either a text that must occur in an event of these kinds, or a signal that must deviate.

    at: where it is looked for: self, needs (what the node needs, any depth up to 3), needed_by, peers (others that need
    the same, and others of its kind that the same need), near (self, needs, needed_by), any. is_: high, low, any,
    silent, quiet (measured, and normal). least: how many nodes; of: kinds of node."""

    signals: tuple[str, ...] = ()
    is_: str = "any"
    at: str = "self"
    least: int = 1
    of: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)
    hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the responsibility list: on nodes of these kinds, where all of `when` hold, at least one of `either`,
    and none of `unless`: then the layer and party. party: a Party, owner (of the node), or changer (who made the change
    that fits). priority 1 is decisive, 2 strong, 3 by exclusion only."""

    code: str
    title: str
    priority: int
    on: tuple[str, ...]
    when: tuple[Clause, ...] = ()
    either: tuple[Clause, ...] = ()
    unless: tuple[Clause, ...] = ()
    layer: str = ""
    party: str = "owner"
    next_checks: tuple[str, ...] = ()
    remedy: str = ""
    guide: str = ""
    why: str = ""


Rules = Sequence[Rule]
