"""From what is seen to a ranked list of suspects. Pure, deterministic, and ignorant of what faults are called.

Every node that deviates, that something deviating needs, or on which a row of the responsibility list fits, is a
suspect. Five things speak for it, each a term in one sum: how far it deviates itself (`baseline`), what its failure
would explain and contradict (`position`), the responsibility list (`rule`), earlier cases (`case`), and what was
changed just before (`change`). The sums compete by softmax with the hypothesis that it is something else ("unknown").
What the first suspect leaves unexplained is ranked again: several faults at once come out as several causes.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from . import explaining
from .deviation import Window, finding, measured
from .position import Field, Place, place
from .rules import Facts, Match, events_by_node, matches
from .signals import meaning
from .types import LAYER_OF, PARTS, Edge, Event, Finding, Graph, Kind, Node, Rule, Series, Suspect, Verdict

# The weights of the sum. They are the same for every hospital and every fault.
CAUSE, SYMPTOM, LOAD = 2.4, 1.1, 0.3
COVERED, CONTRADICTED, UPSTREAM, LATE, UNSEEN, QUIET = 3.0, 1.7, 1.3, 0.8, 1.4, 2.2
RULE = {1: 3.6, 2: 2.4, 3: 1.0}
CASE, CHANGE = 1.2, 0.9
LISTED = 0.75  # decisive evidence says which part of the node it is: that the others are quiet is no contradiction
SHARPNESS = 1.7
NOTHING = 2.3  # what "something else" is worth
SECOND = 0.22  # share of all deviation that a second cause must explain
LITTLE = 0.3  # the same where the responsibility list is decisive, as strength
CERTAIN = 0.99  # never quite
SURE = 0.22  # below it nobody is named
ALSO = 0.05  # below it a suspect is an also-ran
SHOWN = 8
CHANGED = dt.timedelta(hours=72)


@dataclass(slots=True)
class Hypothesis:
    """One node, seen by one rule or by none. terms: what speaks for it, by PARTS."""

    node: str
    layer: str
    party: str
    match: Match | None
    place: Place
    terms: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.terms.values())


def rank(
    graph: Graph,
    series: Mapping[str, Series] | Sequence[Series],
    events: Sequence[Event],
    at: dt.datetime,
    *,
    rules: Sequence[Rule] = (),
    since: dt.datetime | None = None,
) -> Verdict:
    """Who it was, at this moment, with reasons. Nothing that came after `at` is looked at. rules: the responsibility
    list; without it layer and owner are those of the node. since: when the trouble began, where that is known."""
    rows = list(series.values()) if isinstance(series, Mapping) else list(series)
    now = at.timestamp()
    window = Window.since(now, since.timestamp()) if since else Window(now)
    graph = with_threads(graph)
    rows += demand(graph, rows)
    found = [f for s in rows if s.node in graph.nodes and (f := finding(s, window))]
    calm = frozenset((s.node, s.signal) for s in rows if s.node in graph.nodes and measured(s, now)) - {
        (f.node, f.signal) for f in found
    }
    known = [e for e in events if e.at <= at or e.kind == "notice"]
    graph = with_people(graph, found, known)
    found = [_of_client(graph, f) for f in found]
    told = events_by_node(known)
    seen = field_of(graph, found, calm, told, at)
    onset = _first_onset(found)
    by_node: dict[str, dict[str, Finding]] = defaultdict(dict)
    for f in found:
        by_node[f.node][f.signal] = f
    facts = Facts(graph, at, by_node, calm, told, onset)
    hypotheses = _hypotheses(facts, seen, rules)
    if not seen.weight and not any(h.match for h in hypotheses):
        return Verdict((), unknown=False, quiet=True, findings=tuple(found))
    return _verdict(facts, seen, hypotheses, rules, found, onset)


def field_of(
    graph: Graph,
    found: Sequence[Finding],
    calm: frozenset[tuple[str, str]],
    told: Mapping[str, Sequence[Event]],
    at: dt.datetime,
) -> Field:
    """How strongly each node deviates, since when, and which ones are measured and quiet."""
    weight: dict[str, float] = {}
    onset: dict[str, dt.datetime] = {}
    for f in found:
        share = {"cause": 1.0, "symptom": 1.0, "load": 0.5}[meaning(f.signal).role]
        value = 0.3 if f.state == "silent" else f.strength * share
        if value < 0.15:
            continue
        weight[f.node] = max(weight.get(f.node, 0.0), value)
        if f.strength > 0.3:
            onset[f.node] = min(onset.get(f.node, f.onset), f.onset)
    for node, events in told.items():
        if node in graph.nodes:
            reported = [e for e in events if e.kind == "report" and at - e.at < dt.timedelta(hours=2)]
            if reported and weight.get(node, 0.0) < 0.4:
                weight[node] = 0.4
                onset.setdefault(node, min(e.at for e in reported))
    nodes = {n for n, _ in calm}
    return Field(weight, onset, frozenset(n for n in nodes if weight.get(n, 0.0) < 0.25))


def with_threads(graph: Graph) -> Graph:
    """An application waits for the interfaces that its functions use: a slow one holds the threads of all."""
    edges = list(graph.edges)
    for needs in [graph.needs[k] for k, n in graph.nodes.items() if n.kind == Kind.FUNCTION]:
        apps = [k for k in needs if graph.nodes[k].kind == Kind.APPLICATION]
        calls = [k for k in needs if graph.nodes[k].kind == Kind.INTERFACE]
        edges += [Edge(a, c, "holds") for a in apps for c in calls]
    return Graph(graph.nodes.values(), edges) if len(edges) > len(graph.edges) else graph


def demand(graph: Graph, rows: Sequence[Series]) -> list[Series]:
    """What people ask of each application, by the minute: its functions' business together. One function's figures
    say little, since few come in a minute; together they say whether it is a rush."""
    by_app: dict[str, list[Series]] = defaultdict(list)
    for s in rows:
        if s.signal == "biz.rate" and s.node in graph.needs:
            for app, kind in graph.needs[s.node].items():
                if kind == "serves" and graph.nodes[app].kind == Kind.APPLICATION:
                    by_app[app].append(s)
    return [_summed(app, those) for app, those in sorted(by_app.items()) if len(those) >= 3]


def _summed(node: str, rows: Sequence[Series]) -> Series:
    minutes = np.unique(np.concatenate([np.round(s.times / 60.0) for s in rows]))
    total, count = np.zeros(len(minutes)), np.zeros(len(minutes))
    for s in rows:
        good = np.isfinite(s.values)
        where = np.searchsorted(minutes, np.round(s.times[good] / 60.0))
        np.add.at(total, where, s.values[good] / max(float(np.mean(s.values[good])), 1e-9))
        np.add.at(count, where, 1.0)
    values = np.where(count >= max(2, 0.5 * len(rows)), 100.0 * total / np.maximum(count, 1.0), np.nan)
    return Series(node, "app.demand", minutes * 60.0, values)


def with_people(graph: Graph, found: Sequence[Finding], events: Sequence[Event]) -> Graph:
    """Where people report something of a function, they and their computers are suspects too."""
    places = {e.node for e in events if e.kind in {"report", "audit"}}
    places |= {f.node for f in found if f.signal.startswith("cl.")}
    nodes = dict(graph.nodes)
    edges = list(graph.edges)
    for where in sorted(p for p in places if p in graph.nodes and graph.nodes[p].kind == Kind.FUNCTION):
        home = nodes[where]
        for kind, label in ((Kind.CLIENT, "终端"), (Kind.USER, "操作与权限")):
            key = f"{kind.value}:{where}"
            nodes[key] = Node(key, f"{home.label} · {label}", kind, "hospital", "", home.system)
            edges.append(Edge(where, key, "serves"))
    return Graph(nodes.values(), edges) if len(nodes) > len(graph.nodes) else graph


def _of_client(graph: Graph, f: Finding) -> Finding:
    """What is measured of a function's computers speaks of them, not of the function."""
    key = f"{Kind.CLIENT.value}:{f.node}"
    return replace(f, node=key) if f.signal.startswith("cl.") and key in graph.nodes else f


