from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xingwei.base.accounts.queries import actor_of
from xingwei.base.estate.models import System
from xingwei.base.policy.registry import Denied
from xingwei.service.rota import queries, services
from xingwei.service.rota.engine.chain import ChainError, parse_steps
from xingwei.service.rota.models import ChainVersion, EscalationChain

from .conftest import at

pytestmark = pytest.mark.django_db
STEPS = [
    {"after_minutes": 0, "to": ["duty:on_site", "duty:on_call"], "label": "值班人员", "urgent": True},
    {"after_minutes": 10, "to": ["role:service_manager"], "label": "服务经理", "urgent": False},
]


@pytest.fixture
def yb(db: None) -> System:
    row: System = System.objects.create(code="YB", name="医保接口", short_name="医保接口")
    return row


def save(manager: Any, severity: int, system: System | None = None, minutes: int = 10) -> ChainVersion:
    steps = [STEPS[0], STEPS[1] | {"after_minutes": minutes}]
    return services.save_chain(manager, severity=severity, system=system, name=f"{severity} 级", steps=steps)


@pytest.mark.clause("9.1", "9.2a")
def test_the_most_particular_chain_wins(manager: Any, yb: System) -> None:
    def second(severity: int, system: str) -> int:
        found: int = queries.chain_for(severity, system)[1]["after_minutes"]
        return found

    assert second(2, "YB") == 15  # nothing set up: a fault is still not reported to nobody
    save(manager, 0, minutes=11)
    assert (second(2, "YB"), second(3, "")) == (11, 11)
    save(manager, 0, yb, minutes=12)
    assert (second(2, "YB"), second(2, "HIS")) == (12, 11)
    save(manager, 2, minutes=13)
    assert (second(2, "YB"), second(3, "YB")) == (13, 12)
    version = save(manager, 2, yb, minutes=14)
    assert (second(2, "YB"), second(2, "HIS")) == (14, 13)
    services.switch_chain(manager, version.chain, active=False)
    assert second(2, "YB") == 13


def test_a_change_is_a_version_and_no_change_is_none(manager: Any) -> None:
    first = save(manager, 1)
    assert save(manager, 1).pk == first.pk
    second = save(manager, 1, minutes=12)
    assert (second.number, second.chain_id) == (2, first.chain_id)
    assert ChainVersion.objects.get(pk=first.pk).steps[1]["after_minutes"] == 10


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "至少要有一步"),
        ([STEPS[0] | {"to": ["role:king"]}], "“role:king”不存在"),
        ([STEPS[0] | {"to": ["duty:night"]}], "不存在"),
        ([STEPS[0] | {"to": ["person:1e3"]}], "不存在"),
        ([STEPS[0] | {"to": []}], "1 到 10 个通知对象"),
        ([STEPS[0] | {"after_minutes": -1}], "整数"),
        ([STEPS[0] | {"after_minutes": True}], "整数"),
        ([STEPS[0] | {"label": " "}], "要有名称"),
        ([STEPS[1], STEPS[0]], "应晚于"),
        ([STEPS[0]] * 13, "最多 12 步"),
        ("duty:on_site", "至少要有一步"),
        ([None], "第 1 步写得不对"),
    ],
)
def test_steps_that_cannot_be_used_say_why(steps: Any, said: str) -> None:
    with pytest.raises(ChainError, match=said):
        parse_steps(steps, roles={"service_manager"})


def test_a_person_who_is_not_there_is_refused(manager: Any) -> None:
    with pytest.raises(services.Refused, match="不存在的人员"):
        services.save_chain(
            manager, severity=1, system=None, name="一级", steps=[STEPS[0] | {"to": ["person:999999999"]}]
        )


@pytest.mark.usefixtures("rules")
def test_who_is_called_is_settled_when_the_step_comes(team: dict[str, Any], person: Callable[..., Any]) -> None:
    def names(step: dict[str, Any], moment: str, system: str = "") -> list[str]:
        return [u.name for u in queries.resolve(step, at(moment), system)]

    assert names(STEPS[0], "03-18 10:24") == ["王工", "刘工"]
    assert names(STEPS[0], "03-18 22:00") == ["陈工"]
    assert names({"to": ["duty:on_site"]}, "03-18 22:00") == []
    assert names({"to": ["role:service_manager", f"person:{team['zhao'].pk}", "role:service_manager"]}, "03-18 10:00") == [
        "周经理", "赵工",
    ]  # fmt: skip
    person("service_manager", name="医保经理", systems=("YB",))
    assert names(STEPS[1], "03-18 10:00", "YB") == ["周经理", "医保经理"]
    assert names(STEPS[1], "03-18 10:00", "HIS") == ["周经理"]
    team["zhou"].is_active = False
    team["zhou"].save()
    assert names(STEPS[1], "03-18 10:00", "HIS") == ["医保经理"]  # better another's manager than nobody


def test_only_both_managers_change_chains(team: dict[str, Any], manager: Any) -> None:
    save(actor_of(team["he"]), 1)
    with pytest.raises(Denied):
        save(actor_of(team["wang"]), 1)


@pytest.mark.usefixtures("rules")
def test_the_simulation_page(manager: Any, yb: System, team: dict[str, Any], as_role: Callable[..., Any]) -> None:
    save(manager, 2, yb)
    wang = as_role(user=team["wang"])
    page = wang.get("/rota/chains/?severity=2&system=YB&at=2026-03-18T22:00").content.decode()
    assert page.index("陈工") < page.index("03-18 22:10") < page.index("周经理")
    assert wang.get("/rota/chains/?severity=x&system=nowhere&at=nonsense").status_code == 200
    assert wang.get("/rota/chains/level-2/YB/").status_code == 403


def test_editing_a_chain_keeps_what_was_typed(manager: Any, yb: System, team: dict[str, Any], as_role: Any) -> None:
    he = as_role(user=team["he"])
    assert he.get("/rota/chains/level-2/YB/").status_code == 200
    assert he.get("/rota/chains/level-9/").status_code == 404
    form = {
        "name": "二级（医保）", "note": "", "form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "0",
        "form-0-after_minutes": "0", "form-0-label": "值班人员", "form-0-to": ["duty:on_site"], "form-0-urgent": "on",
        "form-1-after_minutes": "", "form-1-label": "", "form-2-after_minutes": "20", "form-2-label": "医保办",
    }  # fmt: skip
    refused = he.post("/rota/chains/level-2/YB/", form)
    assert refused.status_code == 422
    assert "第 2 步要有 1 到 10 个通知对象" in refused.content.decode()
    assert "医保办" in refused.content.decode()
    done = he.post("/rota/chains/level-2/YB/", form | {"form-2-to": ["role:insurance_office"]})
    assert done.status_code == 302
    chain = EscalationChain.objects.get()
    assert (chain.severity, chain.system, len(chain.versions.get().steps)) == (2, yb, 2)
