"""The two sides sign readings of what the text leaves open; deadlines follow, and the past stays computable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xingwei.base.journal.models import Entry
from xingwei.base.journal.services import after
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import ServiceRefused
from xingwei.service.contract import queries, services

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 18)


@pytest.fixture
def sides(version: Any, actor: Any) -> tuple[Any, Any]:
    return actor("it_head"), actor("service_manager")


def in_force() -> Any:
    return queries.in_force(DAY)


def test_a_reading_holds_only_when_both_sides_signed_the_same(sides: Any) -> None:
    hospital, vendor = sides
    services.agree(vendor, "major-fault", "level1")
    assert (in_force().version, in_force().readings.agreed) == ("1.0", frozenset())
    services.agree(hospital, "major-fault", "level12", note="二级也按 2 小时")
    assert (in_force().version, in_force().readings["major-fault"]) == ("1.0", "level1")
    services.agree(vendor, "major-fault", "level12")
    now = in_force()
    assert (now.version, now.readings["major-fault"], now.readings.agreed) == ("1.1", "level12", {"major-fault"})
    hours = [a.hours for a in queries.service_policy("1.1").arrive.values()]
    assert hours == [dt.timedelta(hours=2), dt.timedelta(hours=2), None]
    assert queries.service_policy("1.0").arrive[2].hours == dt.timedelta(hours=3)  # the past stays what it was


def test_one_side_alone_cannot_end_what_both_signed(sides: Any) -> None:
    hospital, vendor = sides
    for who in sides:
        services.agree(who, "workday", "close_of_day")
    services.withdraw(vendor, "workday")
    services.agree(vendor, "workday", "same_time")
    assert in_force().readings["workday"] == "close_of_day"
    assert queries.standings("guangyuan-2025")["workday"].pending
    services.agree(hospital, "workday", "same_time")
    assert in_force().readings["workday"] == "same_time"
    for who in sides:
        services.withdraw(who, "workday")
    assert in_force().readings.agreed == frozenset()


def test_signing_the_assumed_reading_makes_it_agreed(sides: Any) -> None:
    for who in sides:
        services.agree(who, "points-sum", "from_full")
    now = in_force()
    assert (now.version, now.readings["points-sum"], "points-sum" in now.readings.agreed) == ("1.1", "from_full", True)


def test_every_signature_is_journalled_and_announced(
    sides: Any, django_capture_on_commit_callbacks: Any, monkeypatch: Any
) -> None:
    heard: list[str] = []
    after("contract.question.agree")(lambda entry: heard.append(entry.summary))
    with django_capture_on_commit_callbacks(execute=True):
        services.agree(sides[0], "quarter", "calendar", note="与医院财务一致")
    entry = Entry.objects.get(act="contract.question.agree")
    assert (entry.before, entry.after) == (
        {"reading": "", "agreed": None},
        {"reading": "calendar", "agreed": None},
    )
    assert entry.summary.startswith("医院就“季度从合同签订之日起算，还是自然季度”确认读法")
    assert heard == [entry.summary]


def test_what_is_refused(sides: Any, actor: Any) -> None:
    hospital, _ = sides
    with pytest.raises(ServiceRefused, match="没有这种读法"):
        services.agree(hospital, "quarter", "lunar")
    with pytest.raises(ServiceRefused, match="没有这个问题"):
        services.agree(hospital, "nonsense", "x")
    with pytest.raises(ServiceRefused, match="不用撤回"):
        services.withdraw(hospital, "quarter")
    services.agree(hospital, "quarter", "calendar")
    with pytest.raises(ServiceRefused, match="已经确认"):
        services.agree(hospital, "quarter", "calendar")
    with pytest.raises(ServiceRefused, match="说明最长 500 字"):
        services.agree(hospital, "quarter", "contract", note="长" * 501)
    with pytest.raises(ServiceRefused, match="只有医院和运维服务商"):
        services.agree(system_actor(), "quarter", "contract")
    for role in ("it_staff", "onsite_engineer", "auditor"):
        with pytest.raises(Denied):
            services.agree(actor(role), "quarter", "contract")


def test_a_new_text_keeps_what_was_agreed_in_the_same_words(sides: Any, edited: Callable[..., Path]) -> None:
    for who in sides:
        services.agree(who, "quarter", "calendar")
        services.agree(who, "workday", "close_of_day")
    edited("questions.yaml", "label: 下一个工作日下班前", "label: 下一个工作日 18:00 前")
    changed = services.import_contract(system_actor(), edited("service-levels.yaml", "hours: 3", "hours: 4"))
    services.put_in_force(
        system_actor(),
        changed,
        starts_on=dt.date(2025, 10, 15),
        ends_on=dt.date(2026, 10, 14),
        in_force_from=dt.date(2026, 1, 1),
    )
    now = in_force()
    assert now.version == "2.0"
    assert now.readings["quarter"] == "calendar"
    assert now.readings["workday"] == "same_time"  # reworded: not what was signed
    assert now.readings.agreed == {"quarter"}
