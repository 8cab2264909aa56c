"""Calling people until somebody answers: the chain as it stood when the case came in, step by step.

The state is in the database; whoever runs `run_due` takes what is due with FOR UPDATE SKIP LOCKED, so that any number
of workers may run it at any time and none calls twice.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts import queries as accounts
from xingwei.base.accounts.models import User
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.runtime.queue import wake
from xingwei.service.rota import queries as rota

from ..models import Case, Escalation, EscalationStep
from .base import say

LATE = dt.timedelta(minutes=2)
OVERDUE = dt.timedelta(minutes=5)
ESCALATED = frozenset({"incident", "complaint"})


def begin(row: Case) -> None:
    """Start calling, in the transaction of the act that makes the case the vendor's turn. Never twice."""
    if row.kind not in ESCALATED or row.state == "it_first" or Escalation.objects.filter(case=row).exists():
        return
    started = timezone.now()
    chain = _chain(row)
    if not chain:
        return
    Escalation.objects.create(
        case=row, chain=chain, started_at=started, next_step=0, next_step_at=_due(started, chain, 0)
    )
    transaction.on_commit(_wake)


def regrade(row: Case) -> None:
    """The level changed before anybody answered: the new level's chain follows the steps already taken."""
    escalation = Escalation.objects.select_for_update().filter(case=row, acknowledged_at=None).first()
    if escalation is None:
        begin(row)
        return
    passed = int((timezone.now() - escalation.started_at).total_seconds() // 60)
    taken = escalation.chain[: escalation.next_step]
    rest = [{**s, "after_minutes": s["after_minutes"] + passed} for s in _chain(row)]
    escalation.chain = taken + rest
    escalation.next_step_at = _due(escalation.started_at, escalation.chain, escalation.next_step)
    escalation.save(update_fields=["chain", "next_step_at"])
    transaction.on_commit(_wake)


def acknowledge(actor: Actor, row: Case) -> None:
    """Somebody answered: nobody else is called."""
    Escalation.objects.filter(case=row, acknowledged_at=None).update(
        acknowledged_at=timezone.now(), acknowledged_by_id=actor.id, next_step_at=None
    )


def run_due(now: dt.datetime | None = None, *, limit: int = 200) -> int:
    """Take every step that is due; returns how many. Each case in a transaction of its own."""
    taken = 0
    while taken < limit:
        with transaction.atomic():
            escalation = (
                Escalation.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(next_step_at__lte=now or timezone.now())
                .select_related("case__system")
                .order_by("next_step_at")
                .first()
            )
            if escalation is None:
                return taken
            _take(escalation, now or timezone.now())
        taken += 1
    return taken


def overdue(now: dt.datetime | None = None) -> list[Escalation]:
    """Steps that should have been taken minutes ago: the auditor's find, for `audit` and for the page."""
    before = (now or timezone.now()) - OVERDUE
    return list(Escalation.objects.filter(next_step_at__lt=before).select_related("case").order_by("next_step_at")[:50])


def audit(now: dt.datetime | None = None) -> int:
    """Look for escalations that are late and tell those who run the platform; returns how many are late."""
    late = overdue(now)
    if late:
        with transaction.atomic():
            for escalation in late:
                notify.tell(
                    system_actor(),
                    accounts.people_with_role("service_manager", "system_admin"),
                    kind="desk.alarm",
                    title=f"{escalation.case.number} 的升级没有按时发出",
                    text="请检查后台任务是否在运行，并立即电话通知值班人员。",
                    url=escalation.case.get_absolute_url(),
                    urgent=True,
                    key=f"stuck:{escalation.pk}:{escalation.next_step}",
                )
    return len(late)


def _take(escalation: Escalation, now: dt.datetime) -> None:
    row, number = escalation.case, escalation.next_step
    if row.category not in {"new", "open"} or row.responded_at is not None:
        escalation.next_step_at = None
        escalation.save(update_fields=["next_step_at"])
        return
    step: dict[str, Any] = escalation.chain[number]
    due = escalation.next_step_at or now
    people = rota.resolve(step, now, row.system_code)
    actor = system_actor()
    if people:
        _call(actor, row, step, people, number)
    else:
        _nobody(actor, row, step, number)
    EscalationStep.objects.create(
        escalation=escalation, step=number, due_at=due, fired_at=now,
        told=[{"id": p.pk, "name": str(p)} for p in people], late=now - due > LATE,
    )  # fmt: skip
    escalation.next_step = number + 1
    # where nobody could be called, the next step does not wait for its minute
    following = _due(escalation.started_at, escalation.chain, number + 1)
    escalation.next_step_at = min(now, following) if following and not people else following
    escalation.save(update_fields=["next_step", "next_step_at"])


def _call(actor: Actor, row: Case, step: dict[str, Any], people: list[User], number: int) -> None:
    level = "一二三"[row.severity - 1] + "级 " if row.severity else ""
    notify.tell(
        actor,
        people,
        kind="desk.escalation",
        title=f"{level}{row.number} 待响应：{row.title}",
        text=f"{row.where}反映。{step['label']}，请立即响应。",
        url=row.get_absolute_url(),
        urgent=bool(step.get("urgent")),
        key=f"escalation:{row.pk}:{number}",
    )
    say(actor, row, "escalated", f"升级上报：{step['label']}，已通知{'、'.join(str(p) for p in people)}", internal=True)


def _nobody(actor: Actor, row: Case, step: dict[str, Any], number: int) -> None:
    notify.tell(
        actor,
        accounts.people_with_role("service_manager", "it_head"),
        kind="desk.alarm",
        title=f"{row.number} 无人可呼：{step['label']}",
        text="排班表上这一步没有人。已转下一步，请同时电话联系。",
        url=row.get_absolute_url(),
        urgent=True,
        key=f"nobody:{row.pk}:{number}",
    )
    say(actor, row, "escalated", f"升级上报：{step['label']}，没有人可通知", internal=True)


def _chain(row: Case) -> list[dict[str, Any]]:
    return rota.chain_for(row.severity or 3, row.system_code)


def _due(started: dt.datetime, chain: list[dict[str, Any]], number: int) -> dt.datetime | None:
    if number >= len(chain):
        return None
    return started + dt.timedelta(minutes=chain[number]["after_minutes"])


def _wake() -> None:
    """The first call goes out at once, not with the next minute's round."""
    from ..tasks import escalate

    wake(escalate)
