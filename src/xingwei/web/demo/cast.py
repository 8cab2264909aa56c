"""Who plays in the demonstration year, and where time stands."""

from __future__ import annotations

import datetime as dt
import random
from functools import cached_property

from django.utils import timezone

from xingwei.base.accounts.models import Department, User
from xingwei.base.accounts.queries import actor_of
from xingwei.base.calendar import queries as calendars
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.words import CHINA
from xingwei.service.rota import queries as rota

# Whom a system's third party sends, by 工号.
THIRD = {"YB": "lin", "POL": "lin", "OPD": "yaoshen", "CIS": "yaoshen", "EMR": "yingxiang", "DEV": "yingxiang",
         "LIS": "bianqian", "HIS": "yinlian", "ESB": "dianxin", "ODR": "dianxin"}  # fmt: skip


class Cast:
    """The people by 工号 and the dice. All chance of the year comes from here: the same seed, the same year."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a demonstration, not a secret
        self._actors: dict[int, Actor] = {}
        self._duty: tuple[dt.datetime, list[str]] | None = None

    @cached_property
    def users(self) -> dict[str, User]:
        return {u.username: u for u in User.objects.select_related("organisation", "department")}

    @cached_property
    def systems(self) -> dict[str, System]:
        return {s.code: s for s in System.objects.all()}

    @cached_property
    def departments(self) -> dict[str, Department]:
        return {d.name: d for d in Department.objects.all()}

    @cached_property
    def staff(self) -> dict[int, list[User]]:
        """Department → who reports from there."""
        found: dict[int, list[User]] = {}
        for user in sorted(self.users.values(), key=lambda u: u.username):
            if user.department_id and may(self.actor(user), "desk.case:create"):
                found.setdefault(user.department_id, []).append(user)
        return found

    def actor(self, who: str | User) -> Actor:
        user = self.users[who] if isinstance(who, str) else who
        if user.pk not in self._actors:
            self._actors[user.pk] = actor_of(user)
        return self._actors[user.pk]

    def reporter(self, department: Department | None) -> User | None:
        people = self.staff.get(department.pk, []) if department else []
        return self.dice.choice(people) if people else None

    def engineer(self) -> User:
        """Somebody on duty now: on site where there is one, else on call."""
        names = self._on_duty(timezone.now().replace(minute=timezone.now().minute // 15 * 15, second=0, microsecond=0))
        return self.users[self.dice.choice(names)] if names else self.users["wang"]

    def _on_duty(self, moment: dt.datetime) -> list[str]:
        """The quarter of an hour's names; kept, since the dice ask again and again."""
        if self._duty is None or self._duty[0] != moment:
            duty = rota.on_duty(moment)
            self._duty = moment, sorted(d.person.username for d in (duty.on_site or duty.on_call))
        return self._duty[1]

    def minutes(self, median: float, spread: float = 0.6, most: float = 100_000) -> dt.timedelta:
        """A time as such times are: mostly near the median, now and then much longer."""
        return dt.timedelta(minutes=min(most, self.dice.lognormvariate(0, spread) * median))

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def office(self, moment: dt.datetime, spread: float = 40) -> dt.datetime:
        """The moment, or soon after work begins again where it lies outside working time."""
        start = calendars.current().working_start(moment)
        return moment if start <= moment else start + self.minutes(spread)

    def workdays(self, days: float) -> dt.datetime:
        """So many working days from now, in working time."""
        hours = dt.timedelta(hours=7.5 * days)
        return calendars.current().add(timezone.now(), hours)

    def is_office_hour(self) -> bool:
        now = timezone.now()
        return bool(calendars.current().working_start(now) <= now)

    def at_night(self) -> bool:
        return not 7 <= timezone.now().astimezone(CHINA).hour < 20
