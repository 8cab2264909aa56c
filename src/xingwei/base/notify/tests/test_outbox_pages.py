from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.notify import kinds, purging
from xingwei.base.notify import services as notify
from xingwei.base.notify.models import (
    InboundMessage,
    Lane,
    MailServer,
    Notification,
    Outbox,
    Preference,
    QuietHours,
)
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
State = Outbox.State


def broadcast(title: str = "门诊收费中断", **kwargs: Any) -> Outbox:
    return notify.broadcast(system_actor(), **{"topic": "t", "title": title} | kwargs)[0]


def test_counts_age_errors_and_filters(as_role: Any, robot: Any, services: Any, deliver: Any) -> None:
    robot("wecom")
    services.force("wecom", 200, {"errcode": 93000, "errmsg": "invalid webhook url"})
    broadcast("失败的")
    deliver()
    broadcast("等着的", urgent=True)
    client = as_role("service_manager")
    page = client.get("/notify/outbox/").content.decode()
    assert "失败的" in page
    assert "【紧急】等着的" in page
    assert "没有 紧急" not in page
    only = client.get("/notify/outbox/?state=dead").content.decode()
    assert "失败的" in only
    assert "等着的" not in only
    assert "等着的" not in client.get("/notify/outbox/?old=1").content.decode()
    assert "已被移出群" in b"".join(client.get("/notify/outbox/?format=csv").streaming_content).decode()


def test_a_list_of_many_costs_the_same(as_role: Any, robot: Any, django_assert_max_num_queries: Any) -> None:
    one = robot("wecom")
    client = as_role("service_manager")
    broadcast()
    with CaptureQueriesContext(connection) as short:
        client.get("/notify/outbox/")
    Outbox.objects.bulk_create(
        Outbox(channel="wecom", lane=one.lane, robot=one, kind="t", payload={"title": f"{i}"}, person=client.user)
        for i in range(200)
    )
    with django_assert_max_num_queries(len(short)):
        client.get("/notify/outbox/")


def test_sending_again_and_cancelling(as_role: Any, robot: Any, services: Any, deliver: Any) -> None:
    robot("wecom")
    client = as_role("service_manager")
    services.force("wecom", 200, {"errcode": 93000, "errmsg": "x"})
    row = broadcast("一")
    deliver()
    page = client.get(f"/notify/outbox/{row.pk}/").content.decode()
    assert "errcode" in page
    assert "现在重发" in page
    client.post(f"/notify/outbox/{row.pk}/retry/")
    deliver()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.SENT, 1)
    assert "不能重发" in client.post(f"/notify/outbox/{row.pk}/retry/", follow=True).content.decode()
    other = broadcast("二")
    client.post(f"/notify/outbox/{other.pk}/cancel/")
    assert deliver() == 0
    other.refresh_from_db()
    assert (other.state, other.said) == (State.CANCELLED, f"由{client.actor.name}取消")
    assert "不能取消" in client.post(f"/notify/outbox/{other.pk}/cancel/", follow=True).content.decode()
    assert Entry.objects.filter(act__startswith="notify.delivery.").count() == 3


def test_sending_again_gives_a_silent_lane_another_chance(
    as_role: Any, robot: Any, services: Any, deliver: Any
) -> None:
    one = robot("wecom")
    row = broadcast()
    Lane.objects.filter(pk=one.lane).update(blocked_until=timezone.now() + dt.timedelta(hours=1))
    assert deliver() == 0
    Outbox.objects.update(state=State.DEAD)
    assert "1 条已重新排队" in as_role("system_admin").post("/notify/outbox/retry/", follow=True).content.decode()
    assert deliver() == 1
    row.refresh_from_db()
    assert row.state == State.SENT


def test_who_looks_only_cannot_act(as_role: Any, robot: Any) -> None:
    robot("wecom")
    row = broadcast()
    client = as_role("it_staff")
    page = client.get(f"/notify/outbox/{row.pk}/").content.decode()
    assert "取消</button>" not in page
    assert client.post(f"/notify/outbox/{row.pk}/cancel/").status_code == 403
    assert as_role("reporter").get("/notify/outbox/").status_code == 403


