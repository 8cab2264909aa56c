"""Who is on duty. Published weeks are read from their shifts, later ones computed from the rules, so that a week that
nobody published still has somebody on duty.

A person whose account is switched off, or who is on leave, is not on duty whatever the shifts say: their shifts show
as absent, and the time is a gap until somebody stands in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.calendar import queries as calendars
from xingwei.base.calendar.engine import Day, WorkCalendar
from xingwei.base.site import queries as site

from ..engine import coverage, patterns
from ..engine.patterns import Away, DutyKind, Slot
from ..models import Leave, PublishedWeek, Shift, ShiftRule

_DAY = dt.timedelta(days=1)
_LONGEST = 2 * _DAY  # no shift is longer: one that touches a day began at most so much earlier
_FAR = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's duty. shift: the stored row's id, None while the week is not published."""

    person: User
    since: dt.datetime
    until: dt.datetime
    place: str
    label: str
    kind: DutyKind
    shift: int | None = None
    instead_of: User | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class OnDuty:
    on_site: list[Duty]
    on_call: list[Duty]
    support: list[Duty] = field(default_factory=list)

    @property
    def nobody(self) -> bool:
        return not self.on_site and not self.on_call

    @property
    def first(self) -> Duty | None:
        """Whom one would ring now: who is on site before who is on call."""
        return next(iter([*self.on_site, *self.on_call]), None)


@dataclass(frozen=True, slots=True)
class WeekDay:
    day: Day
    today: bool
    on_site: list[Duty]
    on_call: list[Duty]
    support: list[Duty]
    gaps: list[coverage.Gap]


@dataclass(frozen=True, slots=True)
class Week:
    monday: dt.date
    published: PublishedWeek | None
    provisional: bool
    days: list[WeekDay]
    clashes: list[tuple[User, coverage.Clash]]
    overlaps: list[tuple[list[User], coverage.Overlap]]


def on_duty(at: dt.datetime | None = None) -> OnDuty:
    """Who is on duty at a moment (default: now)."""
    moment = timezone.localtime(at or timezone.now())
    return now_of(duties(moment.date(), moment.date()), moment)


def now_of(found: Iterable[Duty], moment: dt.datetime) -> OnDuty:
    """Those of the duties that are on at the moment."""
    now = [d for d in found if d.since <= moment < d.until and not d.absent]
    on_site, on_call, support = (_of(now, kind) for kind in DutyKind)
    return OnDuty(on_site, on_call, support)


def next_duty(at: dt.datetime | None = None) -> Duty | None:
    """Who comes on next after a moment, within a week; support does not count."""
    moment = timezone.localtime(at or timezone.now())
    coming = duties(moment.date(), moment.date() + 7 * _DAY)
    return next((d for d in coming if d.since > moment and d.kind.answers and not d.absent), None)


def week(start: dt.date) -> Week:
    """The week in which `start` lies, as the week page shows it: what begins on each day, and what is open."""
    monday = start - start.weekday() * _DAY
    calendar = calendars.current()
    sunday = monday + 6 * _DAY
    found = duties(monday, sunday)
    slots = [_slot(d) for d in found if not d.absent]
    open_ = coverage.gaps(slots, calendar, monday, sunday, on_site=minimum_on_site())
    people = {d.person.pk: d.person for d in found}
    today = timezone.localdate()
    days = []
    for n in range(7):
        date = monday + n * _DAY
        begun = [d for d in found if d.since.date() == date]
        own = [g for g in open_ if g.start.date() <= date and g.end > _midnight(date, calendar)]
        on_site, on_call, support = (_of(begun, k) for k in DutyKind)
        days.append(WeekDay(calendar.day(date), date == today, on_site, on_call, support, own))
    return Week(
        monday,
        PublishedWeek.objects.select_related("published_by").filter(pk=monday).first(),
        calendar.provisional(monday, sunday),
        days,
        [(people[c.person], c) for c in coverage.clashes(slots)],
        [([people[p] for p in o.people], o) for o in coverage.overlaps(slots)],
    )


