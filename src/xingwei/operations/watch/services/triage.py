"""Judging, and what people do with it: confirm, correct, tell the owner, call the three parties together."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.estate.models import BusinessFunction, Interface, System
from xingwei.base.estate.queries import owners_of
from xingwei.base.estate.queries import words as vocabulary
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, papers

from ..engine.triage import Layer, Party, rank
from ..models import ResponsibilityList, Snapshot, Verdict
from ..paths import GuidedPath, meant
from ..queries import checks
from ..queries.evidence import collect
from ..queries.evidence.people import node_of
from ..queries.graph import graph
from ..queries.triage import paths, rules_in_force
from ..snapshots import document_of, packed
from .base import WatchRefused

_CASE_PARTY = {Party.THIRD_PARTY: Case.Party.THIRD}
OLDEST = dt.timedelta(days=14)  # samples are kept so long


def judge(
    actor: Actor,
    *,
    case: Case | None = None,
    said: str = "",
    node: str = "",
    path: str = "",
    at: dt.datetime | None = None,
) -> Verdict:
    """Ask whose fault it is: for a case, for a user's words, for a part of the estate, or by a guided path. at: a
    moment of the past; now where it is None. Raises WatchRefused where it cannot be asked."""
    require(actor, "watch.verdict:ask")
    said = " ".join(said.split())[:300]
    began, now = time.perf_counter(), timezone.now()
    if at is not None and not now - OLDEST <= at <= now:
        raise WatchRefused("只能判定过去 14 天内的时刻：更早的逐笔测量已经不在。")
    if not (case or said or node or path):
        raise WatchRefused("请写下现象，或选一个指引、一个部件。")
    guided = _path(path, said or (f"{case.title} {case.description}" if case else ""))
    node = node or (node_of(case, graph()) if case else "") or (guided.node if guided and path else "") or _entry(said)
    node = node or (guided.node if guided else "")
    if node and node not in graph().nodes:
        raise WatchRefused("系统台账里没有这个部件，请重新选。")
    if guided and at is None:
        checks.look(actor, guided)
    moment = at or timezone.now()
    given = collect(actor, moment, case, said, node)
    agreed, rules = rules_in_force()
    judged = rank(given.graph, given.series, given.events, moment, rules=rules)
    answered = checks.answers(guided, given.graph, judged, given.events, moment) if guided else []
    document = document_of(given, judged, answered, node)
    with transaction.atomic():
        row = _stored(actor, case, said, node, guided, moment, document, agreed)
        row.took_ms = int(1000 * (time.perf_counter() - began))
        row.save(update_fields=["took_ms"])
        inputs = packed(given, moment)
        Snapshot.objects.create(verdict=row, inputs=inputs, size=len(inputs))
        after = {"layer": row.layer, "owner": row.owner, "unknown": row.unknown}
        record(actor, "watch.verdict.judge", row, f"定责：{row}", after=after)
    return row


def confirm(actor: Actor, verdict: Verdict, note: str = "") -> Verdict:
    """The first suspect was right. Raises WatchRefused where nobody was named."""
    if verdict.unknown:
        raise WatchRefused("判定是“未知”，不能确认归属：请改判，写明查到的是谁。")
    return _review(actor, verdict, verdict.layer, verdict.owner, verdict.suspect, note, Verdict.Review.CONFIRMED)


def correct(actor: Actor, verdict: Verdict, *, layer: str, owner: str, node: str, note: str) -> Verdict:
    """It was somebody else; what was found, and by what. The case becomes one of the regression set."""
    if layer not in {x.value for x in Layer} or owner not in {x.value for x in Party}:
        raise WatchRefused("请选实际的层和责任方。")
    if len(note.strip()) < 4:
        raise WatchRefused("请写明依据：改判会进入回归案例，别人要看得懂。")
    label = graph().nodes[node].label if node in graph().nodes else node
    same = not verdict.unknown and (layer, owner) == (verdict.layer, verdict.owner)
    state = Verdict.Review.CONFIRMED if same else Verdict.Review.CORRECTED
    return _review(actor, verdict, layer, owner, label[:80], note, state)


def tell_owner(actor: Actor, verdict: Verdict, text: str) -> str:
    """Tell who answers for the suspect; a third party gets to see the case (clause 1.9b). Returns whom."""
    require(actor, "watch.verdict:tell", verdict)
    people = [o.person for o in owners_of([_suspect_key(verdict)]).get(_suspect_key(verdict), [])]
    text = " ".join(text.split())[:500] or f"{verdict.symptom}：{verdict.suspect}。{_next(verdict)}"
    third = [p for p in people if p.organisation.side == "third"]
    inside = [p for p in people if p.organisation.side != "third"]
    owner = verdict.actual_owner or verdict.owner
    outside = owner in {Party.THIRD_PARTY, Party.CARRIER}
    if not people:
        raise WatchRefused("系统台账里没有登记这个部件的负责人：请先在部件页登记，或在问题单上指派。")
    if outside and third and verdict.case is None:
        raise WatchRefused("告知第三方要有问题单，对方从问题单上看到请求：请先登记问题单再从那里判定。")
    with transaction.atomic():
        row: Verdict = Verdict.objects.select_for_update().get(pk=verdict.pk)
        if outside and third and row.case is not None:
            acts.ask_third_party(actor, row.case, third[0], text)
            told = [third[0]]
        else:
            told = inside or people
            notify.tell(
                actor, told, kind="watch.verdict", title=f"定责：{row}", text=text, url=row.get_absolute_url(),
                urgent=bool(row.case and row.case.severity in {1, 2}), key=f"verdict:{row.pk}:{row.review}",
            )  # fmt: skip
        row.notified_at = timezone.now()
        row.save(update_fields=["notified_at"])
        names = "、".join(str(p) for p in told)
        record(actor, "watch.verdict.tell", row, f"告知责任方 {names}", after={"people": [p.pk for p in told]})
    verdict.notified_at = row.notified_at
    return names


def coordinate(
    actor: Actor, verdict: Verdict, *, parties: str, held_at: dt.datetime, conclusion: str, next_step: str
) -> None:
    """The three-party coordination record (1.9b), on the case."""
    if verdict.case is None:
        raise WatchRefused("三方协调记在问题单上：请先登记问题单。")
    with transaction.atomic():
        papers.coordinate(
            actor, verdict.case, parties=parties, held_at=held_at, conclusion=conclusion, next_step=next_step
        )
        row = Verdict.objects.select_for_update().get(pk=verdict.pk)
        row.coordinated_at = timezone.now()
        row.save(update_fields=["coordinated_at"])
        record(actor, "watch.verdict.coordinate", row, f"三方协调：{row}")


def prepared(verdict: Verdict) -> dict[str, str]:
    """The coordination record as far as the verdict can fill it in."""
    first = next(iter(verdict.document.get("suspects", [])), None)
    owner = (first or {}).get("owner_name") or verdict.get_owner_display()
    facts = "；".join(e["text"] for e in (first or {}).get("evidence", []) if e["speaks"] == "for")[:600]
    return {
        "parties": f"医院信息科、运维服务商、{owner}",
        "conclusion": f"现象：{verdict.symptom}。判定：{verdict.suspect}（{verdict.layer}，{owner}）。依据：{facts}",
        "next_step": f"{(first or {}).get('remedy') or '由责任方排查并回复'}；责任方：{owner}",
    }


def _review(actor: Actor, verdict: Verdict, layer: str, owner: str, node: str, note: str, state: str) -> Verdict:
    require(actor, "watch.verdict:review", verdict)
    with transaction.atomic():
        row: Verdict = Verdict.objects.select_for_update(of=("self",)).select_related("case").get(pk=verdict.pk)
        if row.review != Verdict.Review.OPEN and (row.actual_layer, row.actual_owner) == (layer, owner):
            return row
        row.review, row.actual_layer, row.actual_owner, row.actual_node = state, layer, owner, node
        row.review_note, row.reviewed_by_id, row.reviewed_at = note.strip()[:500], actor.id, timezone.now()
        row.save()
        word = "确认" if state == Verdict.Review.CONFIRMED else "改判"
        label = Party(owner).label
        record(
            actor, "watch.verdict.review", row, f"{word}归属：{layer}，{label}", after={"layer": layer, "owner": owner}
        )
        if row.case is not None and row.case.category != "closed":
            party = _CASE_PARTY.get(Party(owner), owner)
            if row.case.party != party:
                acts.edit(actor, row.case, {"party": party})
            acts.note(actor, row.case, f"定责{word}：{node}（{layer}，{label}）。{row.review_note}", internal=True)
    return row


def _path(code: str, said: str) -> GuidedPath | None:
    found = {p.code: p for p in paths()}
    if code and code not in found:
        raise WatchRefused("没有这个指引，请从列表里选。")
    return found[code] if code else meant(list(found.values()), said) if said else None


def _entry(said: str) -> str:
    """The function or interface that the words speak of, by the estate's vocabulary."""
    if not said:
        return ""
    terms = [t for hit in vocabulary().find(said) for t in hit.terms]
    for kind in ("function", "interface", "component"):
        for term in terms:
            if code := getattr(term, kind):
                return f"{kind}:{code}"
    return ""


