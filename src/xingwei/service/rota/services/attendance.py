"""Signing in and out on site (clause 9.5), and corrections, which the hospital makes."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Attendance
from .base import Refused, check_text

_LONGEST_STAY = dt.timedelta(hours=24)


def sign_in(actor: Actor, *, place: str = "") -> Attendance:
    """The actor is on site from now on, or has moved to another place while there."""
    require(actor, "rota.attendance:sign")
    place = check_text(place, "地点", 40)
    now = timezone.now()
    with transaction.atomic():
        person = _person(actor)
        row = Attendance.objects.filter(person=person, signed_out_at__isnull=True).first()
        if row is not None and timezone.localdate(row.signed_in_at) == timezone.localdate(now):
            return _move(actor, row, place)
        if row is not None:
            _close_forgotten(actor, row)
        row = Attendance.objects.create(person=person, signed_in_at=now, place=place, address=actor.address[:64])
        record(actor, "rota.attendance.in", row, f"{actor.name} 签到{_at(place)}", after={"place": place})
    return row


def sign_out(actor: Actor) -> Attendance:
    """The actor leaves."""
    require(actor, "rota.attendance:sign")
    with transaction.atomic():
        person = _person(actor)
        row: Attendance | None = person.attendances.filter(signed_out_at__isnull=True).first()
        if row is None:
            raise Refused("您今天还没有签到，或已经签退")
        if timezone.localdate(row.signed_in_at) != timezone.localdate():
            _close_forgotten(actor, row)
            raise Refused("上一次签到忘了签退，已按当天 24:00 记；今天请先签到")
        row.signed_out_at = timezone.now()
        row.save(update_fields=["signed_out_at"])
        record(actor, "rota.attendance.out", row, f"{actor.name} 签退")
    return row


def correct(
    actor: Actor,
    *,
    person: User,
    start: dt.datetime,
    end: dt.datetime | None,
    why: str,
    row: Attendance | None = None,
    place: str = "",
) -> Attendance:
    """Write down or mend an attendance afterwards. The hospital's IT does this, not the vendor whose staff it is."""
    require(actor, "rota.attendance:correct")
    why = check_text(why, "更正原因", 200, needed=True)
    place = check_text(place, "地点", 40)
    now = timezone.now()
    if start > now or (end is not None and end > now):
        raise Refused("不能登记还没有到的时间")
    if end is not None and not start < end <= start + _LONGEST_STAY:
        raise Refused("签退应晚于签到，且不超过 24 小时")
    with transaction.atomic():
        target: Attendance = Attendance.objects.select_for_update().get(pk=row.pk) if row else Attendance(person=person)
        before = {"in": target.signed_in_at, "out": target.signed_out_at} if row else None
        target.signed_in_at, target.signed_out_at = start, end
        target.place = place or target.place
        target.corrected_by_id, target.corrected_why = actor.id, why
        try:
            with transaction.atomic():
                target.save()
        except IntegrityError:
            raise Refused(f"{target.person} 还有一次没有签退的签到，请先补上签退时间") from None
        record(
            actor, "rota.attendance.correct", target, f"更正考勤：{target}，{why}", before=before,
            after={"in": start, "out": end, "why": why},
        )  # fmt: skip
    return target


def _move(actor: Actor, row: Attendance, place: str) -> Attendance:
    if not place or place == row.place:
        raise Refused("您今天已经签到。换了地点请写明在哪里")
    before = row.place
    row.place = place
    row.save(update_fields=["place"])
    record(
        actor, "rota.attendance.move", row, f"{actor.name} 到{place}", before={"place": before}, after={"place": place}
    )
    return row


def _close_forgotten(actor: Actor, row: Attendance) -> None:
    """A sign-out of an earlier day that was forgotten: the day's end, so that nobody is present for two days."""
    local = timezone.localtime(row.signed_in_at)
    row.signed_out_at = local.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    row.corrected_why = "忘记签退，按当天 24:00 记"
    row.save(update_fields=["signed_out_at", "corrected_why"])
    record(actor, "rota.attendance.out", row, f"{row} 忘记签退，按当天 24:00 记")


def _person(actor: Actor) -> User:
    """The actor's own account, locked: one sign-in at a time for one person."""
    person = User.objects.select_for_update().filter(pk=actor.id).first() if actor.id else None
    if person is None:
        raise Refused("签到、签退要由本人办理")
    return person


def _at(place: str) -> str:
    return f"，在{place}" if place else ""
