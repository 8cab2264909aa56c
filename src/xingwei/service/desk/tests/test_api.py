"""The desk over HTTP, as a program of the hospital uses it: with a token, in JSON, with answers in Chinese."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.services.tokens import create_token
from xingwei.service.desk.models import CallLog, Case

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.6", "9.6")]
SCOPES = ["desk.case:view", "desk.case:create", "desk.case:move", "desk.case:note", "desk.call:create"]


@pytest.fixture
def call(house: SimpleNamespace) -> Any:
    """call("get", "/cases", actor=…) → the answer; 周经理's token unless told otherwise."""
    tokens: dict[int, str] = {}

    def ask(method: str, path: str, body: Any = None, *, user: Any = None, scopes: list[str] | None = None) -> Any:
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


ALL = [*SCOPES, "desk.case:assign", "desk.case:grade", "desk.case:edit", "desk.case:merge",
       "desk.case:ask_third", "desk.case:coordinate", "desk.feedback:issue", "desk.case:view_internal"]  # fmt: skip


def test_what_the_page_can_do_the_api_can(call: Any, house: SimpleNamespace) -> None:
    first = call("post", "/cases", {"description": "三号窗口打不出发票", "system": "HIS"}, scopes=ALL).json()["number"]
    second = call("post", "/cases", {"description": "三号窗口发票还是打不出"}).json()["number"]
    assert (
        call("post", f"/cases/{first}/assignee", {"person": house.wang.username}).json()["assignee"]
        == house.wang.username
    )
    assert call("post", f"/cases/{first}/severity", {"severity": 2, "reason": "窗口排队"}).json()["severity"] == 2
    edited = call("patch", f"/cases/{first}", {"title": "三号窗口打印机", "system": ""}).json()
    assert (edited["title"], edited["system"]) == ("三号窗口打印机", None)
    assert call("put", f"/cases/{first}/tags", {"tags": ["发票"]}).status_code == 200
    link = call("post", f"/cases/{first}/links", {"other": second}).json()["id"]
    assert [k["other"] for k in call("get", f"/cases/{first}/links").json()] == [second]
    assert call("delete", f"/cases/{first}/links/{link}").status_code == 204
    assert call("post", f"/cases/{first}/merge", {"others": [second], "reason": "同一件"}).status_code == 200
    part = call("post", f"/cases/{first}/split", {"title": "换打印机", "description": "备用机要换鼓"})
    assert part.status_code == 201
    assert call("put", f"/cases/{first}/watch").status_code == 204
    kinds = {e["type"] for e in call("get", f"/cases/{first}/events").json()["items"]}
    assert {"assigned", "graded", "edited", "tagged", "linked", "merged", "split"} <= kinds


def test_a_file_goes_in_and_comes_out_again(call: Any, house: SimpleNamespace) -> None:
    number = call("post", "/cases", {"description": "界面报错"}, scopes=ALL).json()["number"]
    picture = BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    token = create_token(actor_of(house.zhou), "上传", ALL, 30)[1]
    headers = {"Authorization": f"Bearer {token}"}
    png = SimpleUploadedFile("错误.png", picture.getvalue())
    made = Client().post(f"/api/v1/desk/cases/{number}/files", {"uploads": png, "text": "截图"}, headers=headers)
    assert made.status_code == 201, made.content
    (kept,) = call("get", f"/cases/{number}/files").json()
    assert (kept["name"], kept["media_type"]) == ("错误.png", "image/png")
    back = call("get", f"/files/{kept['id']}")
    assert b"".join(back.streaming_content) == picture.getvalue()
    assert call("get", "/files/999999").status_code == 404
    bad = Client().post(
        f"/api/v1/desk/cases/{number}/files",
        {"uploads": SimpleUploadedFile("a.png", b"MZ\x90\0" * 99)},
        headers=headers,
    )
    assert bad.status_code == 409
    assert "a.png" in bad.json()["detail"]


def test_papers_and_views_over_http(call: Any, house: SimpleNamespace) -> None:
    number = call("post", "/cases", {"description": "偶发卡顿，原因未明"}, scopes=ALL).json()["number"]
    paper = {"found": "抓包三天未见异常", "conclusion": "原因未查明", "plan": "加装探针，一周后复核"}
    issued = call("post", f"/cases/{number}/feedback", paper)
    assert issued.status_code == 201, issued.content
    assert call("get", f"/cases/{number}/feedback").json()[0]["number"] == issued.json()["number"]
    held = {
        "parties": "信息科、服务商、医保中心",
        "held_at": "2026-03-01T10:30:00",
        "conclusion": "中心排查",
        "next_step": "中心",
    }
    assert call("post", f"/cases/{number}/coordinations", held).status_code == 422  # no time zone
    assert (
        call("post", f"/cases/{number}/coordinations", held | {"held_at": "2026-03-01T10:30:00+08:00"}).status_code
        == 201
    )
    view = call("post", "/views", {"name": "我的医保", "query": "view=open&system=YB"}).json()
    assert view["id"] in {v["id"] for v in call("get", "/views").json()}
    assert call("delete", f"/views/{view['id']}").status_code == 204


def test_what_is_not_there_is_said(call: Any, house: SimpleNamespace) -> None:
    number = call("post", "/cases", {"description": "屏幕闪"}, scopes=ALL).json()["number"]
    for path, body, words in (
        ("assignee", {"person": "nobody"}, "没有编号为“nobody”的工号"),
        ("merge", {"others": ["9999-999"]}, "没有编号为“9999-999”的问题单"),
        ("links", {"other": number, "kind": "friend"}, "没有“friend”这种关系"),
        ("third-party", {"person": "", "text": "请查"}, "请写明转给谁"),
    ):
        answer = call("post", f"/cases/{number}/{path}", body)
        assert answer.status_code == 409, answer.content
        assert words in answer.json()["detail"]
    assert call("patch", f"/cases/{number}", {"title": None}).status_code == 409
