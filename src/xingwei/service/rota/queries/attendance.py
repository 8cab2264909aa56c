"""Attendance, counted against the contract (clause 9.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.calendar import queries as calendars
from xingwei.base.site import queries as site

from ..engine import attendance as engine
from ..engine.patterns import DutyKind
from ..models import Attendance
from .duty import duties, minimum_on_site, people_of

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Month:
    """days: workdays only. short_days: those over with fewer people than the contract asks."""

    first: dt.date
    last: dt.date
    days: list[engine.Day]
    people: list[User]

    @property
    def over(self) -> int:
        return sum(d.over for d in self.days)

    @property
    def short_days(self) -> list[engine.Day]:
        return [d for d in self.days if d.short_of]

    @property
    def share(self) -> float | None:
        """Workdays on which the contract was kept, of those that are over; None before the first."""
        return (self.over - len(self.short_days)) / self.over if self.over else None


def attendance(first: dt.date, last: dt.date) -> Month:
    """Every workday between two days: who was planned on site, who came, from when to when."""
    calendar = calendars.current()
    zone = timezone.get_default_timezone()
    start, end = dt.datetime.combine(first, dt.time(), zone), dt.datetime.combine(last + _DAY, dt.time(), zone)
    rows = Attendance.objects.filter(signed_in_at__gte=start, signed_in_at__lt=end).order_by("signed_in_at")
    stays = [engine.Stay(r.person_id, r.signed_in_at, r.signed_out_at) for r in rows]
    planned: dict[dt.date, list[int]] = {}
    for duty in duties(first, last):
        if duty.kind is DutyKind.ON_SITE and not duty.absent:
            planned.setdefault(duty.since.date(), []).append(duty.person.pk)
    days = engine.month(
        _dates(first, last),
        calendar,
        planned,
        stays,
        need=minimum_on_site(),
        hours=float(site.value("rota.attendance.hours")),
        now=timezone.now(),
    )
    people = people_of({p for d in days for p in d.people})
    return Month(first, last, days, sorted(people.values(), key=lambda p: p.username))


def presence_now(people: Iterable[int]) -> dict[int, Attendance]:
    """Today's last sign-in of each person, whether signed out or not."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Attendance.objects.filter(person__in=list(people), signed_in_at__gte=midnight).order_by("signed_in_at")
    return {r.person_id: r for r in rows}


def _dates(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    return (first + n * _DAY for n in range((last - first).days + 1))
