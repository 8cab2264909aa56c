from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from xingwei.base.estate import queries
from xingwei.base.estate.cli import app
from xingwei.base.estate.models import Interface, Parameter, System

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(api_as: Any) -> Any:
    """Call an operation as somebody of a role."""
    clients: dict[str, Any] = {}

    def call(method: str, path: str, body: Any = None, role: str = "it_staff") -> Any:
        client = clients.get(role) or clients.setdefault(role, api_as(role))
        extra = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/estate{path}", **extra)

    return call


def test_systems_and_parts_are_read(small: Any, api: Any) -> None:
    assert [s["code"] for s in api("get", "/systems").json()] == ["HIS", "YB"]
    part = api("get", "/parts/interfaces/yb-2207").json()
    assert part["owners"][0]["username"] == "liu"
    assert set(part["needs"]) == {"component:HIS-APP", "component:CENTER", "component:LINE"}
    assert part["details"]["peer_organisation"] == "ybzx"
    assert {p["code"] for p in api("get", "/parts/functions?system=HIS").json()} == {"charge", "order"}
    assert api("get", "/parts/functions/charge").json()["details"]["departments"] == ["门诊收费处"]
    hidden = api("get", "/parts/components/HIS-DB", role="auditor").json()
    assert "10.10" not in str(hidden)


def test_parts_are_added_changed_and_removed(small: Any, api: Any) -> None:
    body = {"values": {"code": "his-q", "name": "叫号", "system": "HIS", "aliases": ["叫号屏"], "direction": "out"}}
    assert api("post", "/parts/interfaces", body).status_code == 201
    answer = api("patch", "/parts/interfaces/his-q", {"values": {"peer_organisation": "ybzx", "policy": True}})
    assert answer.json()["details"]["policy"] is True
    assert Interface.objects.get(code="his-q").peer_organisation.code == "ybzx"
    assert api("delete", "/parts/interfaces/his-q").status_code == 204
    assert api("get", "/parts/interfaces/his-q").status_code == 404


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"name": "无代码"}, 422, "请写 code"),
        ({"code": "a", "name": 5}, 422, "name 应是文字"),
        ({"code": "a", "name": "甲", "aliases": "词"}, 422, "aliases 应是文字的列表"),
        ({"code": "a", "name": "甲", "owner": "x"}, 422, "没有“owner”这个字段"),
        ({"code": "a", "name": "甲\x00", "system": "HIS"}, 422, "控制字符"),
        ({"code": "a", "name": "甲", "system": "XYZ"}, 409, "没有“XYZ”这个系统"),
        ({"code": "yb-2207", "name": "甲", "system": "HIS"}, 409, "已存在"),
        ({"code": "a", "name": "长" * 61, "system": "HIS"}, 409, "60"),
        ({"code": "a", "name": "甲", "system": "HIS", "direction": "斜"}, 409, "方向"),
    ],
)
def test_bad_values_are_refused_in_words(small: Any, api: Any, values: Any, status: int, said: str) -> None:
    answer = api("post", "/parts/interfaces", {"values": values})
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.json()
    assert Interface.objects.count() == 1


@pytest.mark.clause("1.7a")
def test_impact_and_vocabulary_are_asked(small: Any, api: Any) -> None:
    found = api("get", "/impact?node=component:LINE").json()
    assert found["functions"] == ["医保结算"]
    assert found["window"]
    assert api("get", "/impact?node=component:x").status_code == 404
    words = api("get", "/vocabulary?text=医保无法收费，窗口都停了").json()
    assert words[0]["interface"] == "yb-2207"


@pytest.mark.clause("2.2")
def test_parameters_are_read_and_set(small: Any, api: Any) -> None:
    assert [p["code"] for p in api("get", "/parameters?q=抹零").json()] == ["SF003"]
    assert api("get", "/parameters/HIS/SF003").json()["current"] == "不抹零"
    path = "/parameters/HIS/SF003/values"
    answer = api("post", path, {"value": "舍去分", "reason": "财务科要求", "seen": "不抹零"})
    assert answer.status_code == 201
    assert api("post", path, {"value": "不抹零", "reason": "再改", "seen": "不抹零"}).status_code == 409
    assert api("post", path, {"value": "不抹零", "reason": ""}).status_code == 422
    assert api("post", path, {"value": "x", "reason": "y"}, role="auditor").status_code == 403
    assert [h["value"] for h in api("get", "/parameters/HIS/SF003/history").json()] == ["舍去分", "不抹零"]
    assert Parameter.objects.get(code="SF003").history.count() == 2


def test_the_commands_check_import_and_export(people: Any, small_files: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["import", "--check", str(small_files)]).exit_code == 0
    done = run(app, ["import", str(small_files)])
    assert (done.exit_code, "系统 2" in done.output) == (0, True), done.output
    assert "新增：无" in run(app, ["import", str(small_files)]).output
    assert "systems.yaml：2 项" in run(app, ["export", str(tmp_path / "out")]).output
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "x.yaml").write_text("systems:\n  - {code: his, name: x, short_name: x}\n")
    refused = run(app, ["import", str(bad)])
    assert refused.exit_code == 1
    assert "x.yaml 第 2 行：systems[0].code" in refused.output
    assert run(app, ["import", "--check", str(bad)]).exit_code == 1
    queries.forget()
    assert System.objects.count() == 2
