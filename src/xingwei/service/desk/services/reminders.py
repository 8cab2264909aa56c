"""Warnings before a deadline, word of a missed one, and the silent consent after a resolution."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts import queries as accounts
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor
from xingwei.base.site import queries as site
from xingwei.base.ui.words import duration

from ..engine.workflow import MoveRefused
from ..models import Case, CaseClocks
from ..models.case import NEVER
from ..workflow import facts_of, kind_of, mover, workflow
from . import clocks, telling
from .base import save, say

BATCH = 500


def run_due(now: dt.datetime | None = None) -> int:
    """Tell of every clock whose warning or deadline has come; returns how many cases. Safe to run twice."""
    moment = now or timezone.now()
    done = 0
    while done < BATCH:
        with transaction.atomic():
            row = (
                Case.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(timing__next_remind_at__lte=moment)
                .order_by("timing__next_remind_at")
                .first()
            )
            if row is None:
                return done
            for clock in row.clocks:
                _tell(row, clock, moment)
            clocks.refresh(row)
            if row.timing.next_remind_at <= moment:  # a clock that stands still in the past is told of once
                CaseClocks.objects.filter(pk=row.pk).update(next_remind_at=NEVER)
        done += 1
    return done


def confirm_silent(now: dt.datetime | None = None) -> int:
    """Close cases that were resolved or answered and that nobody objected to within desk.confirm.hours.

    What still misses a guard (the written feedback of 9.7, an answer) stays open: silence replaces no paper.
    """
    moment = now or timezone.now()
    hours = int(site.value("desk.confirm.hours"))
    before = moment - dt.timedelta(hours=hours)
    waiting = Case.objects.filter(category__in=["resolved", "answered"], resolved_at__lt=before)
    closed = 0
    for pk in list(waiting.order_by("resolved_at").values_list("pk", flat=True)[:BATCH]):
        closed += _confirm(pk, hours)
    return closed


def _confirm(pk: int, hours: int) -> int:
    actor = system_actor()
    with transaction.atomic():
        row = Case.objects.select_for_update(of=("self",)).get(pk=pk)
        try:
            step = workflow().check(facts_of(row), "confirm", mover(actor, row), {})
        except MoveRefused:
            return 0
        state = kind_of(row).states[step.to or row.state]
        row.state, row.category, row.closed_at, row.waiting_for = state.key, state.category, timezone.now(), ""
        save(row, "state", "category", "closed_at", "waiting_for")
        said = f"{hours} 小时内没有异议，自动确认"
        say(actor, row, "confirmed", said, data={"state": row.state, "silent": True})
        clocks.refresh(row)
        record(actor, "desk.case.confirm_silent", row, f"{row.number} {said}", after={"state": state.label})
    return 1


def _tell(row: Case, clock: dict[str, Any], now: dt.datetime) -> None:
    """The assignee hears the warning; of a missed contract clock the service manager and the IT head hear too."""
    if "warn" not in clock or dt.datetime.fromisoformat(clock["warn"]) > now:
        return
    due = dt.datetime.fromisoformat(clock["due"])
    late = due < now
    people: set[int] = {row.assignee_id} if row.assignee_id else _ids("service_manager")
    if clock["side"] == "hospital":
        people = {row.reporter_id} if row.reporter_id else set()
    elif late:
        people |= _ids("service_manager")
        if clock["basis"] == "contract":
            people |= _ids("it_head")
    word = f"已超时 {duration(now - due)}" if late else f"还剩 {duration(due - now)}"
    telling.tell(
        system_actor(),
        people,
        row,
        kind="desk.clock",
        title=f"{clock['label']}{word}：{row.number} {row.title}",
        text=f"时限 {timezone.localtime(due):%m-%d %H:%M}。",
        key=f"clock:{row.pk}:{clock['key']}:{clock['start']}:{'late' if late else 'soon'}",
        urgent=late and clock["basis"] == "contract" and clock["side"] == "vendor",
    )
    if (
        late
        and clock["side"] == "vendor"
        and not row.events.filter(type="late", data__clock=clock["key"], data__start=clock["start"]).exists()
    ):
        say(
            system_actor(), row, "late", f"{clock['label']}超时", at=due, internal=True,
            data={"clock": clock["key"], "start": clock["start"]},
        )  # fmt: skip


def _ids(*roles: str) -> set[int]:
    return set(accounts.people_with_role(*roles).values_list("pk", flat=True))
