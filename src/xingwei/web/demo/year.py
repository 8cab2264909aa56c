"""A year of a hospital's cases, lived through the services with time travelled: journal, clocks, calls and all.

Nothing is written past the services. The same seed and the same last day give the same year. What is not finished when
the year ends is open today, with its clocks running.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import time_machine
from django.db import connection
from django.utils import timezone

from xingwei.base.calendar import queries as calendars
from xingwei.base.journal import sealing
from xingwei.base.notify import services as notify
from xingwei.base.ui.words import CHINA
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, escalation, intake, moves, reminders

from . import duties, on_site
from .cast import Cast
from .scenes import Plot, Scene, play, plots, report

SEED = 2603
DAYS = 365
WORKDAY_CASES, OFF_CASES = 2.6, 0.7
_KINDS = {"incident": 62, "consultation": 13, "requirement": 8, "defect": 5, "data_request": 3, "change": 3, "hazard": 3,
          "complaint": 1, "other": 2}  # fmt: skip
_HOURS = [1, 1, 0, 0, 0, 1, 2, 8, 30, 34, 28, 20, 8, 6, 22, 26, 22, 14, 6, 4, 3, 3, 2, 1]
_ROUND = dt.timedelta(hours=6)

Progress = Callable[[int, int, str], None]


def live(now: dt.datetime, *, days: int = DAYS, seed: int = SEED, progress: Progress | None = None) -> int:
    """Live the days that end at `now`; returns how many cases came in. In a database that has people and systems."""
    stage = _Stage(Cast(seed), now)
    stage.plan(now - dt.timedelta(days=days))
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # a demonstration that is cut short is lived again
    with time_machine.travel(now - dt.timedelta(days=days), tick=False) as traveller:
        stage.run(traveller, progress)
        traveller.move_to(now)
        _read_old_news(stage.cast)
        sealing.seal()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    return Case.objects.count()


class _Stage:
    """The scheduler: scenes wait in a heap for their moment."""

    def __init__(self, cast: Cast, end: dt.datetime) -> None:
        self.cast, self.end = cast, end
        self._heap: list[tuple[dt.datetime, int, Scene]] = []
        self._order = count()

    def plan(self, start: dt.datetime) -> None:
        calendar, dice = calendars.current(), self.cast.dice
        day = start.astimezone(CHINA).date()
        while day <= self.end.astimezone(CHINA).date():
            mean = WORKDAY_CASES if calendar.is_workday(day) else OFF_CASES
            for _ in range(_poisson(dice, mean)):
                moment = _moment(dice, day)
                if start <= moment < self.end - dt.timedelta(hours=2):
                    self.add(moment, self._scene(self._choose()))
            day += dt.timedelta(days=1)
        self.add(start + _ROUND, self._rounds())
        self.add(start + dt.timedelta(days=2), self._missed_calls())
        great = next(p for p in plots() if p.severity == 1)
        self.add(self.end - dt.timedelta(days=143, hours=3), self._scene(great))
        for moment, scene in duties.scenes(self.cast, start, self.end):
            self.add(moment, scene)
        for moment, scene in on_site.scenes(self.cast, start, self.end, SEED):
            self.add(moment, scene)
        for back, scene in _today(self.cast):
            self.add(self.end - back, scene)

    def add(self, moment: dt.datetime, scene: Scene) -> None:
        if moment <= self.end:
            heapq.heappush(self._heap, (moment, next(self._order), scene))

    def run(self, traveller: Any, progress: Progress | None) -> None:
        first = self._heap[0][0]
        total = int((self.end - first).total_seconds())
        while self._heap:
            moment, _, scene = heapq.heappop(self._heap)
            self._catch_up(traveller, moment)
            traveller.move_to(moment)
            if (following := next(scene, None)) is not None:
                due = following if isinstance(following, dt.datetime) else moment + following
                self.add(max(due, moment + dt.timedelta(seconds=1)), scene)
            if progress:
                progress(int((moment - first).total_seconds()), total, f"{moment.astimezone(CHINA):%Y-%m-%d}")
        self._catch_up(traveller, self.end)

    def _catch_up(self, traveller: Any, moment: dt.datetime) -> None:
        """What the background tasks would have done until then: calls and reminders, each at its time."""
        while (due := _next_due()) is not None and due < moment:
            traveller.move_to(max(due, timezone.now()) + dt.timedelta(seconds=1))
            if not escalation.run_due() + reminders.run_due():
                return

    def _choose(self) -> Plot:
        kind = self.cast.dice.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        return self.cast.dice.choice([p for p in plots() if p.kind == kind and p.severity != 1])

    def _scene(self, plot: Plot) -> Scene:
        return play(self.cast, plot)

    def _rounds(self) -> Scene:
        """Twice a morning and twice a night: silent confirmations; the journal's seals."""
        while True:
            reminders.confirm_silent()
            sealing.seal()
            yield _ROUND

    def _missed_calls(self) -> Scene:
        """A call now and then that nobody took, mostly at night; rung back."""
        cast = self.cast
        while True:
            yield cast.minutes(26 * 24 * 60, 0.5)
            people = sorted(u.username for u in cast.users.values() if u.phone and u.organisation.side == "hospital")
            caller = cast.users[cast.dice.choice(people)]
            actor = cast.actor(cast.engineer())
            call = intake.log_call(actor, caller.phone, missed=True, caller_name=caller.name,
                                   ring_seconds=cast.dice.randint(20, 60))  # fmt: skip
            yield cast.minutes(9, 0.5)
            intake.call_back(actor, call, "已回电，问题已登记或口头解答")


