"""The last quarter's rota and attendance: weeks published on Fridays, people who sign in and out where they are."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.ui.words import CHINA
from xingwei.service.rota import queries
from xingwei.service.rota.engine.patterns import DutyKind
from xingwei.service.rota.services import attendance, weeks

from .cast import Cast
from .scenes import Scene

DAYS = 98
_FORGETS_TO_LEAVE, _LATE = 0.02, 0.05
_DAY = dt.timedelta(days=1)


def scenes(cast: Cast, start: dt.datetime, end: dt.datetime, seed: int) -> Iterator[tuple[dt.datetime, Scene]]:
    """Dice of its own: who comes when changes nothing of the cases."""
    first = max(start, end - dt.timedelta(days=DAYS)).astimezone(CHINA)
    dice = random.Random(seed)  # noqa: S311 - a demonstration, not a secret
    yield first, _publish(cast)
    yield first.replace(hour=6, minute=0, second=0, microsecond=0) + _DAY, _attend(cast, dice, end)


def _publish(cast: Cast) -> Scene:
    weeks.publish_week(cast.actor("zhou"), timezone.localdate())
    while True:
        today = timezone.localdate()
        friday = today + (4 - today.weekday()) % 7 * _DAY
        yield dt.datetime.combine(friday, dt.time(15), CHINA)
        weeks.publish_week(cast.actor("zhou"), friday + 3 * _DAY)
        yield 2 * _DAY


def _attend(cast: Cast, dice: random.Random, end: dt.datetime) -> Scene:
    """Day after day, in order of time."""
    while True:
        today = timezone.localdate()
        here: set[int] = set()
        for moment, user, comes, place in sorted(_day(dice, today), key=lambda m: (m[0], m[1].username)):
            if moment >= end:
                return
            yield moment
            if comes:
                attendance.sign_in(cast.actor(user), place=place)
                here.add(user.pk)
            elif user.pk in here:
                attendance.sign_out(cast.actor(user))
                here.remove(user.pk)
        yield dt.datetime.combine(today + _DAY, dt.time(6), CHINA)


def _day(dice: random.Random, today: dt.date) -> Iterator[tuple[dt.datetime, User, bool, str]]:
    """(when, who, comes or leaves, where) of one day."""
    for duty in queries.duties(today, today):
        if duty.kind is not DutyKind.ON_SITE or duty.absent or duty.since.astimezone(CHINA).date() != today:
            continue
        late = dice.random() < _LATE
        comes = duty.since + dt.timedelta(minutes=dice.randint(4, 25) if late else -dice.randint(2, 18))
        yield comes, duty.person, True, duty.place
        if dice.random() >= _FORGETS_TO_LEAVE and duty.until.astimezone(CHINA).date() == today:
            yield duty.until + dt.timedelta(minutes=dice.randint(1, 45)), duty.person, False, ""
