from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import transaction

from xingwei.base.journal.models import Entry
from xingwei.base.notify import services
from xingwei.base.notify.models import (
    Gateway,
    MailServer,
    Notification,
    Outbox,
    Preference,
    QuietHours,
    Robot,
    WecomApp,
)
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


@pytest.fixture
def everything(db: None) -> None:
    """Every channel that reaches a person is configured."""
    MailServer.objects.create(on=True, host="mail.hospital.example")
    WecomApp.objects.create(on=True, corp_id="ww1")
    for kind in ("sms", "voice"):
        Gateway.objects.create(kind=kind, name=kind, url="http://127.0.0.1/", success_value="0")


def reachable(person: Any, *roles: str) -> Any:
    user = person(*roles)
    user.email, user.mobile, user.wecom_id = f"{user.username}@hospital.example", f"139{user.pk:08d}", user.username
    user.save()
    return user


def sent_by(user: Any) -> set[str]:
    return set(Outbox.objects.filter(person=user).values_list("channel", flat=True))


def test_people_are_told_on_the_page_and_it_is_recorded(person: Any, actor: Any) -> None:
    one, two, left = person("it_staff"), person("reporter"), person("reporter")
    left.is_active = False
    left.save()
    who = actor("service_manager")
    made = services.tell(
        who, [one, two.pk, one, left], kind="desk.assigned", title="指派给您\n2603-187", url="/desk/1/"
    )
    assert {n.person_id for n in made} == {one.pk, two.pk}
    row = Notification.objects.get(person=one)
    assert (row.title, row.sender, row.read_at, row.url) == ("指派给您 2603-187", who.name, None, "/desk/1/")
    entry = Entry.objects.get(act="notify.person.tell")
    assert entry.actor_id == who.id
    assert entry.after["people"] == sorted([one.pk, two.pk])
    assert "2603-187" not in entry.summary  # a title may say more than the journal should


def test_nobody_to_tell_is_no_act() -> None:
    assert services.tell(SYSTEM, [], kind="x", title="t") == []
    assert services.tell(SYSTEM, [None], kind="x", title="t") == []
    assert not Entry.objects.exists()


def test_the_same_key_is_told_once_to_each(person: Any, everything: None) -> None:
    one, two = reachable(person, "it_staff"), reachable(person, "it_staff")
    assert len(services.tell(SYSTEM, [one], kind="k", title="到点", key="case:1:due")) == 1
    again = services.tell(SYSTEM, [one, two], kind="k", title="到点", key="case:1:due")
    assert [n.person_id for n in again] == [two.pk]
    assert Notification.objects.count() == 2
    assert Outbox.objects.filter(person=one).count() == 1


def test_what_is_rolled_back_was_never_told(person: Any, everything: None) -> None:
    one = reachable(person, "it_staff")
    with transaction.atomic():
        services.tell(SYSTEM, [one], kind="k", title="t")
        transaction.set_rollback(True)
    assert not Notification.objects.exists()
    assert not Outbox.objects.exists()


def test_ordinary_ones_go_by_wecom_or_else_by_mail(person: Any, everything: None) -> None:
    both, mail_only, nothing = reachable(person), reachable(person), person()
    mail_only.wecom_id = ""
    mail_only.save()
    services.tell(SYSTEM, [both, mail_only, nothing], kind="k", title="t")
    assert (sent_by(both), sent_by(mail_only), sent_by(nothing)) == ({"wecom"}, {"mail"}, set())


@pytest.mark.clause("9.2a")
def test_urgent_ones_go_by_every_channel_whatever_was_chosen(person: Any, everything: None) -> None:
    one = reachable(person)
    for channel in ("wecom", "mail", "sms", "voice"):
        Preference.objects.create(person=one, kind="*", channel=channel, on=False)
    services.tell(SYSTEM, [one], kind="k", title="一级故障", urgent=True)
    assert sent_by(one) == {"sms", "voice"}
    services.tell(SYSTEM, [one], kind="k", title="一般")
    assert Outbox.objects.filter(person=one, urgent=False).count() == 0