def _next_due() -> dt.datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(next_step_at) FROM desk_escalation),"
            " (SELECT min(next_remind_at) FROM desk_caseclocks WHERE next_remind_at < '9999-01-01 00:00+00'))"
        )
        due: dt.datetime | None = cursor.fetchone()[0]
    return due


def _today(cast: Cast) -> Iterator[tuple[dt.timedelta, Scene]]:
    """The story of every picture: insurance stands still at the windows, and what else lies on the desk."""
    by_title = {p.title: p for p in plots()}
    yield dt.timedelta(minutes=43), _insurance(cast, by_title["医保无法收费，返回“中心处理超时”"])
    yield dt.timedelta(minutes=9), _left_alone(cast, by_title["生化仪 2 号线结果未回传"])
    yield dt.timedelta(days=9), _assessed_only(cast, by_title["检验报告单增加二维码查询"])
    yield dt.timedelta(days=2, hours=1), _planned_only(cast, by_title["诊疗项目收费绑定批量更新 214 条"])


def _insurance(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot, assignee=cast.users["wang"])
    wang = cast.actor("wang")
    yield dt.timedelta(minutes=3)
    moves.move(wang, case, "respond")
    yield dt.timedelta(minutes=8)
    moves.move(wang, case, "arrive", {"place": "门诊收费处"})
    yield dt.timedelta(minutes=3)
    acts.ask_third_party(wang, case, cast.users["lin"], "门诊结算（2207）从刚才起无应答，请查结算服务。")
    yield dt.timedelta(minutes=5)
    moves.move(
        wang,
        case,
        "bulletin",
        {"bulletin": "医保中心结算超时，正在联系中心。窗口请先按自费挂账，恢复后统一补结算，患者不用再跑。"},
    )
    yield dt.timedelta(minutes=12)
    acts.note(wang, case, "前置机日志已取，与中心返回逐笔对过：请求均已发出，无应答。", internal=True)


def _left_alone(cast: Cast, plot: Plot) -> Scene:
    report(cast, plot)
    yield dt.timedelta(days=1)


def _assessed_only(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(1)
    moves.move(cast.actor("zhou"), case, "assess", {"assessment": "与检验科核对过，评估意见已备好"})


def _planned_only(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(0.5)
    plan = {
        "assessment": "214 条绑定，影响 6 个科室",
        "plan": "备份绑定表；测试库执行并比对；正式库双人复核执行；保留回退",
    }
    moves.move(cast.actor("wang"), case, "plan", plan)
    yield cast.workdays(0.2)
    moves.move(cast.actor("zhou"), case, "consent")


def _read_old_news(cast: Cast) -> None:
    """Nobody keeps a year of unread notifications: all are read but those of today."""
    for user in cast.users.values():
        notify.mark_all_read(cast.actor(user))


def _moment(dice: Any, day: dt.date) -> dt.datetime:
    hour = dice.choices(range(24), weights=_HOURS)[0]
    return dt.datetime.combine(day, dt.time(hour, dice.randrange(60), dice.randrange(60)), CHINA)


def _poisson(dice: Any, mean: float) -> int:
    """Knuth's method: few a day, so it is quick."""
    limit, product, n = 2.718281828459045**-mean, dice.random(), 0
    while product > limit:
        product *= dice.random()
        n += 1
    return n
