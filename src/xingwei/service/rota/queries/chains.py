"""Whom a fault calls, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from xingwei.base.accounts.models import RoleAssignment, User

from ..engine import chain as engine
from ..models import ChainVersion
from .duty import OnDuty, on_duty, people_of


def chain_for(severity: int, system_code: str = "") -> list[dict[str, Any]]:
    """The steps in force for a fault, as plain JSON to be copied onto its case.

    The most particular chain wins: severity and system, severity alone, system alone, the general one; where none
    was set up, the built-in fallback. Each step: {"after_minutes", "to", "label", "urgent"}.
    """
    found = [
        (v.chain.severity, v.chain.system.code if v.chain.system else "", v.steps)
        for v in _in_force().filter(chain__active=True)
    ]
    steps = engine.best(found, severity, system_code)
    return steps if steps is not None else [s.as_json() for s in engine.FALLBACK]


def chains() -> list[ChainVersion]:
    """The version in force of every chain, those switched off included."""
    return sorted(_in_force(), key=lambda v: (v.chain.severity or 9, v.chain.system.order if v.chain.system else -1))


def resolve(step: dict[str, Any], at: dt.datetime, system_code: str = "", *, duty: OnDuty | None = None) -> list[User]:
    """The people whom a step calls at a moment, in the step's order, each once; empty where it would reach nobody.

    Roles mean those who hold them for the system; where nobody does, all who hold them.
    """
    found: dict[int, User] = {}
    for target in step["to"]:
        for user in _target(target, at, system_code, duty):
            found.setdefault(user.pk, user)
    return [u for u in found.values() if u.in_force(timezone.localdate(at))]


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the simulation."""

    at: dt.datetime
    step: dict[str, Any]
    people: list[User]


def simulate(severity: int, system_code: str, at: dt.datetime) -> list[Call]:
    """Who would be called when, if a fault were reported at a moment and nobody took it."""
    calls = []
    for step in chain_for(severity, system_code):
        when = at + dt.timedelta(minutes=step["after_minutes"])
        calls.append(Call(when, step, resolve(step, when, system_code)))
    return calls


def _in_force() -> Any:
    return (
        ChainVersion.objects.select_related("chain__system", "author")
        .order_by("chain_id", "-number")
        .distinct("chain_id")
    )


def _target(target: str, at: dt.datetime, system_code: str, duty: OnDuty | None) -> list[User]:
    kind, _, name = target.partition(":")
    if kind == "duty":
        return [d.person for d in getattr(duty or on_duty(at), name)]
    if kind == "role":
        return _holders(name, system_code, timezone.localdate(at))
    return list(people_of([int(name)]).values())


def _holders(role: str, system_code: str, day: dt.date) -> list[User]:
    rows = RoleAssignment.objects.select_related("user__organisation").filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=day),
        Q(valid_until__isnull=True) | Q(valid_until__gte=day),
        role=role,
    )
    held = [r for r in rows.order_by("user__username") if r.user.in_force(day)]
    own = [r for r in held if not r.systems or not system_code or system_code in r.systems]
    return [r.user for r in own or held]
