from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.notify import services as notify
from xingwei.base.notify.engine import gateways
from xingwei.base.notify.engine.wire import Answer
from xingwei.base.notify.models import Outbox
from xingwei.base.policy.engine import system_actor

UNHURRIED = settings(max_examples=80, deadline=None)

pytestmark = pytest.mark.django_db


@pytest.fixture
def urgent(person: Any) -> Any:
    """urgent("title") → the deliveries to somebody who has a mobile."""

    def tell(title: str = "门诊收费中断", mobile: str = "13900000101", **kwargs: Any) -> list[Outbox]:
        user = person("onsite_engineer")
        user.mobile = mobile
        user.save()
        notify.tell(system_actor(), [user], kind="k", title=title, urgent=True, **kwargs)
        return list(Outbox.objects.filter(person=user).order_by("channel"))

    return tell


@pytest.mark.clause("9.2a")
def test_text_message_and_call_for_what_is_urgent(gateway: Any, urgent: Any, services: Any, deliver: Any) -> None:
    gateway("sms")
    gateway(
        "voice",
        method="GET",
        url=f"{services.base}/voice?to={{mobile}}&say={{title}}",
        success_path="",
        success_value="0,",
    )
    rows = urgent('收费处“医保"不通', text="请看\n台账", url="/desk/1/")
    deliver()
    assert services.asked["sms"][0].json == {
        "to": "13900000101",
        "content": '【紧急】收费处“医保"不通。请看 台账',
        "key": "k3y",
    }
    assert services.asked["voice"][0].query == {"to": "13900000101", "say": '收费处“医保"不通'}
    assert {Outbox.objects.get(pk=r.pk).state for r in rows} == {Outbox.State.SENT}


def test_an_old_gateway_speaks_gbk_and_forms(gateway: Any, urgent: Any, services: Any, deliver: Any) -> None:
    gateway(
        format="application/x-www-form-urlencoded", charset="gb18030", body="dst={mobile}&msg={text}&t={time}",
        headers="X-Key: {secret}\n\nX-Odd", success_path="", success_value="成功",
    )  # fmt: skip
    services.sms_answer = "成功:1".encode("gbk")
    row = urgent("一级故障&=")[0]
    deliver()
    asked = services.asked["sms"][0]
    assert parse_qs(asked.body.decode(), encoding="gb18030")["msg"] == ["【紧急】一级故障&="]
    assert asked.headers["X-Key"] == "k3y"
    assert "gb18030" in asked.headers["Content-Type"]
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT, row.said
    assert "成功:1" in row.answer


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"code": 1, "msg": "余额不足"}),
        (200, {"msg": "ok"}),
        (200, "ok"),
        (400, {"code": 0}),
        (200, {"code": {"0": 0}}),
    ],
)
def test_what_is_not_the_agreed_yes_is_no(
    gateway: Any, urgent: Any, services: Any, deliver: Any, status: int, body: Any
) -> None:
    gateway()
    services.force("sms", status, body)
    row = urgent()[0]
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.FAILED
    assert "网关没有收下" in row.said


def test_where_one_gateway_fails_the_next_one_tries(gateway: Any, urgent: Any, services: Any, deliver: Any) -> None:
    gateway(name="甲", url="http://127.0.0.1:9/")
    gateway(name="乙")
    row = urgent()[0]
    with time_machine.travel(dt.datetime.now(dt.UTC)) as clock:
        deliver()
        assert services.asked["sms"] == []
        clock.shift(dt.timedelta(minutes=1))
        deliver()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Outbox.State.SENT, 2)


def test_a_number_that_is_none_is_not_dialled(gateway: Any, urgent: Any, services: Any, deliver: Any) -> None:
    gateway()
    row = urgent(mobile="8120")[0]
    deliver()
    row.refresh_from_db()
    assert (row.state, row.said) == (Outbox.State.DEAD, "手机号不对，应是 11 位。")
    assert services.asked["sms"] == []


def test_nobody_gets_more_than_five_in_a_quarter_of_an_hour(
    gateway: Any, urgent: Any, services: Any, deliver: Any
) -> None:
    gateway()
    for i in range(12):
        urgent(f"第 {i} 件")
    deliver()
    assert len(services.asked["sms"]) == 5
    assert "8 条通知汇总，其中 8 条紧急" in services.asked["sms"][4].json["content"]


def test_long_texts_are_cut_to_what_the_gateway_takes(gateway: Any, urgent: Any, services: Any, deliver: Any) -> None:
    gateway(max_chars=70)
    urgent("长" * 100)
    deliver()
    assert len(services.asked["sms"][0].json["content"]) == 70


@UNHURRIED
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_filled_in_stays_a_value(text: str) -> None:
    import json

    assert json.loads(gateways.fill('{"a": "{text}"}', {"text": text}, gateways.JSON)) == {"a": text}
    form = gateways.fill("a={text}&b=1", {"text": text}, gateways.FORM)
    assert parse_qs(form, keep_blank_values=True) == {"a": [text], "b": ["1"]}
    assert "\n" not in gateways.fill("X {text}", {"text": text}, "header")
    assert gateways.fill("<a>{text}</a>", {"text": text}, gateways.XML).count("<") == 2


def test_a_value_is_never_taken_for_a_place() -> None:
    assert gateways.fill("{text}{mobile}", {"text": "{mobile}", "mobile": "1"}, "header") == "{mobile}1"
    assert gateways.unknown_places('{"m": "{moblie}", "t": {text}}') == ["moblie"]


@pytest.mark.parametrize(
    ("body", "path", "value", "yes"),
    [
        ('{"code": 0}', "code", "0", True),
        ('{"code": "0"}', "code", "0", True),
        ('{"ok": true}', "ok", "true", True),
        ('{"data": [{"s": "DELIVRD"}]}', "data.0.s", "DELIVRD", True),
        ('{"data": []}', "data.0.s", "DELIVRD", False),
        ('{"code": null}', "code", "None", False),
        ("0,20260318", "", "0,", True),
        ("-1", "", "0", False),
        ("<ok/>", "code", "0", False),
    ],
)
def test_the_rule_of_success(body: str, path: str, value: str, yes: bool) -> None:
    assert gateways.succeeded(Answer(200, body), path, value) is yes
