"""Escalation chains: each change is a new version, and cases that run keep the copy they were opened with."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles

from ..engine.chain import ChainError, parse_steps
from ..models import ChainVersion, EscalationChain
from .base import Refused, check_text


def save_chain(
    actor: Actor, *, severity: int, system: System | None, name: str, steps: Any, note: str = ""
) -> ChainVersion:
    """A new version of the chain for this severity (0: any) and system (None: any); made where there is none.

    The version in force is returned unchanged where nothing differs. Raises Refused for steps that cannot be used.
    """
    require(actor, "rota.chain:change")
    name, note = check_text(name, "名称", 60, needed=True), check_text(note, "说明", 200)
    if severity not in (0, 1, 2, 3):
        raise Refused("故障等级应是一、二、三级或不限")
    try:
        parsed = [s.as_json() for s in parse_steps(steps, roles=roles().keys())]
    except ChainError as error:
        raise Refused(str(error)) from None
    _check_people(parsed)
    with transaction.atomic():
        chain, _ = EscalationChain.objects.select_for_update(of=("self",)).get_or_create(
            severity=severity, system=system, defaults={"name": name}
        )
        last = chain.versions.first()
        if last is not None and last.steps == parsed and chain.name == name and chain.active:
            return last
        chain.name, chain.active = name, True
        chain.save(update_fields=["name", "active"])
        version = ChainVersion.objects.create(
            chain=chain, number=last.number + 1 if last else 1, steps=parsed, note=note, author_id=actor.id
        )
        record(
            actor, "rota.chain.save", chain, f"升级链“{name}”第 {version.number} 版",
            before={"steps": last.steps} if last else None, after={"steps": parsed, "note": note},
        )  # fmt: skip
    return version


def switch_chain(actor: Actor, chain: EscalationChain, *, active: bool) -> EscalationChain:
    """Switch a chain off (the more general one takes over) or on again."""
    require(actor, "rota.chain:change")
    with transaction.atomic():
        row = EscalationChain.objects.select_for_update(of=("self",)).get(pk=chain.pk)
        if row.active != active:
            row.active = active
            row.save(update_fields=["active"])
            verb = "启用" if active else "停用"
            record(
                actor, "rota.chain.switch", row, f"{verb}升级链“{row}”", before={"active": not active},
                after={"active": active},
            )  # fmt: skip
    return row


def _check_people(steps: list[dict[str, Any]]) -> None:
    named = {int(t.partition(":")[2]) for s in steps for t in s["to"] if t.startswith("person:")}
    known = set(User.objects.filter(pk__in=named).values_list("pk", flat=True))
    if named - known:
        raise Refused("升级链里有不存在的人员，请重新选择")
