"""What the contract shows on other pages: navigation, home page, search, banner, footer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from xingwei.base.ui.registry import registry
from xingwei.service.contract import queries

pytestmark = pytest.mark.django_db


def home(client: Any, at: dt.datetime = dt.datetime(2026, 3, 18, 2, tzinfo=dt.UTC)) -> str:
    with time_machine.travel(at, tick=False):
        answer = client.get("/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_home_page_of_both_sides_shows_what_is_due(version: Any, as_role: Any) -> None:
    for role in ("service_manager", "it_head"):
        page = home(as_role(role))
        assert "合同义务" in page
        assert "逾期 154 天" in page
        assert "合同文本 45 处待双方确认" in page
    assert "合同义务" not in home(as_role("onsite_engineer"))


def test_the_footer_says_which_day_of_the_quarter_it_is(version: Any, as_role: Any) -> None:
    assert "合同第 2 季度 第 63/90 天" in home(as_role("onsite_engineer"))
    assert "合同第" not in home(as_role("audit_admin"))
    assert "合同第" not in home(as_role("onsite_engineer"), dt.datetime(2026, 11, 1, tzinfo=dt.UTC))


def test_without_a_contract_in_force_a_banner_says_so(as_role: Any, db: None) -> None:
    assert "还没有导入合同，时限无从计算" in home(as_role("service_manager"))
    assert "还没有导入合同" not in home(as_role("audit_admin"))


def test_clauses_are_found_by_number_title_and_words(version: Any, as_role: Any) -> None:
    client = as_role("it_staff")
    for q, found in (
        ("1.7c", "/contract/clauses/1.7c/"),
        ("熔断", "/contract/clauses/1.7c/"),
        ("飞行检查", "/contract/clauses/8.5/"),
    ):
        assert found in client.get("/search/", {"q": q}).content.decode(), q
    assert "/contract/" not in as_role("reporter").get("/search/", {"q": "熔断"}).content.decode().split("<main")[1]


def test_what_is_said_to_be_served_is_there(version: Any, as_role: Any) -> None:
    """Every page that this room claims for a clause opens, and every clause exists."""
    client = as_role("it_head")
    own = [s for s in registry.served_by if s.url_name.startswith("contract:")]
    assert own
    known = queries.contract_of(version).clause_by_id
    from django.urls import reverse

    for served in own:
        assert served.clause in known
        assert client.get(reverse(served.url_name)).status_code == 200
