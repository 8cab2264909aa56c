from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from xingwei.service.rota import services
from xingwei.service.rota.services import RuleInput

CHINA = ZoneInfo("Asia/Shanghai")
WORK, OFF = ["workday", "makeup"], ["rest", "holiday"]


def at(text: str) -> dt.datetime:
    """ "03-18 10:24" of 2026 in Shanghai."""
    return dt.datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


@pytest.fixture
def team(person: Callable[..., Any]) -> dict[str, Any]:
    """The vendor's people: zhou manages, wang and liu are on site, chen and meng on call; he heads IT."""
    return {
        "zhou": person("service_manager", name="周经理"),
        "wang": person("onsite_engineer", name="王工"),
        "liu": person("onsite_engineer", name="刘工"),
        "chen": person("onsite_engineer", "vendor_support", name="陈工"),
        "meng": person("vendor_support", name="孟工"),
        "zhao": person("rnd", name="赵工"),
        "he": person("it_head", "it_staff", name="何科长"),
    }


@pytest.fixture
def calendar(db: None) -> None:
    """The calendars that come with the product."""
    from xingwei.base.calendar import files
    from xingwei.base.calendar.services import import_files
    from xingwei.base.policy.engine import system_actor

    import_files(system_actor("command"), [files.SHIPPED])


@pytest.fixture
def manager(team: dict[str, Any]) -> Any:
    from xingwei.base.accounts.queries import actor_of

    return actor_of(team["zhou"])


@pytest.fixture
def rules(team: dict[str, Any], manager: Any, calendar: None) -> None:
    """Two on site on workdays, one on call at all other times, R&D behind them."""
    on_call = [team["chen"], team["meng"]]
    anchor = dt.date(2026, 1, 5)
    for given in (
        RuleInput(
            "day", "驻场", "on_site", WORK, "open", "close", [team["wang"], team["liu"]], [team["chen"]], order=1
        ),
        RuleInput(
            "night", "夜间听班", "on_call", WORK, "close", "open", on_call, rotation="weekly", anchor=anchor, order=2
        ),
        RuleInput(
            "off", "节假日远程", "on_call", OFF, "open", "open", on_call, rotation="weekly", anchor=anchor, order=3
        ),
        RuleInput("rnd", "HIS 研发支撑", "support", [*WORK, *OFF], "00:00", "24:00", [team["zhao"]], order=4),
    ):
        services.save_rule(manager, given)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What notify was asked to tell: (name, title)."""
    from xingwei.service.rota.services import base

    said: list[tuple[str, str]] = []

    def tell(actor: Any, people: Any, *, title: str, key: str = "", **rest: Any) -> None:
        for p in people:
            if not key or (p.name, key) not in keys:
                said.append((p.name, title))
                keys.add((p.name, key))

    keys: set[tuple[str, str]] = set()
    monkeypatch.setattr(base.notify, "tell", tell)
    return said
