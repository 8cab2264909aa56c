"""Importing a rota file: rules by their key, chains by severity and system, people by 工号."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.datafiles import Problem, Source

from .. import files
from ..models import EscalationChain, ShiftRule
from .base import Refused
from .chains import save_chain
from .rules import RuleInput, save_rule


@dataclass(slots=True)
class Imported:
    rules: int = 0
    chains: int = 0

    def __str__(self) -> str:
        return f"排班规则 {self.rules} 条，升级链 {self.chains} 条"


def import_rota(
    actor: Actor, path: Path, *, rules: bool = True, chains: bool = True, overwrite: bool = True
) -> Imported:
    """Import the file in one transaction; harmless when repeated, and takes nothing away.

    overwrite: False leaves alone what is there already (set-up: what the hospital has changed stays).
    Raises FileProblems (shape) or Refused (content), both naming the place in the file.
    """
    source = files.load(path)
    done = Imported()
    with transaction.atomic():
        if rules:
            for n, entry in enumerate(source.document.get("rules", ())):
                done.rules += _rule(actor, source, n, entry, overwrite)
        if chains:
            for n, entry in enumerate(source.document.get("chains", ())):
                done.chains += _chain(actor, source, n, entry, overwrite)
    return done


def _rule(actor: Actor, source: Source, n: int, entry: Mapping[str, Any], overwrite: bool) -> bool:
    if not overwrite and ShiftRule.objects.filter(key=entry["key"]).exists():
        return False
    try:
        given = RuleInput(
            key=entry["key"],
            label=entry["label"],
            kind=entry["kind"],
            days=entry["days"],
            start=entry["start"],
            end=entry["end"],
            people=_people(entry["people"]),
            stand_ins=_people(entry.get("stand_ins", ())),
            rotation=entry.get("rotation", "all"),
            at_once=entry.get("at_once", 1),
            weekdays=[n - 1 for n in entry.get("weekdays", ())],
            anchor=_date(entry.get("anchor")),
            place=entry.get("place", ""),
            valid_from=_date(entry.get("from")),
            valid_until=_date(entry.get("until")),
            order=n,
        )
        save_rule(actor, given)
    except Refused as refusal:
        raise _placed(source, ("rules", n), refusal) from None
    return True


def _chain(actor: Actor, source: Source, n: int, entry: Mapping[str, Any], overwrite: bool) -> bool:
    try:
        system = _system(entry.get("system", ""))
        if not overwrite and EscalationChain.objects.filter(severity=entry["severity"], system=system).exists():
            return False
        steps = [dict(step) | {"to": [_target(t) for t in step["to"]]} for step in entry["steps"]]
        save_chain(actor, severity=entry["severity"], system=system, name=entry["name"], steps=steps, note="导入")
    except Refused as refusal:
        raise _placed(source, ("chains", n), refusal) from None
    return True


def _target(text: str) -> str:
    """person:工号 → person:id; everything else as it stands."""
    kind, _, name = text.partition(":")
    return f"person:{_people([name])[0].pk}" if kind == "person" else text


def _people(usernames: Any) -> list[User]:
    found = {u.username: u for u in User.objects.filter(username__in=list(usernames))}
    if unknown := [u for u in usernames if u not in found]:
        raise Refused(f"没有工号 {'、'.join(unknown)}，请先导入人员")
    return [found[u] for u in usernames]


def _system(code: str) -> System | None:
    if not code:
        return None
    found: System | None = System.objects.filter(code=code).first()
    if found is None:
        raise Refused(f"没有系统 {code}，请先导入系统")
    return found


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _placed(source: Source, path: tuple[str | int, ...], refusal: Refused) -> Refused:
    return Refused(str(source.locate(Problem(str(refusal), path))))