def _hypotheses(facts: Facts, seen: Field, rules: Sequence[Rule]) -> list[Hypothesis]:
    graph = facts.graph
    nodes = set(seen.weight) | {n for n in facts.events if n in graph.nodes and _speaks(facts, n)}
    for node in list(seen.weight):
        nodes |= facts.around(node, "needs")
    fitting: dict[str, list[Match]] = defaultdict(list)
    for match in matches(rules, facts, sorted(nodes)):
        fitting[match.node].append(match)
    out = []
    for node in sorted(nodes):
        home = graph.nodes[node]
        spot = place(graph, seen, node, seen.weight.get(node, 0.0))
        if home.kind not in {Kind.CLIENT, Kind.USER}:
            out.append(Hypothesis(node, LAYER_OF.get(str(home.kind), LAYER_OF["service"]), str(home.owner), None, spot))
        for match in fitting[node]:
            layer = match.rule.layer or LAYER_OF.get(str(home.kind), LAYER_OF["service"])
            out.append(Hypothesis(node, layer, match.party, match, spot))
    for hypothesis in out:
        hypothesis.terms = _terms(facts, seen, hypothesis)
    return out


def _speaks(facts: Facts, node: str) -> bool:
    return any(e.kind in {"error", "report", "lock", "audit", "notice", "breaker"} for e in facts.events[node])


