from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from xingwei.base.notify import services as notify
from xingwei.base.notify.channels.dingtalk.transport import signature
from xingwei.base.notify.models import Lane, Outbox
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


def broadcast(title: str = "门诊收费中断", **kwargs: Any) -> Outbox:
    return notify.broadcast(system_actor(), **{"topic": "t", "title": title} | kwargs)[0]


def test_a_known_signature() -> None:
    # computed with openssl: printf '1577262236757\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64
    assert signature(1577262236757, "this is secret") == "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


def test_signed_and_taken(robot: Any, services: Any, deliver: Any) -> None:
    services.dingtalk_secret = "SEC+/=&密"
    robot("dingtalk", secret="SEC+/=&密")
    row = broadcast(text="第一行\n第二行", urgent=True)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT, row.said
    body = services.asked["dingtalk"][0].json
    assert body["at"] == {"isAtAll": True}
    assert "第一行\n\n第二行" in body["markdown"]["text"]


def test_a_wrong_secret_says_where_to_look(robot: Any, services: Any, deliver: Any) -> None:
    services.dingtalk_secret = "other"
    robot("dingtalk", secret="SEC")
    row = broadcast()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert "加签密钥" in row.said


def test_quotes_and_line_breaks_keep_within_the_limit(robot: Any, services: Any, deliver: Any) -> None:
    robot("dingtalk")
    row = broadcast(text='"\n' * 2000)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT, row.said


def test_too_fast_is_ten_minutes_of_silence_and_nothing_is_lost(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC), tick=False) as clock:
        one = robot("dingtalk")
        services.force("dingtalk", 200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"})
        rows = [broadcast(f"第 {i} 条") for i in range(3)]
        deliver()
        assert len(services.asked["dingtalk"]) == 1  # what was claimed behind it was not sent
        lane = Lane.objects.get(pk=one.lane)
        assert lane.blocked_until - dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC) >= dt.timedelta(minutes=10)
        assert {Outbox.objects.get(pk=r.pk).attempts for r in rows} == {0}
        clock.shift(dt.timedelta(minutes=9))
        broadcast("静默期间", urgent=True)
        assert deliver() == 0
        clock.shift(dt.timedelta(minutes=2))
        deliver()
    assert len(services.asked["dingtalk"]) == 5
    assert set(Outbox.objects.values_list("state", flat=True)) == {Outbox.State.SENT}
