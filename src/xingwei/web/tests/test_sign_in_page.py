"""The sign-in page says what the contract promises, and nothing of how the systems are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.policy.engine import system_actor
from xingwei.service.contract import services
from xingwei.service.contract.files import CONTRACTS

pytestmark = pytest.mark.django_db


def test_without_a_contract_nothing_is_promised(client: Any) -> None:
    page = client.get("/sign-in/").content.decode()
    assert "内到场" not in page
    assert "响应" not in page


@pytest.mark.clause("9.2a", "9.2b")
def test_the_service_levels_of_the_contract_in_force_are_promised(client: Any) -> None:
    version = services.import_contract(system_actor(), CONTRACTS / "guangyuan-2025")
    today = timezone.localdate()
    year = {"starts_on": today - dt.timedelta(days=30), "ends_on": today + dt.timedelta(days=300)}
    services.put_in_force(system_actor(), version, **year)
    page = client.get("/sign-in/").content.decode()
    for words in (
        "2 小时内到场",
        "全院系统瘫痪",
        "3 小时内到场",
        "窗口部门HIS系统不能进行基本业务操作",
        "1 个工作日内到场",
        "响应不超过 30 分钟，全年无休",
    ):
        assert words in page, words
