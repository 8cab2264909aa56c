"""All of it for one moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from xingwei.base.policy.engine import Actor
from xingwei.service.desk.models import Case

from ...engine.triage import Event, Graph, Series
from ...models import Series as Stored
from .. import series as stored
from ..graph import graph
from . import changes, gateway, people

LIVE = dt.timedelta(hours=5)
DAYS = 8
EITHER_SIDE = dt.timedelta(minutes=45)


@dataclass(slots=True)
class Collected:
    """graph, series by key, events; blind: what could not be asked, in words."""

    graph: Graph
    series: dict[str, Series]
    events: list[Event]
    blind: list[str] = field(default_factory=list)


def collect(actor: Actor, at: dt.datetime, case: Case | None = None, said: str = "", node: str = "") -> Collected:
    """What was known at that moment. said: a user's words, about `node` (a function or interface) where it is known."""
    whole = graph()
    series = measured(Stored.objects.filter(node__in=list(whole.nodes)).values_list("key", flat=True), at)
    series |= gateway.series(at, whole)
    events = [*gateway.events(at, whole), *changes.events(at, whole), *people.events(at, whole, case)]
    if said and node in whole.nodes and case is None:
        events.append(Event(at - dt.timedelta(minutes=1), "report", node, said, data={}))
    if case is not None:
        events += people.alike(actor, case, at)
    events.sort(key=lambda e: (e.at, e.kind, e.node, e.text))
    blind = [] if series else ["没有任何测量：拨测进程没有运行，或还没有登记拨测"]
    return Collected(whole, series, events, blind)


def measured(keys: Iterable[str], at: dt.datetime) -> dict[str, Series]:
    """The last hours, and the same time of day on the days before: what the engine's baseline wants, and no more."""
    wanted = list(keys)
    spans = [(at - LIVE, at + dt.timedelta(seconds=1))]
    spans += [
        (at - dt.timedelta(days=d) - EITHER_SIDE, at - dt.timedelta(days=d) + EITHER_SIDE) for d in range(1, DAYS + 1)
    ]
    pieces: dict[str, list[Series]] = {}
    for since, until in reversed(spans):
        for key, s in stored.window(wanted, since, until).items():
            if len(s.times):
                pieces.setdefault(key, []).append(s)
    return {key: joined(parts) for key, parts in pieces.items()}


def joined(parts: list[Series]) -> Series:
    last = parts[-1]
    if len(parts) == 1:
        return last
    times = np.concatenate([p.times for p in parts])
    values = np.concatenate([p.values for p in parts])
    order = np.argsort(times, kind="stable")
    return Series(last.node, last.signal, times[order], values[order], last.title, last.unit, last.url)
