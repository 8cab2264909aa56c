"""Changing published shifts by hand: somebody stands in, a shift is added, one is cancelled."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from .. import words
from ..engine.patterns import DutyKind, RotaError, split
from ..models import Shift
from .base import Refused, check_span, check_text, tell, week_url


def override(
    actor: Actor,
    shift: Shift,
    person: User,
    *,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    reason: str = "",
) -> list[Shift]:
    """Put another person onto a shift, or onto a part of it; the shifts that stand in its place."""
    require(actor, "rota.shift:override")
    reason = check_text(reason, "原因", 200)
    with transaction.atomic():
        row = lock(shift)
        if row.ends_at <= timezone.now():
            raise Refused("这个班次已经结束，不能再改")
        if person.pk == row.person_id:
            raise Refused(f"这个班次本来就是 {person} 的")
        made = replace(row, person, start=start, end=end, source=Shift.Source.CHANGE, reason=reason)
        text = f"{row} 由 {person} 代 {row.person}"
        record(
            actor, "rota.shift.override", row, text, before={"person": row.person_id},
            after={"person": person.pk, "reason": reason},
        )  # fmt: skip
        tell(actor, [person, row.person], "shift", f"排班调整：{text}", text=reason, url=week_url(_day(row)))
    return made


def add_shift(
    actor: Actor,
    *,
    kind: DutyKind,
    person: User,
    start: dt.datetime,
    end: dt.datetime,
    label: str = "",
    place: str = "",
    reason: str = "",
) -> Shift:
    """One more person on duty: a gap filled, a day of inspection staffed around the clock (clause 8.4)."""
    require(actor, "rota.shift:override")
    check_span(start, end)
    if end <= timezone.now():
        raise Refused("这段时间已经过去")
    label = check_text(label, "名称", 40) or kind.label
    place, reason = check_text(place, "地点", 40), check_text(reason, "原因", 200)
    with transaction.atomic():
        _check_free(person, start, end, kind)
        row = Shift.objects.create(
            kind=kind.value, label=label, person=person, starts_at=start, ends_at=end, place=place,
            source=Shift.Source.CHANGE, reason=reason,
        )  # fmt: skip
        record(actor, "rota.shift.add", row, f"加班次：{person}，{row}", after={"person": person.pk, "reason": reason})
        tell(
            actor,
            [person],
            "shift",
            f"您有新的班次：{label}，{words.span(start, end)}",
            text=reason,
            url=week_url(_day(row)),
        )
    return row


def cancel_shift(actor: Actor, shift: Shift, *, reason: str) -> Shift:
    """Take a shift off the rota. What it leaves open shows as a gap."""
    require(actor, "rota.shift:override")
    reason = check_text(reason, "原因", 200, needed=True)
    with transaction.atomic():
        row = lock(shift)
        if row.ends_at <= timezone.now():
            raise Refused("这个班次已经结束，不能再撤销")
        _cancel(row, reason)
        record(actor, "rota.shift.cancel", row, f"撤销班次：{row.person}，{row}", after={"reason": reason})
        tell(actor, [row.person], "shift", f"您的班次已撤销：{row}", text=reason, url=week_url(_day(row)))
    return row


def lock(shift: Shift) -> Shift:
    """The row as it stands now, locked; Refused where somebody has changed it meanwhile."""
    row: Shift = Shift.objects.select_for_update(of=("self",)).select_related("person").get(pk=shift.pk)
    if row.cancelled_at is not None:
        raise Refused("这个班次刚刚被别人改过，请刷新后再看")
    return row


def replace(
    row: Shift,
    person: User,
    *,
    source: Shift.Source,
    reason: str,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    leaving: tuple[Shift, ...] = (),
) -> list[Shift]:
    """Cancel a locked shift and write what stands in its place. leaving: shifts that the person gives away."""
    try:
        slots = split(row.as_slot(), person.pk, start or row.starts_at, end or row.ends_at)
    except RotaError as error:
        raise Refused(str(error)) from None
    for slot in slots:
        if slot.person == person.pk:
            _check_free(person, slot.start, slot.end, slot.kind, besides=(row, *leaving))
    _cancel(row, reason)
    return [
        Shift.objects.create(
            kind=row.kind, label=row.label, person_id=s.person, starts_at=s.start, ends_at=s.end, place=row.place,
            rule_id=row.rule_id, source=source, instead_of_id=s.instead_of, reason=reason,
        )
        for s in slots
    ]  # fmt: skip


def _cancel(row: Shift, reason: str) -> None:
    row.cancelled_at = row.changed_at = timezone.now()
    row.reason = reason
    row.save(update_fields=["cancelled_at", "changed_at", "reason"])


def _check_free(
    person: User, start: dt.datetime, end: dt.datetime, kind: DutyKind, besides: tuple[Shift, ...] = ()
) -> None:
    """A person answers in one place at a time; support stands beside anything."""
    if not person.in_force(timezone.localdate(start)):
        raise Refused(f"{person} 的账号届时已停用或过期")
    if kind is DutyKind.SUPPORT:
        return
    others = Shift.objects.live().touching(start, end).filter(person=person).exclude(kind=DutyKind.SUPPORT.value)
    other = others.exclude(pk__in=[b.pk for b in besides]).first()
    if other is not None:
        raise Refused(f"{person} 这段时间已有班次：{other}")


def _day(row: Shift) -> dt.date:
    return timezone.localdate(row.starts_at)
