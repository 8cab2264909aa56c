"""Leave: who cannot take shifts, on which days."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import Denied, may

from .. import queries
from ..models import Leave
from .base import Refused, check_text, tell, week_url

_LONGEST = dt.timedelta(days=184)


def enter_leave(actor: Actor, person: User, first: dt.date, last: dt.date, *, reason: str = "") -> Leave:
    """Days on which a person takes no shifts. Weeks not yet published plan around them; in published weeks the
    person's shifts show as absent until somebody stands in, and the service manager is told which."""
    _check_whose(actor, person)
    reason = check_text(reason, "事由", 100)
    today = timezone.localdate()
    if last < first:
        raise Refused("结束日期早于开始日期")
    if last < today:
        raise Refused("这段日子已经过去")
    if last - first > _LONGEST or first > today + dt.timedelta(days=366):
        raise Refused("一次请假最长半年，且应在一年之内开始")
    with transaction.atomic():
        row = Leave.objects.create(person=person, first=first, last=last, reason=reason, entered_by_id=actor.id)
        record(actor, "rota.leave.enter", row, f"登记{row}", after={"first": first, "last": last, "reason": reason})
        hit = [d for d in queries.my_shifts(person.pk, max(first, today), last) if d.absent and d.kind.answers]
        if hit:
            lines = "\n".join(f"{d.label}：{d.since:%m-%d %H:%M}–{d.until:%m-%d %H:%M}" for d in hit[:20])
            tell(
                actor,
                people_with_role("service_manager"),
                "leave",
                f"{row}，有 {len(hit)} 个班次要安排替班",
                text=lines,
                url=week_url(hit[0].since.date()),
            )
    return row


def cancel_leave(actor: Actor, leave: Leave) -> Leave:
    """The person comes after all."""
    _check_whose(actor, leave.person)
    with transaction.atomic():
        row: Leave = Leave.objects.select_for_update(of=("self",)).select_related("person").get(pk=leave.pk)
        if row.cancelled_at is not None:
            raise Refused("这次请假已经撤销")
        row.cancelled_at = timezone.now()
        row.save(update_fields=["cancelled_at"])
        record(actor, "rota.leave.cancel", row, f"撤销{row}")
        tell(actor, people_with_role("service_manager"), "leave", f"{row} 已撤销", url=week_url(row.first))
    return row


def _check_whose(actor: Actor, person: User) -> None:
    require(actor, "rota.leave:enter")
    if person.pk != actor.id and not may(actor, "rota.leave:manage"):
        raise Denied("您只能登记自己的请假")
