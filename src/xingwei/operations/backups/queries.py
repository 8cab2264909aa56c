"""What is known of plans, copies and proofs."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from xingwei.base.policy.engine import Actor

from .engine.rows import Sentinel
from .engine.schedule import last_due, next_due
from .engine.standing import Level, Limits, Proof, Standing, State, standing
from .models import Copy, Plan, Trial

STATE_WORDS = {
    State.PROVEN: ("ok", "可恢复"), State.STALE: ("warn", "证明已过期"), State.UNPROVEN: ("late", "视同没有：未经恢复演练"),
    State.NONE: ("late", "没有备份"),
}  # fmt: skip
HOUR, FIRST_WAIT = dt.timedelta(hours=1), dt.timedelta(minutes=4)
LEVEL_WORDS = {Level.TAKEN: "备份", Level.VERIFIED: "校验", Level.RESTORED: "恢复演练"}


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan with what its copies prove. state: icon state and word; running: the trial under way."""

    plan: Plan
    standing: Standing
    next_at: dt.datetime | None
    running: Trial | None
    copies: int

    @property
    def state(self) -> tuple[str, str]:
        if not self.plan.enabled:
            return "unknown", "已停用"
        return STATE_WORDS[self.standing.state]

    @property
    def ages(self) -> list[tuple[str, dt.datetime | None, bool]]:
        """(level in words, when it was last reached, is it late)."""
        return [(LEVEL_WORDS[level], self.standing.last.get(level), level in self.standing.late) for level in Level]


def limits(plan: Plan) -> Limits:
    """A copy is late after the longest gap between two due times, and the hours of grace."""
    days = sorted(set(plan.weekdays)) or [1]
    gaps = [(b - a) % 7 or 7 for a, b in zip(days, [*days[1:], days[0] + 7], strict=True)]
    return Limits(
        taken=dt.timedelta(days=max(gaps), hours=plan.late_hours),
        verified=dt.timedelta(days=plan.verify_days),
        restored=dt.timedelta(days=plan.restore_days),
    )


def sentinels(plan: Plan) -> list[Sentinel]:
    return [
        Sentinel(
            str(line["table"]), int(line.get("rows") or 1), str(line.get("newest") or ""),
            dt.timedelta(hours=int(line.get("within_hours") or 48)),
        )
        for line in plan.sentinels
    ]  # fmt: skip


def newest_copy(plan: Plan) -> Copy | None:
    found: Copy | None = plan.copies.filter(gone_at=None).first()
    return found


def views(plans: Iterable[Plan], now: dt.datetime | None = None) -> list[PlanView]:
    """All of them in three queries."""
    now = now or timezone.now()
    wanted = list(plans)
    proofs: dict[int, list[Proof]] = defaultdict(list)
    running: dict[int, Trial] = {}
    trials = Trial.objects.filter(plan__in=wanted).defer("lines")
    # The newest of each level and outcome is all that a standing needs.
    for trial in (
        trials.filter(ended_at__isnull=False)
        .order_by("plan_id", "level", "ok", "-ended_at")
        .distinct("plan_id", "level", "ok")
    ):
        assert trial.ended_at is not None
        proofs[trial.plan_id].append(
            Proof(Level(trial.level), trial.ended_at, bool(trial.ok), trial.copy_id or 0, trial.problem)
        )
    for trial in trials.filter(ended_at=None):
        running[trial.plan_id] = trial
    counts: dict[int, int] = defaultdict(int)
    for plan_id in Copy.objects.filter(plan__in=wanted, gone_at=None).values_list("plan_id", flat=True):
        counts[plan_id] += 1
    return [
        PlanView(
            plan=plan,
            standing=standing(proofs[plan.pk], limits(plan), now),
            next_at=next_due(plan.at, plan.weekdays, now) if plan.enabled else None,
            running=running.get(plan.pk),
            copies=counts[plan.pk],
        )
        for plan in wanted
    ]


def view(plan: Plan, now: dt.datetime | None = None) -> PlanView:
    return views([plan], now)[0]


def of(actor: Actor) -> list[PlanView]:
    """What the actor may see, worst first."""
    order = [State.NONE, State.UNPROVEN, State.STALE, State.PROVEN]
    found = views(Plan.objects.restrict(actor, "backups.plan:view").select_related("system", "connection"))
    return sorted(found, key=lambda v: (not v.plan.enabled, order.index(v.standing.state), v.plan.code))


def wanted(plan: Plan, now: dt.datetime) -> str | None:
    """What the clock asks of the plan now: a copy that is due, else a proof that is old; None for nothing.

    What failed is tried again after some minutes, then after longer waits, at most an hour apart.
    """
    trials: dict[str, list[Trial]] = defaultdict(list)
    for trial in Trial.objects.filter(plan=plan).defer("lines")[:40]:
        trials[trial.level].append(trial)

    def tried_since(level: str, since: dt.datetime) -> bool:
        of_level = trials[level]
        if not of_level or of_level[0].began_at < since:
            return False
        failures = next((n for n, t in enumerate(of_level) if t.ok or t.ok is None), len(of_level))
        return not failures or now - of_level[0].began_at < min(HOUR, FIRST_WAIT * 2 ** (failures - 1))

    if plan.maker == Plan.Maker.XINGWEI:
        due = last_due(plan.at, plan.weekdays, now)
        if due is not None and not tried_since(Trial.Level.TAKEN, due):
            return str(Trial.Level.TAKEN)
    copy = newest_copy(plan)
    if copy is None:
        return None
    for level, days in ((Trial.Level.VERIFIED, plan.verify_days), (Trial.Level.RESTORED, plan.restore_days)):
        # A little before it is late, so that it is not late.
        if not tried_since(level, now - dt.timedelta(days=days) * 0.9):
            return str(level)
    return None
