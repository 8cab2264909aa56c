from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from xingwei.base.notify import services as notify
from xingwei.base.notify.channels.feishu.transport import signature
from xingwei.base.notify.models import Lane, Outbox
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


def broadcast(title: str = "门诊收费中断", **kwargs: Any) -> Outbox:
    return notify.broadcast(system_actor(), **{"topic": "t", "title": title} | kwargs)[0]


def test_a_known_signature() -> None:
    assert signature(1599360473, "demo") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


@time_machine.travel(dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC), tick=False)
def test_signed_and_taken(robot: Any, services: Any, deliver: Any) -> None:
    services.feishu_secret = "demo"
    robot("feishu", secret="demo")
    row = broadcast(text='<at user_id="all">所有人</at>', url="/desk/1/", urgent=True)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT, row.said
    post = services.asked["feishu"][0].json["content"]["post"]["zh_cn"]
    assert [line[0]["tag"] for line in post["content"]] == ["text", "a", "at"]
    assert post["content"][0][0]["text"] == '<at user_id="all">所有人</at>'  # a text element, never a command


@pytest.mark.parametrize(
    ("status", "body", "state", "said"),
    [
        (200, {"code": 9499, "msg": "too many request", "data": {}}, Outbox.State.FAILED, "限流"),
        (400, {"code": 9499, "msg": "too many request", "data": {}}, Outbox.State.FAILED, "限流"),
        (200, {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform]"}, Outbox.State.FAILED, "限流"),
        (200, {"code": 9499, "msg": "Bad Request", "data": {}}, Outbox.State.DEAD, "格式不被接受"),
        (200, {"code": 19024, "msg": "Key Words Not Found"}, Outbox.State.DEAD, "关键词"),
        (200, {"code": 230099, "msg": "internal"}, Outbox.State.FAILED, "没有收下"),
        (200, {"StatusCode": 0, "StatusMessage": "success"}, Outbox.State.SENT, ""),
        (200, {"StatusCode": 19001, "StatusMessage": "fail"}, Outbox.State.DEAD, "不存在"),
        (500, {"code": 0}, Outbox.State.FAILED, "HTTP 500"),
        (200, {}, Outbox.State.FAILED, "不是约定的格式"),
    ],
)
@time_machine.travel(dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC), tick=False)
def test_only_code_0_is_success(
    robot: Any, services: Any, deliver: Any, status: int, body: Any, state: str, said: str
) -> None:
    robot("feishu")
    row = broadcast()
    services.force("feishu", status, body)
    deliver()
    row.refresh_from_db()
    assert row.state == state, row.said
    assert said in row.said


def test_ordinary_ones_keep_away_from_the_full_hour(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, 0, 5, tzinfo=dt.UTC), tick=False) as clock:
        one = robot("feishu")
        broadcast("一般的")
        assert deliver() == 0
        assert Lane.objects.get(pk=one.lane).blocked_why == "避开整点和半点"
        clock.move_to(dt.datetime(2026, 3, 18, 2, 1, 1, tzinfo=dt.UTC))
        assert deliver() == 1
        clock.move_to(dt.datetime(2026, 3, 18, 2, 30, 1, tzinfo=dt.UTC))
        broadcast("紧急的", urgent=True)
        assert deliver() == 1


def test_no_more_than_five_a_second(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC), tick=False) as clock:
        robot("feishu")
        for i in range(12):
            broadcast(f"第 {i} 条")
        deliver()
        assert len(services.asked["feishu"]) == 5
        clock.shift(dt.timedelta(seconds=1.1))
        deliver()
    last = services.asked["feishu"][4].json["content"]["post"]["zh_cn"]
    assert last["title"] == "【杏维】8 条通知汇总"
    assert last["content"][0][0]["text"].count("\n") == 7
    assert Outbox.objects.filter(state=Outbox.State.DIGESTED).count() == 8
