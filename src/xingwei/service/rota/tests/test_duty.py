from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from xingwei.base.notify.models import Notification
from xingwei.service.rota import queries, services, tasks
from xingwei.service.rota.models import PublishedWeek, Shift

from .conftest import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]
MONDAY = dt.date(2026, 3, 16)


def names(duties: list[queries.Duty]) -> list[str]:
    return [d.person.name for d in duties]


def publish(manager: Any, time_machine: Any) -> None:
    time_machine.move_to(at("03-16 07:00"), tick=False)
    services.publish_week(manager, MONDAY)


@pytest.mark.clause("9.2a", "9.5")
@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize(
    ("moment", "on_site", "on_call"),
    [
        ("03-18 10:24", ["王工", "刘工"], []),
        ("03-18 12:30", ["王工", "刘工"], []),  # lunch is not working time, but they are there
        ("03-18 17:30", [], ["陈工"]),  # a hand-over belongs to who comes on
        ("03-19 07:59", [], ["陈工"]),
        ("03-21 12:00", [], ["陈工"]),  # a Saturday
    ],
)
def test_who_is_on_duty(
    published: bool, moment: str, on_site: list[str], on_call: list[str], manager: Any, time_machine: Any
) -> None:
    if published:
        publish(manager, time_machine)
    found = queries.on_duty(at(moment))
    assert (names(found.on_site), names(found.on_call)) == (on_site, on_call)
    assert names(found.support) == ["赵工"]
    assert not found.nobody


def test_the_weekly_turn_changes_on_monday(time_machine: Any) -> None:
    assert names(queries.on_duty(at("03-22 23:00")).on_call) == ["陈工"]
    assert names(queries.on_duty(at("03-23 20:00")).on_call) == ["孟工"]


@pytest.mark.clause("9.5")
def test_a_feast_is_covered_from_afar_and_a_makeup_saturday_on_site(team: dict[str, Any]) -> None:
    assert names(queries.on_duty(at("02-14 10:00")).on_site) == ["王工", "刘工"]
    feast = queries.on_duty(at("02-17 10:00"))
    assert (feast.on_site, feast.on_call[0].label) == ([], "节假日远程")


def test_a_published_week_does_not_follow_a_changed_rule(manager: Any, team: dict[str, Any], time_machine: Any) -> None:
    publish(manager, time_machine)
    services.save_rule(
        manager,
        services.RuleInput(
            "day", "驻场", "on_site", ["workday"], "open", "close", [team["chen"], team["liu"]], order=1
        ),
    )
    assert names(queries.on_duty(at("03-18 10:00")).on_site) == ["王工", "刘工"]
    assert set(names(queries.on_duty(at("03-25 10:00")).on_site)) == {"刘工", "陈工"}
    services.publish_week(manager, MONDAY)  # again: what has not begun follows the rule
    assert set(names(queries.on_duty(at("03-18 10:00")).on_site)) == {"刘工", "陈工"}


def test_publishing_again_keeps_what_was_changed_by_hand(manager: Any, team: dict[str, Any], time_machine: Any) -> None:
    publish(manager, time_machine)
    night = Shift.objects.live().get(starts_at=at("03-18 17:30"))
    services.override(manager, night, team["meng"], reason="陈工有事")
    time_machine.move_to(at("03-17 12:00"), tick=False)
    services.publish_week(manager, MONDAY)
    assert names(queries.on_duty(at("03-18 20:00")).on_call) == ["孟工"]
    assert Shift.objects.live().filter(starts_at=at("03-17 08:00")).count() == 2  # begun: neither lost nor doubled
    assert queries.gaps(MONDAY, MONDAY + dt.timedelta(days=6)) == queries.gaps(
        dt.date(2026, 3, 16), dt.date(2026, 3, 22)
    )
    assert PublishedWeek.objects.count() == 1


def test_somebody_stands_in_for_two_hours_of_a_night(manager: Any, team: dict[str, Any], time_machine: Any) -> None:
    publish(manager, time_machine)
    night = Shift.objects.live().get(starts_at=at("03-18 17:30"))
    services.override(manager, night, team["meng"], start=at("03-18 20:00"), end=at("03-18 22:00"))
    assert [names(queries.on_duty(at(f"03-18 {t}")).on_call)[0] for t in ("19:59", "20:00", "21:59", "22:00")] == [
        "陈工", "孟工", "孟工", "陈工",
    ]  # fmt: skip
    with pytest.raises(services.Refused, match="刚刚被别人改过"):
        services.override(manager, night, team["meng"])


def test_nobody_is_in_two_places(manager: Any, team: dict[str, Any], time_machine: Any) -> None:
    publish(manager, time_machine)
    day = Shift.objects.live().get(starts_at=at("03-18 08:00"), person=team["wang"])
    with pytest.raises(services.Refused, match="刘工 这段时间已有班次"):
        services.override(manager, day, team["liu"])
    with pytest.raises(services.Refused, match="已有班次"):
        services.add_shift(
            manager,
            kind=queries.duty.DutyKind.ON_CALL,
            person=team["wang"],
            start=at("03-18 16:00"),
            end=at("03-18 18:00"),
        )


