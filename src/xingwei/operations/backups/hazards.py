"""A backup that is missing, late or unproven is a hazard on the desk, opened once and closed when it is mended."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor, system_actor
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, intake

from . import queries
from .engine.standing import State
from .models import Plan

_OVER = {"resolved", "closed"}


def follow(now: dt.datetime | None = None) -> list[Case]:
    """Look at every plan once; the cases that were opened."""
    now = now or timezone.now()
    actor = system_actor("task")
    opened: list[Case] = []
    for view in queries.views(Plan.objects.filter(enabled=True).select_related("system", "case"), now):
        plan = view.plan
        bad = view.standing.state is not State.PROVEN and view.running is None
        under_way = plan.case is not None and plan.case.category not in _OVER
        if bad and not under_way and _old_enough(view, now):
            opened.append(_open(actor, view, now))
        elif not bad and view.running is None and plan.case is not None:
            _mended(actor, plan)
    return opened


def _old_enough(view: queries.PlanView, now: dt.datetime) -> bool:
    """A plan that was just made has its first day to fill."""
    first = view.plan.trials.order_by("began_at").values_list("began_at", flat=True).first()
    return view.standing.failure is not None or (first is not None and now - first > dt.timedelta(days=1))


def why(view: queries.PlanView) -> str:
    """What is wrong, in one sentence."""
    parts = [queries.STATE_WORDS[view.standing.state][1]]
    if view.standing.late:
        parts.append("超期：" + "、".join(queries.LEVEL_WORDS[level] for level in view.standing.late))
    if (failure := view.standing.failure) is not None:
        parts.append(f"最近一次{queries.LEVEL_WORDS[failure.level]}没有通过：{failure.problem}")
    return "；".join(parts)


def _open(actor: Actor, view: queries.PlanView, now: dt.datetime) -> Case:
    plan = view.plan
    with transaction.atomic():
        case = intake.open_case(
            actor,
            intake.NewCase(
                kind="hazard", channel=Case.Channel.PROBE, title=f"备份不可恢复：{plan.name}"[:80],
                description=f"{why(view)}。\n由备份证明自动登记；补上证明后自动记录。", severity=3, system=plan.system,
                key=f"backups:{plan.code}:{now:%Y%m%d}"[:64], tags=["备份"],
            ),
        )  # fmt: skip
        plan.case = case
        plan.save(update_fields=["case"])
    return case


def _mended(actor: Actor, plan: Plan) -> None:
    assert plan.case is not None
    with transaction.atomic():
        if plan.case.category not in _OVER:
            acts.note(actor, plan.case, "备份已重新取得恢复证明。", internal=False)
        plan.case = None
        plan.save(update_fields=["case"])