def test_numbers_are_half_hidden(as_role: Any, gateway: Any) -> None:
    gateway("sms", duty_mobiles=["13900000101"])
    row = broadcast(urgent=True)
    client = as_role("service_manager")
    for page in (client.get("/notify/outbox/"), client.get(f"/notify/outbox/{row.pk}/")):
        assert "139****0101" in page.content.decode()
        assert "13900000101" not in page.content.decode()


@pytest.mark.clause("9.2a")
def test_an_urgent_one_that_waits_is_shouted_about(as_role: Any, robot: Any) -> None:
    robot("wecom")
    client = as_role("service_manager")
    with time_machine.travel(timezone.now() - dt.timedelta(minutes=6)):
        broadcast("一般的")
    assert "紧急通知等了" not in client.get("/notify/").content.decode()
    with time_machine.travel(timezone.now() - dt.timedelta(minutes=6)):
        broadcast("一级的", urgent=True)
    assert "有紧急通知等了 6 分 还没有发出去" in client.get("/notify/").content.decode()
    assert "紧急通知等了" not in as_role("reporter").get("/notify/").content.decode()
    Outbox.objects.update(state=State.DEAD, finished_at=timezone.now())
    assert "近 1 小时有 1 条紧急通知没有发出去" in client.get("/notify/").content.decode()


def test_a_full_outbox_is_said(as_role: Any, robot: Any, monkeypatch: Any) -> None:
    from xingwei.base.site import services as site

    robot("wecom")
    site.change_setting(as_role("system_admin").actor, "notify.queue.max", "100")
    one = broadcast()
    Outbox.objects.bulk_create(Outbox(channel="wecom", lane=one.lane, kind="t", robot=one.robot) for _ in range(99))
    assert "待发通知已达上限" in as_role("it_staff").get("/notify/").content.decode()
    assert broadcast("第 101 条").state == State.DEAD


def test_preferences_of_ones_own(as_role: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(kinds, "_kinds", {"desk.assigned": kinds.Kind("desk.assigned", "指派给我", "服务台")})
    MailServer.objects.create(on=True, host="x")
    client = as_role("it_staff")
    client.user.email = "tang@hospital.example"
    client.user.save()
    page = client.get("/notify/preferences/").content.decode()
    assert "指派给我" in page
    assert "tang@hospital.example" in page
    answer = client.post(
        "/notify/preferences/",
        {"desk.assigned|mail": "0", "*|wecom": "1", "nobody|mail": "1", "since": "22:00", "until": "07:00"},
    )
    assert answer.status_code == 302
    assert set(Preference.objects.values_list("kind", "channel", "on")) == {
        ("desk.assigned", "mail", False),
        ("*", "wecom", True),
    }
    assert QuietHours.objects.get().person == client.user
    bad = client.post("/notify/preferences/", {"since": "22:00", "until": ""})
    assert bad.status_code == 422
    assert "起止都要填" in bad.content.decode()
    assert QuietHours.objects.exists()


def test_what_is_old_goes_and_what_is_open_stays(person: Any, robot: Any) -> None:
    one = robot("wecom")
    with time_machine.travel(timezone.now() - dt.timedelta(days=401)):
        notify.tell(system_actor(), [person()], kind="k", title="旧")
        done, waits = broadcast("旧的"), broadcast("还没发的")
        InboundMessage.objects.create(channel="mail", message_id="1", raw=b"x", state="done")
        InboundMessage.objects.create(channel="mail", message_id="2", raw=b"x", state="received")
    Outbox.objects.filter(pk=done.pk).update(state=State.SENT)
    Lane.objects.create(key="mail:gone@x", spent=[timezone.now() - dt.timedelta(days=3)])
    notify.tell(system_actor(), [person()], kind="k", title="新")
    assert purging.purge() == {"notification": 1, "outbox": 1, "inbound": 1}
    assert [o.pk for o in Outbox.objects.all()] == [waits.pk]
    assert Notification.objects.get().title == "新"
    assert [lane.key for lane in Lane.objects.all()] == [one.lane]
    assert purging.purge() == {"notification": 0, "outbox": 0, "inbound": 0}
    assert Entry.objects.filter(act="notify.purge").count() == 1


def test_a_deleted_person_leaves_the_record(person: Any, gateway: Any) -> None:
    gateway("sms")
    user = person()
    user.mobile = "13900000101"
    user.save()
    notify.tell(system_actor(), [user], kind="k", title="一级", urgent=True)
    user.delete()
    assert Outbox.objects.get().to_whom == "139****0101"
