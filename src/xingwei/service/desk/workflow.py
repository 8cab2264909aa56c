"""The workflow in force, loaded once from data/kinds.yaml, and a case's facts for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import roles

from .engine.workflow import CaseFacts, Kind, Mover, State, Workflow, load
from .models import Case

FILE = Path(__file__).with_name("data") / "kinds.yaml"


@cache
def workflow() -> Workflow:
    return load(yaml.safe_load(FILE.read_text(encoding="utf-8")), roles=frozenset(roles()))


def kind_of(case: Case) -> Kind:
    return workflow().kinds[case.kind]


def state_of(case: Case) -> State:
    return kind_of(case).states[case.state]


def kind_choices() -> list[tuple[str, str]]:
    return [(k.key, k.label) for k in workflow().kinds.values()]


def facts_of(case: Case) -> CaseFacts:
    """Which guards hold for the case now."""
    facts = set()
    if case.kind not in {"incident", "hazard"} and case.answers.exists():
        facts.add("answered")
    consents = {(a.subject, a.side) for a in case.agreements.all()}
    if {("rd", "hospital"), ("rd", "vendor")} <= consents:
        facts.add("both_agreed")
    if {("plan", "hospital"), ("plan", "vendor")} <= consents:
        facts.add("plan_agreed")
    if case.severity not in {1, 2}:
        facts.add("by_agreement")
    if not case.half_solved or case.feedback.exists():
        facts.add("feedback")
    return CaseFacts(case.kind, case.state, frozenset(facts))


def mover(actor: Actor, case: Case) -> Mover:
    """The actor as the workflow sees one. A case reported by a department's phone is confirmed by that department."""
    asker = actor.id is not None and actor.id == case.reporter_id
    if not asker and actor.side == "hospital" and case.department_id in actor.departments:
        asker = True
    return Mover(actor.roles, asker=asker, system=actor.side == "system")