def test_a_choice_for_the_kind_goes_before_that_for_all(person: Any, everything: None) -> None:
    one = reachable(person)
    Preference.objects.create(person=one, kind="*", channel="mail", on=True)
    Preference.objects.create(person=one, kind="desk.rated", channel="mail", on=False)
    services.tell(SYSTEM, [one], kind="desk.rated", title="t")
    assert sent_by(one) == {"wecom"}
    services.tell(SYSTEM, [one], kind="desk.other", title="t")
    assert sent_by(one) == {"wecom", "mail"}


@time_machine.travel(dt.datetime(2026, 3, 18, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=8))), tick=False)
def test_quiet_hours_hold_back_all_but_the_urgent(person: Any, everything: None) -> None:
    one = reachable(person)
    QuietHours.objects.create(person=one, since=dt.time(22), until=dt.time(7))
    services.tell(SYSTEM, [one], kind="k", title="一般")
    services.tell(SYSTEM, [one], kind="k", title="一级", urgent=True)
    held, *urgent = Outbox.objects.order_by("id")
    assert held.next_try_at == dt.datetime(2026, 3, 18, 23, tzinfo=dt.UTC)
    assert {u.next_try_at for u in urgent} == {dt.datetime(2026, 3, 18, 15, 30, tzinfo=dt.UTC)}


def test_groups_hear_of_their_topics(db: None) -> None:
    Robot.objects.create(channel="wecom", name="所有", address="x", per_minute=18)
    Robot.objects.create(channel="feishu", name="医保", address="x", per_minute=90, topics=["yb"])
    Robot.objects.create(channel="dingtalk", name="停用", address="x", per_minute=18, on=False)
    made = services.broadcast(SYSTEM, topic="desk.major", title="门诊收费中断", key="case:1")
    assert [o.robot.name for o in made] == ["所有"]
    assert services.broadcast(SYSTEM, topic="desk.major", title="门诊收费中断", key="case:1") == []
    assert [o.robot.name for o in services.broadcast(SYSTEM, topic="yb", title="医保")] == ["医保", "所有"]
    assert Entry.objects.filter(act="notify.group.tell").count() == 2


@pytest.mark.clause("9.2a")
def test_an_urgent_broadcast_is_never_left_to_a_robot_alone(db: None) -> None:
    Robot.objects.create(channel="wecom", name="群", address="x", per_minute=18)
    Gateway.objects.create(kind="sms", name="短信", url="http://x/", success_value="0", duty_mobiles=["13900000101"])
    services.broadcast(SYSTEM, topic="t", title="一般")
    services.broadcast(SYSTEM, topic="t", title="一级", urgent=True)
    assert list(Outbox.objects.filter(urgent=True).order_by("channel").values_list("channel", "address")) == [
        ("sms", "13900000101"),
        ("wecom", ""),
    ]
    assert Outbox.objects.filter(urgent=False).count() == 1


def test_a_full_outbox_takes_urgent_ones_only(person: Any, everything: None, monkeypatch: Any) -> None:
    one = reachable(person)
    monkeypatch.setattr("xingwei.base.notify.queries.waiting", lambda: 5000)
    services.tell(SYSTEM, [one], kind="k", title="一般")
    services.tell(SYSTEM, [one], kind="k", title="一级", urgent=True)
    ordinary = Outbox.objects.get(urgent=False)
    assert ordinary.state == Outbox.State.DEAD
    assert "已达上限" in ordinary.said
    assert set(Outbox.objects.filter(urgent=True).values_list("state", flat=True)) == {Outbox.State.QUEUED}
    assert Notification.objects.count() == 2


def test_telling_costs_the_same_for_many(person: Any, everything: None, django_assert_max_num_queries: Any) -> None:
    crowd = [reachable(person) for _ in range(30)]
    with django_assert_max_num_queries(16), transaction.atomic():
        services.tell(SYSTEM, crowd, kind="k", title="t", urgent=True, key="one")
    assert Outbox.objects.count() == 120


def test_what_no_database_can_hold_is_told_all_the_same(person: Any) -> None:
    row = services.tell(SYSTEM, [person()], kind="k", title="\x00" + "长" * 500 + "\ud83d", text="a\x00b" * 9000)[0]
    row.refresh_from_db()
    assert len(row.title) == 200
    assert "\x00" not in row.text