def test_leave_after_publication_leaves_a_gap_that_says_so(
    manager: Any, team: dict[str, Any], time_machine: Any, told: list[tuple[str, str]]
) -> None:
    from xingwei.base.accounts.queries import actor_of

    publish(manager, time_machine)
    told.clear()
    services.enter_leave(actor_of(team["wang"]), team["wang"], dt.date(2026, 3, 18), dt.date(2026, 3, 18))
    assert told == [("周经理", "王工 请假 03-18 至 03-18，有 1 个班次要安排替班")]
    assert names(queries.on_duty(at("03-18 10:00")).on_site) == ["刘工"]
    gaps = queries.gaps(dt.date(2026, 3, 18), dt.date(2026, 3, 18))
    assert [(g.kind, g.have, g.start, g.end) for g in gaps] == [
        ("on_site", 1, at("03-18 08:00"), at("03-18 12:00")),
        ("on_site", 1, at("03-18 14:00"), at("03-18 17:30")),
    ]
    day = Shift.objects.live().get(starts_at=at("03-18 08:00"), person=team["wang"])
    services.override(manager, day, team["chen"])
    assert queries.gaps(dt.date(2026, 3, 18), dt.date(2026, 3, 18)) == []


def test_leave_before_publication_is_planned_around(team: dict[str, Any], manager: Any, time_machine: Any) -> None:
    from xingwei.base.accounts.queries import actor_of

    time_machine.move_to(at("03-10 09:00"), tick=False)
    services.enter_leave(actor_of(team["liu"]), team["liu"], dt.date(2026, 3, 18), dt.date(2026, 3, 18))
    services.publish_week(manager, MONDAY)
    found = queries.on_duty(at("03-18 10:00")).on_site
    assert names(found) == ["王工", "陈工"]
    assert found[1].instead_of == team["liu"]


def test_an_account_switched_off_is_on_duty_no_more(team: dict[str, Any], manager: Any, time_machine: Any) -> None:
    publish(manager, time_machine)
    team["wang"].is_active = False
    team["wang"].save()
    assert names(queries.on_duty(at("03-18 10:00")).on_site) == ["刘工"]
    assert names(queries.on_duty(at("03-25 10:00")).on_site) == ["刘工", "陈工"]  # not published: the stand-in


def test_a_week_is_read_in_few_queries(manager: Any, time_machine: Any, django_assert_max_num_queries: Any) -> None:
    time_machine.move_to(at("03-12 07:00"), tick=False)
    services.publish_week(manager, dt.date(2026, 3, 9))
    services.publish_week(manager, MONDAY)
    queries.week(MONDAY)
    with django_assert_max_num_queries(6):
        week = queries.week(dt.date(2026, 3, 18))
    assert [d.day.date.day for d in week.days] == list(range(16, 23))
    assert not any(d.gaps for d in week.days)
    with django_assert_max_num_queries(5):
        queries.on_duty(at("03-18 10:00"))


def test_who_comes_next() -> None:
    coming = queries.next_duty(at("03-18 10:24"))
    assert coming is not None
    assert (coming.person.name, coming.since) == ("陈工", at("03-18 17:30"))


@pytest.mark.clause("9.2a")
def test_nobody_on_call_is_itself_an_alarm_told_once(
    manager: Any, team: dict[str, Any], time_machine: Any, told: list[tuple[str, str]]
) -> None:
    from xingwei.base.policy.engine import system_actor

    publish(manager, time_machine)
    time_machine.move_to(at("03-16 09:00"), tick=False)
    told.clear()
    services.alarm_gaps(system_actor())
    assert told == []
    night = Shift.objects.live().get(starts_at=at("03-18 17:30"))
    services.cancel_shift(manager, night, reason="陈工住院")
    told.clear()
    services.alarm_gaps(system_actor())
    services.alarm_gaps(system_actor())
    said = "无人值班：3 月 18 日 周三 17:30–次日 08:00"
    assert sorted(told) == [("何科长", said), ("周经理", said)]
    told.clear()
    time_machine.move_to(at("03-18 17:35"), tick=False)
    services.alarm_gaps(system_actor())
    services.alarm_gaps(system_actor())
    assert sorted(told) == [("何科长", f"现在{said}"), ("周经理", f"现在{said}")]


@pytest.mark.clause("9.2a")
def test_the_alarm_reaches_people_once_a_gap(manager: Any, team: dict[str, Any], time_machine: Any) -> None:
    publish(manager, time_machine)
    for moment in ("03-18 17:30", "03-19 17:30"):
        services.cancel_shift(manager, Shift.objects.live().get(starts_at=at(moment)), reason="住院")
    for minute in ("10:00", "10:05", "10:10"):
        time_machine.move_to(at(f"03-16 {minute}"), tick=False)
        tasks.watch_gaps(0)
    told = Notification.objects.filter(kind="rota.gap")
    assert told.count() == 4  # two gaps, two people
    assert set(told.values_list("person__name", flat=True)) == {"周经理", "何科长"}
    time_machine.move_to(at("03-18 17:40"), tick=False)
    tasks.watch_gaps(0)
    assert Notification.objects.filter(kind="rota.gap", urgent=True).count() == 2


def test_weeks_are_published_ahead_by_the_clock(time_machine: Any, told: list[tuple[str, str]]) -> None:
    from xingwei.base.policy.engine import system_actor

    time_machine.move_to(at("03-18 06:00"), tick=False)
    assert services.publish_ahead(system_actor()) == [MONDAY, dt.date(2026, 3, 23), dt.date(2026, 3, 30)]
    assert services.publish_ahead(system_actor()) == []
    assert ("王工", "3 月 16 日 周一 起一周的排班，您有 5 个班次") in told
    assert not [t for t in told if t[0] == "赵工"]  # support has no shifts to come to