def gaps(first: dt.date, last: dt.date) -> list[coverage.Gap]:
    """What is open between two days: nobody answers, or too few on site (clauses 9.2a, 9.5)."""
    slots = [_slot(d) for d in duties(first, last) if not d.absent]
    return coverage.gaps(slots, calendars.current(), first, last, on_site=minimum_on_site())


def duties(first: dt.date, last: dt.date) -> list[Duty]:
    """Every duty that touches the days, in order of time; those of people who are away are marked absent."""
    zone = timezone.get_default_timezone()
    start = dt.datetime.combine(first, dt.time(), zone)
    end = dt.datetime.combine(last + _DAY, dt.time(), zone)
    slots = [s.as_slot() for s in Shift.objects.live().touching(start, end)]
    away = _away(first, last)
    slots += [s for s in _computed(first, last, away) if s.overlaps(start, end)]
    people = people_of({p for s in slots for p in (s.person, s.instead_of) if p})
    gone = [*away, *(Away(p.pk, start - _LONGEST, _FAR) for p in people.values() if not p.in_force(first))]
    return [_duty(s, people, gone) for s in sorted(slots)]


def my_shifts(person: int, first: dt.date, last: dt.date) -> list[Duty]:
    """One person's duties that touch the days."""
    return [d for d in duties(first, last) if d.person.pk == person]


def minimum_on_site() -> int:
    """How many people the contract asks to be on site on a workday (clause 9.5)."""
    return int(site.value("rota.onsite.minimum"))


def people_of(ids: Iterable[int]) -> dict[int, User]:
    return User.objects.select_related("organisation").in_bulk(list(ids))


def planned(first: dt.date, last: dt.date, away: Sequence[Away] | None = None) -> list[Slot]:
    """What the rules alone say for the days, whether they are published or not."""
    rules = [r.as_rule() for r in ShiftRule.objects.prefetch_related("people") if len(r.people.all())]
    gone = [*(_away(first, last) if away is None else away), *_switched_off(rules, first)]
    return patterns.plan(rules, calendars.current(), first, last, gone)


def _computed(first: dt.date, last: dt.date, away: Sequence[Away]) -> list[Slot]:
    """The shifts of the weeks that are not published."""
    begin = first - _LONGEST
    mondays = {begin - begin.weekday() * _DAY}
    mondays |= {d for d in (begin + n * _DAY for n in range((last - begin).days + 1)) if d.weekday() == 0}
    missing = mondays - set(PublishedWeek.objects.filter(pk__in=mondays).values_list("pk", flat=True))
    if not missing:
        return []
    return [s for s in planned(begin, last, away) if s.start.date() - s.start.weekday() * _DAY in missing]


def _away(first: dt.date, last: dt.date) -> list[Away]:
    leaves = Leave.objects.filter(cancelled_at__isnull=True, first__lte=last + _DAY, last__gte=first - _LONGEST)
    return [leave.as_away() for leave in leaves]


def _switched_off(rules: Sequence[patterns.Rule], day: dt.date) -> list[Away]:
    """People of the rules whose account may not be used: the next in line takes their turn."""
    named = people_of({p for r in rules for p in (*r.people, *r.stand_ins)})
    past = dt.datetime.combine(day, dt.time(), timezone.get_default_timezone()) - 60 * _DAY
    return [Away(p.pk, past, _FAR) for p in named.values() if not p.in_force(day)]


def _duty(slot: Slot, people: dict[int, User], gone: Sequence[Away]) -> Duty:
    return Duty(
        person=people[slot.person],
        since=slot.start,
        until=slot.end,
        place=slot.place,
        label=slot.label,
        kind=slot.kind,
        shift=slot.ref,
        instead_of=people.get(slot.instead_of) if slot.instead_of else None,
        absent=any(a.person == slot.person and a.start < slot.end and slot.start < a.end for a in gone),
    )


def _slot(duty: Duty) -> Slot:
    return Slot(duty.since, duty.until, duty.kind, duty.person.pk, duty.label, duty.place, ref=duty.shift)


def _of(found: Iterable[Duty], kind: DutyKind) -> list[Duty]:
    return [d for d in found if d.kind is kind]


def _midnight(date: dt.date, calendar: WorkCalendar) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), calendar.zone)
