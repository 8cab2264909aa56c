from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from xingwei.base.notify import services as notify
from xingwei.base.notify.models import Outbox, WecomApp
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(person: Any, wecom_app: Any) -> Any:
    user = person("onsite_engineer")
    user.wecom_id = "wanglei"
    user.save()

    def tell(**kwargs: Any) -> Outbox:
        notify.tell(system_actor(), [user], **{"kind": "k", "title": "指派给您"} | kwargs)
        return Outbox.objects.latest("id")

    return tell


def test_a_token_is_asked_for_once(told: Any, services: Any, deliver: Any) -> None:
    first, second = told(url="/desk/1/"), told()
    deliver()
    third = told()
    deliver()
    assert len(services.asked["gettoken"]) == 1
    assert {Outbox.objects.get(pk=r.pk).state for r in (first, second, third)} == {Outbox.State.SENT}
    body = services.asked["message"][0].json
    assert (body["touser"], body["agentid"]) == ("wanglei", 1000002)
    assert "https://xw.hospital.example/desk/1/" in body["text"]["content"]
    assert "token-" not in WecomApp.objects.get().access_token  # sealed


def test_a_refused_token_is_forgotten_and_a_new_one_used(told: Any, services: Any, deliver: Any) -> None:
    row = told()
    deliver()
    services.tokens.append("another")  # somebody else asked for a token: ours is no longer the one in force
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)) as clock:
        again = told(urgent=True)
        deliver()
        again.refresh_from_db()
        assert (again.state, again.said) == (Outbox.State.FAILED, "企业微信的访问令牌已失效，换新的再发")
        clock.shift(dt.timedelta(minutes=5))
        deliver()
    again.refresh_from_db()
    row.refresh_from_db()
    assert {row.state, again.state} == {Outbox.State.SENT}


@pytest.mark.parametrize(
    ("change", "said"),
    [({"secret": ""}, "没有配置完整"), ({"agent_id": None}, "没有配置完整"), ({"on": False}, "没有启用")],
)
def test_what_is_not_set_up_is_said(told: Any, deliver: Any, change: dict[str, Any], said: str) -> None:
    row = told()
    WecomApp.objects.update(**change)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert said in row.said


def test_who_cannot_see_the_application_is_not_reached(told: Any, services: Any, deliver: Any) -> None:
    services.members.clear()
    row = told()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert "可见范围" in row.said


def test_a_wrong_secret_is_no_reason_to_knock_on(told: Any, services: Any, deliver: Any) -> None:
    WecomApp.objects.update(corp_id="other")
    row = told()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert "Secret 不对" in row.said
    assert services.asked["message"] == []
