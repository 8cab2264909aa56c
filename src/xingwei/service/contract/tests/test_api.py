"""The contract over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from xingwei.base.accounts.services import tokens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def api(as_role: Any) -> Callable[..., Any]:
    """api("/clauses", "it_staff") → the answer to somebody of that role, with a token of their own."""

    def get(path: str, role: str = "service_manager") -> Any:
        caller = as_role(role)
        scopes = [p for p, _, _ in tokens.grantable(caller.actor)]
        _, text = tokens.create_token(caller.actor, "测试", scopes, 30)
        return caller.get(f"/api/v1/contract{path}", headers={"Authorization": f"Bearer {text}"})

    return get


def test_the_contract_in_force(version: Any, api: Any, client: Any) -> None:
    assert api("/").json() == {
        "version": "1.0",
        "code": "guangyuan-2025",
        "hospital": "广元市中心医院",
        "title": "HIS与相关7套信息系统运维服务要求",
        "holds": True,
        "contract_number": "YW-2025-031",
        "starts_on": "2025-10-15",
        "ends_on": "2026-10-14",
        "total": "1280000.00",
    }
    assert api("/", "onsite_engineer").json()["total"] is None
    assert client.get("/api/v1/contract/").status_code == 401


def test_without_a_contract(api: Any) -> None:
    for path in ("/", "/clauses", "/clauses/1.1", "/obligations", "/questions", "/service-policy"):
        assert api(path).status_code == 404


@pytest.mark.clause("9.2a", "9.2b")
def test_the_service_policy(version: Any, api: Any) -> None:
    found = api("/service-policy").json()
    assert (found["version"], found["response_minutes"], found["response_around_the_clock"]) == ("1.0", 30, True)
    assert found["arrive"] == [
        {"severity": 1, "hours": 2.0, "workdays": None, "or_by_agreement": False},
        {"severity": 2, "hours": 3.0, "workdays": None, "or_by_agreement": False},
        {"severity": 3, "hours": None, "workdays": 1, "or_by_agreement": True},
    ]


def test_clauses_and_one_of_them(version: Any, api: Any) -> None:
    assert len(api("/clauses").json()) == 72
    found = api("/clauses/6.2b").json()
    assert found["systems"] == ["ODR"]
    assert {
        "at": "6.2b",
        "citation": "六、2 系统巡检",
        "words": "系统巡检：重大节假日前对系统库、程序进行巡检工作，并出具巡检报告；",
    } in found["words"]
    assert found["obligations"] == ["holiday-inspection"]
    assert found["served_by"][0]["page"] == "contract:calendar"
    assert api("/clauses/99.9").status_code == 404


def test_obligations_with_their_due_days(version: Any, api: Any) -> None:
    found = {o["id"]: o for o in api("/obligations").json()}
    assert len(found) == 50
    assert (found["site-visit"]["due"], found["site-visit"]["state"]) == ("2026-01-14", "late")
    assert (found["yearly-report"]["due"], found["yearly-report"]["state_label"]) == ("2026-10-14", "未到期")
    assert found["respond"]["due"] is None


def test_questions_with_what_each_side_signed(version: Any, api: Any, actor: Any) -> None:
    from xingwei.service.contract import services

    services.agree(actor("it_head"), "quarter", "calendar")
    found = {q["id"]: q for q in api("/questions").json()}
    assert len(found) == 45
    assert (found["quarter"]["hospital"], found["quarter"]["vendor"]) == ("calendar", "")
    assert found["quarter"]["state"] == "医院已确认"
    assert found["quarter"]["example"]["outcomes"][1]["says"] == "第一份季度报告到期 2025-12-31，共 5 份"
