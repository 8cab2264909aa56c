"""A hospital to work in: calendar, contract, a team on duty and its escalation chains; time stands at a Wednesday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from xingwei.base.accounts.models import Organisation
from xingwei.base.accounts.queries import actor_of
from xingwei.base.calendar import services as calendar_services
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.service.contract import services as contract_services
from xingwei.service.desk.models import Case
from xingwei.service.desk.services.intake import NewCase, open_case
from xingwei.service.rota import services as rota
from xingwei.testing.people import department, organisation

CHINA = ZoneInfo("Asia/Shanghai")
_read_once = cache(contract_services.load_directory)  # reading the contract's files is most of what a test waits for
NOW = dt.datetime(2026, 3, 18, 9, 41, tzinfo=CHINA)


def at(text: str) -> dt.datetime:
    """ "03-18 09:41" of 2026, in China."""
    return dt.datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Time stands still until `clock.move_to(at("03-18 10:00"))` or `clock.shift(60)`."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(db: None, clock: Any, person: Callable[..., Any], monkeypatch: Any) -> SimpleNamespace:
    """The people by their names of the demonstration, as accounts and (…_) as actors."""
    root = system_actor()
    calendar_services.import_files(root, [REPO / "calendars"])
    monkeypatch.setattr(contract_services, "load_directory", _read_once)
    version = contract_services.import_contract(root, REPO / "contracts/guangyuan-2025")
    contract_services.put_in_force(root, version, starts_on=dt.date(2025, 12, 20), ends_on=dt.date(2028, 12, 19))
    window = department("门诊收费处", kind="window", code="1001")
    ward = department("心内科", code="2002")
    team = SimpleNamespace(
        zhou=person("service_manager", name="周经理"),
        wang=person("onsite_engineer", name="王工"),
        liu=person("onsite_engineer", name="刘工"),
        chen=person("onsite_engineer", "vendor_support", name="陈工"),
        zhao=person("rnd", name="赵工"),
        he=person("it_head", "it_staff", name="何科长"),
        tang=person("it_staff", name="唐工"),
        li=person("reporter", name="李收费员", department=window),
        sun=person("head_nurse", name="孙护士长", department=ward),
        nurse=person("reporter", name="吴护士", department=ward),
        centre=person("third_party", name="医保中心联系人"),
        auditor=person("auditor", name="审计员"),
    )
    for name, user in list(vars(team).items()):
        setattr(team, f"{name}_", actor_of(user))
    team.window, team.ward = window, ward
    team.systems = {
        code: System.objects.create(code=code, name=name, short_name=name, order=n)
        for n, (code, name) in enumerate([("HIS", "HIS"), ("CIS", "CIS"), ("LIS", "LIS"), ("YB", "医保接口")])
    }
    _rota(team)
    team.vendor = Organisation.objects.get(side="vendor")
    team.third = organisation("third")
    return team


def _rota(team: SimpleNamespace) -> None:
    work, off = ["workday", "makeup"], ["rest", "holiday"]
    given = rota.RuleInput
    anchor = dt.date(2026, 1, 5)
    rota.save_rule(team.zhou_, given("day", "驻场", "on_site", work, "open", "close", [team.wang, team.liu], order=1))
    for code, kinds, start, end in (("night", work, "close", "open"), ("off", off, "open", "open")):
        rota.save_rule(
            team.zhou_,
            given(code, "听班", "on_call", kinds, start, end, [team.chen], rotation="weekly", anchor=anchor, order=2),
        )
    steps = [
        {"after_minutes": 0, "to": ["duty:on_site", "duty:on_call"], "label": "值班人员", "urgent": False},
        {"after_minutes": 10, "to": ["role:service_manager"], "label": "服务经理", "urgent": True},
        {"after_minutes": 20, "to": ["role:it_head"], "label": "信息科负责人", "urgent": True},
    ]
    for severity in (1, 2, 3):
        rota.save_chain(team.zhou_, severity=severity, system=None, name=f"{severity} 级", steps=steps)


@pytest.fixture
def incident(house: SimpleNamespace) -> Callable[..., Case]:
    """incident(severity=2, …) → a fault that the window phoned in, registered by 周经理."""

    def make(**changes: Any) -> Case:
        known: dict[str, Any] = {
            "kind": "incident",
            "description": "刷医保卡一直转圈，最后提示中心处理超时，几个窗口都这样。",
            "title": "医保无法收费，返回“中心处理超时”",
            "channel": Case.Channel.PHONE,
            "severity": 2,
            "system": house.systems["YB"],
            "department": house.window,
            "reporter": house.li,
        }
        return open_case(house.zhou_, NewCase(**{**known, **changes}))

    return make


@pytest.fixture
def queries() -> Callable[[Callable[[], Any]], int]:
    """queries(lambda: client.get(…)) → how many queries it took, once what is loaded once a process is loaded."""

    def count(ask: Callable[[], Any]) -> int:
        ask()
        with CaptureQueriesContext(connection) as asked:
            ask()
        return len(asked)

    return count
