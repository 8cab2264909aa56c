from __future__ import annotations

from typing import Any

import pytest

from xingwei.base.notify import services as notify
from xingwei.base.notify.models import Outbox
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


def broadcast(**kwargs: Any) -> Outbox:
    return notify.broadcast(SYSTEM, **{"topic": "t", "title": "门诊收费中断", "text": "正在处理"} | kwargs)[0]


def test_markdown_with_a_link_home(robot: Any, services: Any, deliver: Any) -> None:
    robot("wecom")
    row = broadcast(url="/desk/2603-187/")
    assert deliver() == 1
    body = services.asked["wecom"][0].json
    assert body == {
        "msgtype": "markdown",
        "markdown": {
            "content": "**【杏维】门诊收费中断**\n正在处理\n[查看详情](https://xw.hospital.example/desk/2603-187/)"
        },
    }
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Outbox.State.SENT, 1)
    assert row.robot.last_sent_at is not None


def test_an_urgent_one_calls_everyone(robot: Any, services: Any, deliver: Any) -> None:
    robot("wecom")
    broadcast(urgent=True)
    deliver()
    body = services.asked["wecom"][0].json
    assert body["text"]["mentioned_list"] == ["@all"]
    assert body["text"]["content"].startswith("【杏维】【紧急】门诊收费中断")


def test_nobody_who_types_a_title_can_call_everyone_or_hide_a_link(robot: Any, services: Any, deliver: Any) -> None:
    robot("wecom")
    broadcast(title="<@all> @all [点这里](http://evil.example)", text="<font color='info'>x</font>\n# 大标题")
    deliver()
    content = services.asked["wecom"][0].json["markdown"]["content"]
    assert "<" not in content
    assert "@all" not in content
    assert "](http" not in content


@pytest.mark.parametrize("urgent", [False, True])
def test_what_is_too_long_is_cut_between_characters(robot: Any, services: Any, deliver: Any, urgent: bool) -> None:
    robot("wecom")
    row = broadcast(title="长" * 190, text="很长的说明" * 700, url="/desk/1/", urgent=urgent)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT, row.said
    assert "/desk/1/" in services.asked["wecom"][0].body.decode()


@pytest.mark.parametrize(
    ("status", "body", "state", "said"),
    [
        (200, {"errcode": 93000, "errmsg": "invalid webhook url"}, Outbox.State.DEAD, "已被移出群"),
        (200, {"errcode": 40058, "errmsg": "invalid Request Parameter"}, Outbox.State.DEAD, "不合要求"),
        (200, {"errcode": -1, "errmsg": "system busy"}, Outbox.State.FAILED, "企业微信忙"),
        (200, {"errcode": 45009, "errmsg": "api freq out of limit"}, Outbox.State.FAILED, "限流"),
        (200, "<html>防火墙</html>", Outbox.State.FAILED, "不是约定的格式"),
        (200, "", Outbox.State.FAILED, "不是约定的格式"),
        (200, [1], Outbox.State.FAILED, "不是约定的格式"),
        (200, {"errcode": "0"}, Outbox.State.FAILED, "不是约定的格式"),
        (502, "Bad Gateway", Outbox.State.FAILED, "HTTP 502"),
        (429, "", Outbox.State.FAILED, "放慢"),
    ],
)
def test_only_the_body_says_that_it_arrived(
    robot: Any, services: Any, deliver: Any, status: int, body: Any, state: str, said: str
) -> None:
    robot("wecom")
    row = broadcast()
    services.force("wecom", status, body)
    deliver()
    row.refresh_from_db()
    assert row.state == state
    assert said in row.said
    assert "good" not in row.said + row.answer  # the key of the address shows nowhere


def test_no_way_out_is_said_as_such(robot: Any, deliver: Any) -> None:
    row = robot("wecom")
    from xingwei.base.notify.sealing import seal

    row.address = seal("http://127.0.0.1:9/cgi-bin/webhook/send?key=good", f"robot.{row.ident}.address")
    row.save()
    delivery = broadcast()
    deliver()
    delivery.refresh_from_db()
    assert delivery.state == Outbox.State.FAILED
    assert delivery.said == "连不上对方"