def _stored(
    actor: Actor, case: Case | None, said: str, node: str, guided: GuidedPath | None, at: dt.datetime,
    document: dict[str, Any], agreed: ResponsibilityList | None,
) -> Verdict:  # fmt: skip
    first = next(iter(document["suspects"]), None) if not document["unknown"] else None
    label = graph().nodes[node].label if node else ""
    symptom = (case.title if case else "") or (guided.title if guided else "") or said or label
    return Verdict.objects.create(
        case=case, system=case.system if case else _system(node), symptom=symptom[:120], said=said, node=node,
        path=guided.code if guided else "", at=at, unknown=first is None, layer=first["layer"] if first else "",
        owner=first["owner"] if first else "", suspect=(first["label"] if first else "")[:80],
        confidence=first["score"] if first else 0.0, document=document, agreed=agreed, asked_by_id=actor.id,
    )  # fmt: skip


def _system(node: str) -> System | None:
    kind, _, code = node.partition(":")
    rows: Any = {"function": BusinessFunction, "interface": Interface}.get(kind)
    found = rows.objects.select_related("system").filter(code=code).first() if rows else None
    return found.system if found else None


def _suspect_key(verdict: Verdict) -> str:
    first: dict[str, Any] = next(iter(verdict.document.get("suspects", [])), {})
    return str(first.get("node", ""))


def _next(verdict: Verdict) -> str:
    first: dict[str, Any] = next(iter(verdict.document.get("suspects", [])), {})
    return "；".join(first.get("next_checks", []))
