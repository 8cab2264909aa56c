"""Drills of a degradation plan: planned on a calendar, run for real, measured from the rows."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Breaker, Channel, Drill
from ..queries import breakers as queries
from ..queries.plans import approved_version, people_of
from . import breakers
from .breakers import BreakerRefused

State = Drill.State


def plan_drill(
    actor: Actor,
    channel: Channel,
    *,
    planned_for: dt.datetime,
    scenario: str,
    minutes: int,
    participants: str,
    cut: bool = True,
) -> Drill:
    """Put a drill on the calendar and tell the people of the plan. Raises Denied, BreakerRefused."""  # fmt: skip
    require(actor, "gateway.plan:drill", channel)
    if channel.direction != Channel.Direction.OUT:
        raise BreakerRefused(f"“{channel}”是接入通道，没有熔断可演练。")
    version = approved_version(channel.pk)
    if version is None:
        raise BreakerRefused("还没有批准的熔断方案，先把方案写好、批准，再演练。")
    if not scenario.strip():
        raise BreakerRefused("请写明演练什么、怎么断。")
    if not 1 <= minutes <= 240:
        raise BreakerRefused("时长应在 1 到 240 分之间。")
    now = timezone.now()
    if not now - dt.timedelta(hours=1) <= planned_for <= now + dt.timedelta(days=400):
        raise BreakerRefused("计划时间应在今后一年之内。")
    with transaction.atomic():
        drill: Drill = Drill.objects.create(
            channel=channel, plan_version=version, planned_for=planned_for, scenario=scenario.strip()[:300],
            minutes=minutes, participants=participants.strip()[:300], lead_id=actor.id, cut=cut,
        )  # fmt: skip
        when = f"{timezone.localtime(planned_for):%m-%d %H:%M}"
        record(actor, "gateway.drill.plan", drill, f"安排“{channel}”演练：{when}", after={"planned_for": planned_for})
        notify.tell(
            actor, people_of(version.document), kind="gateway.drill", title=f"{when} 演练：{channel}", text=drill.scenario,
            url=drill.get_absolute_url(), key=f"drill:{drill.pk}:planned",
        )  # fmt: skip
    return drill


def start_drill(actor: Actor, drill: Drill, *, confirmed: str = "") -> Drill:
    """Begin; cuts the way out where the drill says so. Raises Denied, BreakerRefused."""
    require(actor, "gateway.plan:drill", drill)
    with transaction.atomic():
        row = _locked(drill)
        if row.state != State.PLANNED:
            raise BreakerRefused(f"这次演练是“{row.get_state_display()}”，不能开始。")
        if Drill.objects.filter(channel=row.channel, state=State.RUNNING).exists():
            raise BreakerRefused(f"“{row.channel}”正有一次演练在进行，先结束它。")
        if row.cut and queries.state_of(row.channel) != Breaker.State.CLOSED:
            raise BreakerRefused(f"“{row.channel}”现在不是闭合，不能在真故障里演练。")
        now = timezone.now()
        row.state, row.started_at = State.RUNNING, now
        row.plan_version = approved_version(row.channel_id) or row.plan_version
        row.save(update_fields=["state", "started_at", "plan_version"])
        if row.cut:
            until = now + dt.timedelta(minutes=row.minutes)
            breakers.cut(
                actor, row.channel, until=until, reason=f"演练：{row.scenario}", confirmed=confirmed, drill="演练"
            )
        record(actor, "gateway.drill.start", row, f"开始“{row.channel}”演练", after={"started_at": now})
    return row


def finish_drill(
    actor: Actor, drill: Drill, *, result: str, findings: str, participants: str, next_due: dt.date | None
) -> Drill:
    """End it: what was cut is tried again, and what happened is measured. Raises Denied, BreakerRefused."""
    require(actor, "gateway.plan:drill", drill)
    if result not in Drill.Result.values:
        raise BreakerRefused("请选结果：通过、有待改进或未通过。")
    if not participants.strip():
        raise BreakerRefused("请写明参加人员。")
    if result != Drill.Result.PASSED and not findings.strip():
        raise BreakerRefused("没有通过，请写明发现的问题。")
    with transaction.atomic():
        row = _locked(drill)
        if row.state != State.RUNNING or row.started_at is None:
            raise BreakerRefused(f"这次演练是“{row.get_state_display()}”，不能结束。")
        now = timezone.now()
        if row.cut and queries.state_of(row.channel) == Breaker.State.CUT:
            word = breakers.word_of("恢复", row.channel)
            breakers.lift(actor, row.channel, reason="演练结束", confirmed=word)
        row.state, row.ended_at, row.result, row.next_due = State.DONE, now, result, next_due
        row.findings, row.participants = findings.strip()[:2000], participants.strip()[:300]
        row.measured = queries.measure(row.channel, row.started_at, now)
        row.save()
        record(
            actor, "gateway.drill.finish", row, f"结束“{row.channel}”演练：{row.get_result_display()}",
            after={"result": result, "measured": row.measured},
        )  # fmt: skip
    return row


def cancel_drill(actor: Actor, drill: Drill, why: str) -> Drill:
    """A planned drill does not take place. Raises Denied, BreakerRefused."""
    require(actor, "gateway.plan:drill", drill)
    if not why.strip():
        raise BreakerRefused("请写明为什么取消。")
    with transaction.atomic():
        row = _locked(drill)
        if row.state != State.PLANNED:
            raise BreakerRefused(f"这次演练是“{row.get_state_display()}”，不能取消。")
        row.state, row.findings = State.CANCELLED, why.strip()[:2000]
        row.save(update_fields=["state", "findings"])
        record(actor, "gateway.drill.cancel", row, f"取消“{row.channel}”演练：{why.strip()}")
    return row


def _locked(drill: Drill) -> Drill:
    rows = Drill.objects.select_related("channel__system", "channel__breaker_now", "plan_version")
    found: Drill = rows.select_for_update(of=("self",)).get(pk=drill.pk)
    return found