def _terms(facts: Facts, seen: Field, h: Hypothesis) -> dict[str, float]:
    cause, symptom, load = _own(facts, h)
    spot = h.place
    away = spot.upstream * (1 - 0.8 * cause)
    listed = h.match.degree if h.match and h.match.rule.priority == 1 else 0.0
    terms = {
        "baseline": CAUSE * cause + SYMPTOM * symptom * (1 - away) + LOAD * load,
        "position": COVERED * spot.covered
        - CONTRADICTED * spot.contradicted * (1 - 0.6 * cause) * (1 - LISTED * listed)
        - UPSTREAM * away
        - LATE * spot.late,
        "rule": RULE[h.match.rule.priority] * h.match.degree if h.match else 0.0,
        "case": CASE * _cases(facts, h),
        "change": CHANGE * _changes(facts, h),
    }
    if not (cause or symptom or load):
        terms["baseline"] -= QUIET if h.node in seen.quiet else UNSEEN
        if h.match:  # what the list says of it stands in for a measurement
            terms["baseline"] += 0.7 * (QUIET if h.node in seen.quiet else UNSEEN) * h.match.degree
    return terms


def _own(facts: Facts, h: Hypothesis) -> tuple[float, float, float]:
    best = {"cause": 0.0, "symptom": 0.0, "load": 0.0}
    for f in facts.findings.get(h.node, {}).values():
        role = meaning(f.signal).role
        best[role] = max(best[role], 0.2 if f.state == "silent" else f.strength)
    return best["cause"], best["symptom"], best["load"]


def _cases(facts: Facts, h: Hypothesis) -> float:
    best = 0.0
    for event in (e for events in facts.events.values() for e in events if e.kind == "case"):
        same = event.data.get("layer") == h.layer and event.data.get("owner") in {None, "", h.party}
        if same and (not event.node or event.node == h.node or event.node in facts.around(h.node, "near")):
            best = max(best, float(event.data.get("share", 0.0)) * (1.0 if event.node == h.node else 0.6))
    return min(best, 1.0)


def _changes(facts: Facts, h: Hypothesis) -> float:
    """The nearer before its own onset, the more; what the node itself shows must be something."""
    if not facts.findings.get(h.node) and not h.match:
        return 0.0
    began = min((f.onset for f in facts.findings.get(h.node, {}).values()), default=facts.onset or facts.at)
    best = 0.0
    for event in facts.events.get(h.node, ()):
        gap = began - event.at
        if event.kind == "change" and -dt.timedelta(minutes=5) <= gap <= CHANGED:
            best = max(best, float(np.exp(-max(gap.total_seconds(), 0) / 3600 / 8)))
    return best


