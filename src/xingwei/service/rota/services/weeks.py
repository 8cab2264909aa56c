"""Publishing weeks, and sounding the alarm where one has a gap."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.queries import people_with_role
from xingwei.base.calendar import queries as calendars
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.site import queries as site
from xingwei.base.ui import words as ui_words

from .. import queries, words
from ..engine import patterns
from ..engine.coverage import Gap, GapKind
from ..models import PublishedWeek, Shift, ShiftRule
from .base import Refused, tell, week_url

_DAY = dt.timedelta(days=1)
_AHEAD = dt.timedelta(weeks=26)


def publish_week(actor: Actor, day: dt.date) -> PublishedWeek:
    """Turn the rules into the shifts of the week in which `day` lies, and tell those who have them.

    Publishing again takes up changed rules for what has not begun yet; shifts that were changed by hand or swapped
    stay. Raises Refused for a week too far ahead or without rules.
    """
    require(actor, "rota.shift:publish")
    monday = day - day.weekday() * _DAY
    _check_week(monday)
    with transaction.atomic():
        calendar = calendars.current()
        rules = {r.key: r for r in ShiftRule.objects.select_for_update().prefetch_related("people")}
        if not rules:
            raise Refused("还没有排班规则，请先在“排班规则”里写好谁在什么日子值班")
        # computed before the week is marked as published, from the rules alone
        planned = queries.planned(monday, monday + 6 * _DAY)
        week, again = _mark(actor, monday, calendar.version)
        kept = _clear(monday) if again else []
        made = [_make(slot, rules) for slot in planned if not _taken(slot, kept, again)]
        Shift.objects.bulk_create(made)
        record(
            actor,
            "rota.week.publish",
            week,
            f"{'重新' if again else ''}发布 {ui_words.day(monday)} 起一周的排班，{len(made)} 个班次",
            after={"monday": monday, "shifts": len(made), "calendar": calendar.version},
        )
        _tell_people(actor, monday, made)
    return week


def publish_ahead(actor: Actor) -> list[dt.date]:
    """Publish the weeks that the setting asks for and nobody has published; the Mondays of those it did."""
    weeks = int(site.value("rota.publish.weeks"))
    if not weeks or not ShiftRule.objects.exists():
        return []
    today = timezone.localdate()
    monday = today - today.weekday() * _DAY
    wanted = [monday + n * dt.timedelta(weeks=1) for n in range(weeks + 1)]
    have = set(PublishedWeek.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    missing = [m for m in wanted if m not in have]
    for day in missing:
        publish_week(actor, day)
    return missing


def alarm_gaps(actor: Actor) -> list[Gap]:
    """Tell the service manager and the head of IT of every gap now and in the coming days, once a gap.

    That nobody answers at this moment is itself an alarm and goes out urgently. A gap that has lasted for more than
    three days is told of again each day. Returns what is open.
    """
    require(actor, "rota.shift:publish")
    now = timezone.now()
    today = timezone.localdate(now)
    # looking back keeps a gap's beginning, and so its key, the same while it lasts
    found = queries.gaps(today - 3 * _DAY, today + int(site.value("rota.gap.days")) * _DAY)
    open_ = [g for g in found if g.end > now]
    with transaction.atomic():
        for gap in _by_day(open_):
            running = gap.start <= now
            urgent = running and gap.kind is GapKind.NOBODY
            tell(
                actor,
                people_with_role("service_manager", "it_head"),
                "gap",
                words.gap_title(gap, running=running),
                text="请在值班表上安排替班。" if not urgent else "现在来电没有人接。请立即安排人员，并在值班表上登记。",
                url=week_url(timezone.localdate(max(gap.start, now))),
                urgent=urgent,
                key=f"rota.gap:{_key(gap)}{':now' if urgent else ''}",
            )
    return open_


def _by_day(found: list[Gap]) -> list[Gap]:
    """Of the gaps on site of one day only the worst: one telling, not one for the morning and one for the afternoon."""
    worst: dict[str, Gap] = {}
    for gap in sorted(found, key=lambda g: (g.have, g.start)):
        worst.setdefault(_key(gap), gap)
    return sorted(worst.values())


def _key(gap: Gap) -> str:
    return gap.key if gap.kind is GapKind.NOBODY else f"{gap.kind}:{timezone.localdate(gap.start):%Y%m%d}"


def _check_week(monday: dt.date) -> None:
    today = timezone.localdate()
    if monday + 6 * _DAY < today:
        raise Refused("这一周已经过去，不能再发布")
    if monday > today + _AHEAD:
        raise Refused("最多提前半年发布排班")


def _mark(actor: Actor, monday: dt.date, version: str) -> tuple[PublishedWeek, bool]:
    values = {"published_at": timezone.now(), "published_by_id": actor.id, "calendar_version": version}
    week, created = PublishedWeek.objects.select_for_update().update_or_create(monday=monday, defaults=values)
    return week, not created


def _clear(monday: dt.date) -> list[Shift]:
    """Take back the rules' own shifts that have not begun; what stays is returned, the cancelled ones included."""
    zone = timezone.get_default_timezone()
    start = dt.datetime.combine(monday, dt.time(), zone)
    now = timezone.now()
    of_week = Shift.objects.select_for_update().filter(starts_at__gte=start, starts_at__lt=start + 7 * _DAY)
    untouched = of_week.live().filter(source=Shift.Source.RULE, starts_at__gt=now)
    untouched.filter(swaps__isnull=True).delete()
    return list(of_week)


def _taken(slot: patterns.Slot, kept: list[Shift], again: bool) -> bool:
    """Whether a planned shift is already there, was changed by hand, or has begun before this publication."""
    if again and slot.start <= timezone.now():
        return True
    return any(s.label == slot.label and s.kind == slot.kind and s.starts_at < slot.end and s.ends_at > slot.start
               and slot.person in (s.person_id, s.instead_of_id) for s in kept)  # fmt: skip


def _make(slot: patterns.Slot, rules: dict[str, ShiftRule]) -> Shift:
    return Shift(
        kind=slot.kind.value,
        label=slot.label,
        person_id=slot.person,
        starts_at=slot.start,
        ends_at=slot.end,
        place=slot.place,
        rule=rules.get(slot.rule),
        instead_of_id=slot.instead_of,
    )


def _tell_people(actor: Actor, monday: dt.date, made: list[Shift]) -> None:
    own: dict[int, list[Shift]] = defaultdict(list)
    for shift in made:
        if shift.kind != patterns.DutyKind.SUPPORT:
            own[shift.person_id].append(shift)
    people = queries.people_of(own)
    for person, shifts in own.items():
        lines = [f"{s.label}：{words.span(s.starts_at, s.ends_at)}" for s in sorted(shifts, key=lambda s: s.starts_at)]
        tell(
            actor,
            [people[person]],
            "week",
            f"{ui_words.day(monday)} 起一周的排班，您有 {len(shifts)} 个班次",
            text="\n".join(lines),
            url=week_url(monday),
        )
