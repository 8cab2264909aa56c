"""What a call is probably about, from its words, the caller's department and that department's history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db.models import Count
from django.utils import timezone

from xingwei.base.accounts.models import Department, User
from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System
from xingwei.base.policy.engine import Actor
from xingwei.service.rota import queries as rota

from ..engine.guess import Caller, Proposal, Vocabulary, propose
from ..models import Case
from .similar import Likeness, duplicates

FILE = Path(__file__).parents[1] / "data" / "guess.yaml"
_MONTHS = dt.timedelta(days=180)
_HISTORY_ROWS = 300


@dataclass(slots=True)
class Assignee:
    person: User
    note: str


@dataclass(slots=True)
class Guess:
    """The proposal with its rows looked up. why: sentences shown beside the form."""

    kind: str = "incident"
    severity: int = 3
    system: System | None = None
    subsystem: Subsystem | None = None
    function: BusinessFunction | None = None
    interface: Interface | None = None
    why: tuple[str, ...] = ()
    assignees: list[Assignee] = field(default_factory=list)
    duplicates: list[Likeness] = field(default_factory=list)


def guess(actor: Actor, text: str, *, department: Department | None = None) -> Guess:
    """Propose system, level, kind, who takes it, and what may be the same trouble."""
    proposal = propose(text, caller_of(department), vocabulary())
    found = _rows(proposal)
    found.assignees = assignees(found.system)
    if len(text) >= 4:
        found.duplicates = duplicates(actor, text, found.system.pk if found.system else None)
    return found


def vocabulary() -> Vocabulary:
    return Vocabulary(estate.words(), _words())


def caller_of(department: Department | None) -> Caller:
    if department is None:
        return Caller()
    recent = Case.objects.filter(department=department, opened_at__gte=timezone.now() - _MONTHS).order_by("-id")
    counted = (
        Case.objects.filter(pk__in=recent.values("pk")[:_HISTORY_ROWS], system__isnull=False)
        .values_list("system__code")
        .annotate(n=Count("pk"))
        .order_by()
    )
    usual = {f.system.code for f in estate.usual_functions(department.pk)}
    return Caller(
        window=department.kind == Department.Kind.WINDOW,
        department=department.name,
        usual=frozenset(usual),
        history=dict(counted),
    )


def assignees(system: System | None, limit: int = 4, duty: rota.OnDuty | None = None) -> list[Assignee]:
    """Who could take it now: on site first, the one with the fewest open cases first; then on call. duty: who is on
    duty, where that is known already."""
    duty = duty or rota.on_duty()
    found: dict[int, Assignee] = {}
    for note, shifts in (("驻场", duty.on_site), ("听班", duty.on_call)):
        for shift in shifts:
            found.setdefault(shift.person.pk, Assignee(shift.person, note))
    loads = dict(
        Case.objects.filter(assignee_id__in=found, category__in=["new", "open"])
        .values_list("assignee_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    for pk, assignee in found.items():
        n = loads.get(pk, 0)
        assignee.note += f"，在办 {n} 件" if n else "，空闲"
    ranked = sorted(found.values(), key=lambda a: (not a.note.startswith("驻场"), loads.get(a.person.pk, 0)))
    return ranked[:limit]


def _rows(proposal: Proposal) -> Guess:
    return Guess(
        kind=proposal.kind,
        severity=proposal.severity,
        system=System.objects.filter(code=proposal.system).first() if proposal.system else None,
        subsystem=Subsystem.objects.filter(code=proposal.subsystem).first() if proposal.subsystem else None,
        function=BusinessFunction.objects.filter(code=proposal.function).first() if proposal.function else None,
        interface=Interface.objects.filter(code=proposal.interface).first() if proposal.interface else None,
        why=proposal.why,
    )


@cache
def _words() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return data