def _first_onset(found: Sequence[Finding]) -> dt.datetime | None:
    strong = sorted(f.onset for f in found if f.strength > 0.4 and f.state != "silent")
    return strong[len(strong) // 4] if strong else None


def _verdict(
    facts: Facts,
    seen: Field,
    hypotheses: list[Hypothesis],
    rules: Sequence[Rule],
    found: Sequence[Finding],
    onset: dt.datetime | None,
) -> Verdict:
    ordered = folded(facts.graph, seen, best_of_each(hypotheses))
    causes = [ordered[0]] if ordered else []
    left = seen
    totals = {id(h): h.total for h in ordered}
    while causes and len(causes) < 3:
        left = _left(left, causes[-1])
        second = _next_cause(facts, seen, left, ordered, causes)
        if second is None:
            break
        totals[id(second)] = max(totals[id(second)], totals[id(causes[-1])] - 0.45)
        causes.append(second)
    ordered.sort(key=lambda h: (-totals[id(h)], h.node, h.layer))
    scores = np.array([totals[id(h)] for h in ordered] + [NOTHING]) * SHARPNESS
    scores = np.exp(scores - scores.max())
    scores *= CERTAIN / scores.sum()
    scores[-1] += 1.0 - CERTAIN
    unknown_score = float(scores[-1])
    ranked = distinct([(h, float(score)) for h, score in zip(ordered, scores[:-1], strict=True)])
    suspects = tuple(_suspect(facts, seen, h, score) for h, score in ranked[:SHOWN])
    rest = float(scores[len(suspects) : -1].sum())
    unknown = not suspects or suspects[0].score < max(unknown_score, SURE)
    states = explaining.states(facts.graph, seen, [s.node for s in suspects[: len(causes)]], found)
    excluded = explaining.excluded(facts, {h.node for h in causes})
    return Verdict(
        suspects, unknown, unknown_score + rest, False, max(1, len(causes)), tuple(found), states, excluded, onset
    )


def best_of_each(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """For each node, layer and party the best; best first, ties by name so that the order never depends on chance."""
    best: dict[tuple[str, str, str], Hypothesis] = {}
    for h in hypotheses:
        key = (h.node, h.layer, h.party)
        if key not in best or h.total > best[key].total:
            best[key] = h
    return sorted(best.values(), key=lambda h: (-h.total, h.node, h.layer, h.party))


def distinct(ranked: list[tuple[Hypothesis, float]]) -> list[tuple[Hypothesis, float]]:
    """Of the also-rans, other answers to "whose" first: a third part of the same layer and owner says nothing new."""
    head = [r for r in ranked if r[1] >= ALSO]
    named = {(h.layer, h.party) for h, _ in head}
    new: list[tuple[Hypothesis, float]] = []
    old: list[tuple[Hypothesis, float]] = []
    for r in ranked[len(head) :]:
        answer = (r[0].layer, r[0].party)
        (old if answer in named else new).append(r)
        named.add(answer)
    return [*head, *new, *old]


def folded(graph: Graph, seen: Field, ordered: list[Hypothesis]) -> list[Hypothesis]:
    """Siblings that fit the same row of the list and need the same part are one suspect, not rivals: the best of them
    stands for all, and what all of them explain is its own."""
    out: list[Hypothesis] = []
    heads: dict[tuple[str, str, str], list[Hypothesis]] = defaultdict(list)
    total = sum(seen.weight.values()) or 1.0
    for h in ordered:
        rule = h.match.rule.code if h.match else ""
        head = next((o for o in heads[rule, h.layer, h.party] if rule and _siblings(graph, o.node, h.node)), None)
        if head is None:
            heads[rule, h.layer, h.party].append(h)
            out.append(h)
            continue
        explains = dict(head.place.explains)
        for node, share in h.place.explains.items():
            explains[node] = max(share, explains.get(node, 0.0))
        covered = sum(share * seen.weight.get(n, 0.0) for n, share in explains.items()) / total
        head.terms["position"] += COVERED * (covered - head.place.covered)
        head.place = replace(head.place, explains=explains, covered=covered)
    return sorted(out, key=lambda h: (-h.total, h.node, h.layer, h.party))


def _siblings(graph: Graph, a: str, b: str) -> bool:
    apart = {"link"}
    shared = graph.needs.get(a, {}).keys() & graph.needs.get(b, {}).keys()
    if any(str(graph.nodes[n].kind) not in apart for n in shared):
        return True
    if graph.needed_by.get(a, {}).keys() & graph.needed_by.get(b, {}).keys():
        return True
    return b in graph.needs.get(a, {}) or a in graph.needs.get(b, {})


def _left(seen: Field, cause: Hypothesis) -> Field:
    """What the cause does not explain."""
    weight = {k: w * (1 - min(1.0, 1.15 * cause.place.explains.get(k, 0.0))) for k, w in seen.weight.items()}
    return Field({k: w for k, w in weight.items() if w > 0.1}, seen.onset, seen.quiet)


def _next_cause(
    facts: Facts, seen: Field, left: Field, ordered: list[Hypothesis], causes: list[Hypothesis]
) -> Hypothesis | None:
    """The best explanation of what is left, if it explains enough of it: a good part of all, or, where the list says
    so decisively, at least something."""
    whole = sum(seen.weight.values())
    taken = {h.node for h in causes}
    best: tuple[float, Hypothesis] | None = None
    for h in ordered:
        decisive = h.match is not None and h.match.rule.priority == 1 and h.match.degree >= 0.5
        if h.node in taken or not (decisive or h.node in left.weight):
            continue
        spot = place(facts.graph, left, h.node, left.weight.get(h.node, 0.0))
        mass = sum(share * left.weight[k] for k, share in spot.explains.items() if k in left.weight)
        if mass < (LITTLE if decisive else SECOND * whole):
            continue
        again = Hypothesis(h.node, h.layer, h.party, h.match, spot)
        total = sum(_terms(facts, left, again).values())
        if best is None or total > best[0]:
            best = (total, h)
    return best[1] if best and best[0] > NOTHING + 0.4 else None


def _suspect(facts: Facts, seen: Field, h: Hypothesis, score: float) -> Suspect:
    node = facts.graph.nodes[h.node]
    good = {p: max(0.0, h.terms.get(p, 0.0)) for p in PARTS}
    whole = sum(good.values()) or 1.0
    rule = h.match.rule if h.match else None
    return Suspect(
        h.node, node.label, h.layer, h.party, node.owner_name if h.party == str(node.owner) else "", score,
        {p: score * v / whole for p, v in good.items()},
        explaining.evidence(facts, seen, h.node, h.match, h.place),
        (rule.next_checks if rule and rule.next_checks else explaining.next_checks(str(node.kind))),
        rule.remedy if rule and rule.remedy else explaining.remedy(str(node.kind)),
        rule.guide if rule else "", rule.code if rule else "",
        explaining.why(facts, seen, h.node, h.match, h.place),
        seen.onset.get(h.node), tuple(sorted(h.place.explains)),
    )  # fmt: skip
