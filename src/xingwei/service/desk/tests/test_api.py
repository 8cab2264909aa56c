"""The desk over HTTP, as a program of the hospital uses it: with a token, in JSON, with answers in Chinese."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from xingwei.base.accounts.services.tokens import create_token
from xingwei.service.desk.models import CallLog, Case

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.6", "9.6")]
SCOPES = ["desk.case:view", "desk.case:create", "desk.case:move", "desk.case:note", "desk.call:create"]


@pytest.fixture
def call(house: SimpleNamespace) -> Any:
    """call("get", "/cases", actor=…) → the answer; 周经理's token unless told otherwise."""
    tokens: dict[int, str] = {}

    def ask(method: str, path: str, body: Any = None, *, user: Any = None, scopes: list[str] | None = None) -> Any:
        from xingwei.base.accounts.queries import actor_of

        person = user or house.zhou
        if person.pk not in tokens or scopes:
            tokens[person.pk] = create_token(actor_of(person), "测试", scopes or SCOPES, 30)[1]
        headers = {"Authorization": f"Bearer {tokens[person.pk]}"}
        kwargs: dict[str, Any] = {"headers": headers}
        if body is not None:
            kwargs |= {"data": body, "content_type": "application/json"}
        return getattr(Client(), method)(f"/api/v1/desk{path}", **kwargs)

    return ask


def test_a_case_is_opened_answered_and_read(call: Any, house: SimpleNamespace) -> None:
    body = {"description": "刷医保卡转圈", "severity": 2, "system": "YB", "department": "1001", "reporter": house.li.username,
            "key": "his-1"}  # fmt: skip
    made = call("post", "/cases", body)
    assert made.status_code == 201, made.content
    assert call("post", "/cases", body).json()["number"] == made.json()["number"]
    number = made.json()["number"]
    moves = {m["key"]: m for m in call("get", f"/cases/{number}/moves", user=house.wang).json()}
    assert "respond" in moves
    done = call("post", f"/cases/{number}/moves", {"move": "respond"}, user=house.wang)
    assert done.json()["state"] == "doing"
    refused = call("post", f"/cases/{number}/moves", {"move": "resolve"}, user=house.wang)
    assert refused.status_code == 409
    assert "请填写：原因、解决办法、归属" in refused.json()["detail"]
    assert call("get", "/cases?q=医保卡").json()["items"][0]["number"] == number
    assert [c["key"] for c in call("get", f"/cases/{number}").json()["clocks"]]


def test_a_stale_version_is_refused_with_what_changed(call: Any, house: SimpleNamespace) -> None:
    number = call("post", "/cases", {"description": "五号窗口卡"}).json()["number"]
    call("post", f"/cases/{number}/notes", {"text": "换过网线"})
    answer = call("post", f"/cases/{number}/moves", {"move": "respond", "version": 1}, user=house.wang)
    assert answer.status_code == 409
    assert "已有改动" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"description": ""}, 409, "请写下现象"),
        ({"description": "卡", "system": "XX"}, 409, "没有编号为“XX”的系统"),
        ({"description": "长" * 5001}, 422, ""),
        ({"description": "卡死了", "severity": 7}, 422, ""),
        ({"description": "卡死了", "opened_at": "昨天"}, 422, ""),
    ],
)
def test_bad_input_is_answered_in_chinese_and_opens_nothing(call: Any, body: Any, status: int, said: str) -> None:
    answer = call("post", "/cases", body)
    assert answer.status_code == status
    assert said in str(answer.json()["detail"])
    assert not Case.objects.exists()


def test_what_is_not_json_is_no_crash(call: Any, house: SimpleNamespace) -> None:
    answer = call("post", "/cases", "描述".encode("gbk").decode("latin1"))
    assert answer.status_code in {400, 422}


def test_a_token_reaches_no_further_than_its_scopes(call: Any, house: SimpleNamespace) -> None:
    number = call("post", "/cases", {"description": "五号窗口卡"}).json()["number"]
    assert call("get", f"/cases/{number}", user=house.chen, scopes=["desk.case:view"]).status_code == 200
    assert call("post", "/cases", {"description": "卡死了"}, user=house.chen).status_code == 403
    assert call("get", "/cases/2603-999", user=house.chen).status_code == 404
    assert Client().get("/api/v1/desk/cases").status_code == 401


def test_the_exchange_reports_missed_calls(call: Any) -> None:
    assert call("post", "/calls", {"caller": "8236", "missed": True, "ring_seconds": 30}).status_code == 201
    assert CallLog.objects.get().missed
    assert call("post", "/calls", {"caller": "8236", "missed": True, "ring_seconds": -1}).status_code == 422


def test_the_list_pages_by_cursor(call: Any, house: SimpleNamespace) -> None:
    for n in range(3):
        call("post", "/cases", {"description": f"窗口 {n} 卡顿"})
    assert len(call("get", "/cases?view=all").json()["items"]) == 3
    assert call("get", "/cases?view=nothing").status_code == 409
