"""下一步: what waits for this person, each with the one act that it waits for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.service.rota import live

from ..engine.workflow import CaseFacts, Move, Mover
from ..models import CallLog, Case, Feedback
from ..queries import ledger
from ..queries.counts import capped_counts, count_text
from ..queries.guess import Assignee, assignees
from ..workflow import workflow
from .rows import HEAVY, RELATED, clock_of
from .sheets import by_clock, leads_on

STEPS = 6
_VENDOR = ("service_manager", "onsite_engineer", "vendor_support")
_IT = ("it_staff", "it_head")
_GIVEN_OUT = frozenset({"incident", "hazard", "consultation", "data_request", "other"})  # not answered by the manager


@dataclass(frozen=True, slots=True)
class Step:
    """verb names the act. post: sends the act itself (fields); otherwise act_url opens its form."""

    icon: str
    verb: str
    title: str
    url: str
    why: str
    act_url: str
    button: str = ""
    post: tuple[tuple[str, str], ...] = ()
    rank: int = 1  # 0 presses, 2 can wait


def card(request: HttpRequest) -> dict[str, Any] | None:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now = timezone.now()
    found = waiting_for(actor)
    cases = ledger.first_due(found.select_related(*RELATED).defer(*HEAVY), STEPS * 2)
    steps = _papers(actor) + _calls(actor)
    free = (
        next(iter(assignees(None, limit=1, duty=live.on_duty())), None) if actor.has_role("service_manager") else None
    )
    for case in cases:
        if (step := _step(actor, case, now, free)) is not None:
            steps.append(step)
    n = capped_counts({"n": found})["n"]
    steps.sort(key=lambda s: s.rank)  # stable: within a rank, what is due first stays first
    return {"steps": steps[:STEPS], "count": count_text(n), "more": n > STEPS}


def waiting_for(actor: Actor) -> Any:
    """The open cases in which it is this person's turn."""
    mine = Q(assignee_id=actor.id, category__in=("new", "open"))
    if actor.has_role("service_manager"):
        mine |= Q(category="new", assignee=None) & ~Q(state="it_first")
        mine |= Q(kind__in=("requirement", "defect"), state__in=("new", "assessing"))
        mine |= Q(kind="complaint", category__in=("new", "open")) | Q(kind="change", state="planned")
    elif actor.has_role(*_VENDOR):
        mine |= Q(category="new", assignee=None) & ~Q(state="it_first") & ~Q(kind__in=("requirement", "complaint"))
    if actor.has_role("rnd"):
        mine |= Q(state="rd")
    if actor.has_role(*_IT):
        mine |= Q(state="it_first")
    if actor.has_role("it_head"):
        mine |= Q(category="waiting", waiting_for="hospital")
        mine |= (
            Q(kind="defect", state="assessing")
            | Q(kind="change", state="planned")
            | Q(kind="data_request", state="new")
        )
    if actor.side == "hospital":
        asked = Q(reporter_id=actor.id) | Q(department__in=actor.departments)
        mine |= asked & Q(category__in=("answered", "resolved"))
    return ledger.visible(actor).exclude(category="closed").filter(mine)


def next_move(actor: Actor, case: Case) -> Move | None:
    """The move that the case asks of this person now, from its state and next clock; guards are checked when made."""
    asker = case.reporter_id == actor.id or (actor.side == "hospital" and case.department_id in actor.departments)
    offered = workflow().moves_for(CaseFacts(case.kind, case.state), Mover(actor.roles, asker=asker))
    return min((m for m in offered if leads_on(case, m)), key=lambda m: by_clock(case, m), default=None)


def _step(actor: Actor, case: Case, now: dt.datetime, free: Assignee | None) -> Step | None:
    """free: who could take a new case now."""
    why = _why(case, now)
    url = case.get_absolute_url()
    clock = clock_of(case, now)
    rank = 0 if clock and clock.state in {"late", "soon"} else 2
    if case.assignee_id is None and case.kind in _GIVEN_OUT and actor.has_role("service_manager"):
        if free is None:
            return Step("user-plus", "指派", case.title, url, why, f"{url}?open=assign#sheet-assign", rank=rank)
        return Step(
            "user-plus", "指派", case.title, url, f"{why}；{free.person} {free.note}",
            reverse("desk:act", args=[case.number, "assign"]), f"指派{free.person}",
            (("assignee", str(free.person.pk)), ("version", str(case.version))), rank,
        )  # fmt: skip
    move = next_move(actor, case)
    if move is None:
        return None
    return Step(move.icon, move.label, case.title, url, why, f"{url}?open={move.key}#sheet-{move.key}", rank=rank)


def _why(case: Case, now: dt.datetime) -> str:
    clock = clock_of(case, now)
    if clock is None:
        return case.where
    if clock.state == "late":
        said = f"{clock.what}{clock.remains}".replace("超 ", "已超 ")
    elif clock.state == "pause":
        said = clock.remains
    else:
        said = f"还剩 {clock.remains} {clock.what}"
    return f"{said}；{case.where}" if case.where else said


def _papers(actor: Actor) -> list[Step]:
    """Written feedback that the hospital has not signed for."""
    if not may(actor, "desk.feedback:receive"):
        return []
    waiting = Feedback.objects.filter(received_at=None).select_related("case", "signed_by")[:2]
    return [
        Step(
            "signature", "签收", p.number, p.case.get_absolute_url(), f"{p.signed_by} 签发；{p.case.title}",
            reverse("desk:receive", args=[p.case.number, p.pk]), "签收", (("next", "/"),),
        )
        for p in waiting
    ]  # fmt: skip


def _calls(actor: Actor) -> list[Step]:
    """Missed calls that nobody has rung back."""
    if not may(actor, "desk.call:create"):
        return []
    missed = CallLog.objects.filter(missed=True, called_back_at=None).order_by("at")[:2]
    url = reverse("desk:calls")
    return [
        Step(
            "phone-x",
            "回电",
            f"{c.caller} {c.caller_name}".strip(),
            url,
            f"{timezone.localtime(c.at):%m-%d %H:%M} 未接",
            url,
        )
        for c in missed
    ]
