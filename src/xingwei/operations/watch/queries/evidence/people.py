"""What people say: open cases of the last hours as reports, and earlier cases that were alike with what they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from xingwei.base.policy.engine import Actor
from xingwei.service.desk.models import Case
from xingwei.service.desk.queries.similar import similar

from ...engine.triage import Event, Graph
from ...models import Verdict

BACK = dt.timedelta(hours=2)
PARTY = {"hospital": "hospital", "vendor": "vendor", "third": "third_party", "carrier": "carrier"}


def node_of(case: Case, graph: Graph) -> str:
    """What the case speaks of: its function, else its interface."""
    for part in (case.function, case.interface):
        if part is not None and part.key in graph.nodes:
            return str(part.key)
    return ""


def events(at: dt.datetime, graph: Graph, case: Case | None) -> Iterable[Event]:
    """Reports by function: how many places say the same is part of it."""
    rows = Case.objects.filter(kind="incident", opened_at__gte=at - BACK, opened_at__lte=at, merged_into=None)
    rows = rows.exclude(channel=Case.Channel.PROBE)
    found = {c.pk: c for c in rows.select_related("function", "interface", "system")[:80]}
    if case is not None:
        found[case.pk] = case
    places: dict[str, set[int]] = {}
    for c in found.values():
        if node := node_of(c, graph):
            places.setdefault(node, set()).add(c.department_id or 0)
    for c in found.values():
        if node := node_of(c, graph):
            when = min(c.opened_at, at)
            yield Event(when, "report", node, c.title, data=_spread(c, len(places[node])), ref=c.get_absolute_url())


def _spread(case: Case, places: int) -> dict[str, int]:
    """How many computers: said by the reporter's own words, or else unknown."""
    words = f"{case.title} {case.description}"
    if places > 1 or any(w in words for w in ("全院", "所有", "都", "几台", "每台", "各窗口")):
        return {"places": places, "terminals": max(places, 3)}
    if any(w in words for w in ("我这台", "这台", "一台", "就我", "别人可以", "旁边的")):
        return {"places": places, "terminals": 1}
    return {"places": places}


def alike(actor: Actor, case: Case, at: dt.datetime) -> list[Event]:
    """Earlier cases with nearly the same words, and what they turned out to be: by a confirmed verdict, else by the
    party that the case was closed with."""
    found = similar(actor, case, 4)
    verdicts = {
        v.case_id: v
        for v in Verdict.objects.filter(case__in=[s.case.pk for s in found]).exclude(review="open").order_by("id")
    }
    out = []
    for s in found:
        v = verdicts.get(s.case.pk)
        layer = v.actual_layer if v else ""
        owner = v.actual_owner if v else PARTY.get(s.case.party, "")
        text = f"{s.case.number} {s.case.title}" + (f"：{s.case.solution[:60]}" if s.case.solution else "")
        data = {"layer": layer, "owner": owner, "share": round(s.share, 3)}
        node = v.actual_node if v else ""
        out.append(Event(min(s.case.opened_at, at), "case", node, text, data=data, ref=s.case.get_absolute_url()))
    return out
