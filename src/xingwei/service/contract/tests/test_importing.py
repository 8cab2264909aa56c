"""Importing a text, putting it in force, and what holds on which day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine

from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.datafiles import FileProblems
from xingwei.base.ui.views import ServiceRefused
from xingwei.service.contract import queries, services
from xingwei.service.contract.models import ContractVersion

from .conftest import GUANGYUAN

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()
YEAR = {"starts_on": dt.date(2025, 10, 15), "ends_on": dt.date(2026, 10, 14)}


def test_the_same_text_is_imported_once(actor: Any, edited: Callable[..., Path]) -> None:
    head = actor("it_head")
    first = services.import_contract(head, GUANGYUAN)
    assert services.import_contract(head, GUANGYUAN) == first
    assert (first.number, first.code, first.imported_by_id) == (1, "guangyuan-2025", head.id)
    second = services.import_contract(SYSTEM, edited("service-levels.yaml", "hours: 3", "hours: 4"))
    assert (second.number, second.imported_by_id) == (2, None)
    assert list(Entry.objects.filter(act="contract.version.import").values_list("actor_id", flat=True)) == [
        None,
        head.id,
    ]


@pytest.mark.parametrize("role", ["service_manager", "it_staff", "reporter"])
def test_only_the_hospital_s_head_of_it_imports_and_puts_in_force(role: str, actor: Any, version: Any) -> None:
    with pytest.raises(Denied):
        services.import_contract(actor(role), GUANGYUAN)
    with pytest.raises(Denied):
        services.put_in_force(actor(role), version, **YEAR)


def test_all_problems_of_the_files_are_said_at_once(edited: Callable[..., Path]) -> None:
    edited("fee.yaml", "low: 90, low_closed: true", "low: 90")
    edited("questions.yaml", "affects: fee", "affects: money")
    directory = edited("scorecard.yaml", "printed_points:", "printed_point:")
    with pytest.raises(FileProblems) as error:
        services.import_contract(SYSTEM, directory)
    said = [str(p) for p in error.value.problems]
    assert any(s.startswith("fee.yaml 第 ") for s in said)
    assert any(s.startswith("scorecard.yaml 第 ") and "printed_point" in s for s in said)
    assert not ContractVersion.objects.exists()


def test_what_holds_is_decided_by_the_day(version: Any, edited: Callable[..., Path]) -> None:
    later = services.import_contract(SYSTEM, edited("service-levels.yaml", "hours: 3", "hours: 4"))
    assert queries.in_force(dt.date(2026, 3, 18)).version == "1.0"  # imported is not yet in force
    services.put_in_force(SYSTEM, later, **YEAR, in_force_from=dt.date(2026, 3, 1))
    assert queries.in_force(dt.date(2025, 10, 14)) is None
    assert queries.in_force(dt.date(2025, 10, 15)).version == "1.0"
    assert queries.in_force(dt.date(2026, 2, 28)).version == "1.0"
    found = queries.in_force(dt.date(2026, 3, 1))
    assert (found.version, found.starts_on, found.ends_on) == ("2.0", YEAR["starts_on"], YEAR["ends_on"])
    assert queries.in_force(dt.date(2026, 10, 15)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends_on": dt.date(2025, 10, 15)}, "终止日应晚于起始日"),
        ({"in_force_from": dt.date(2025, 10, 1)}, "生效日应在"),
        ({"total": Decimal("-1")}, "总金额应大于 0"),
        ({"contract_number": "甲" * 61}, "合同编号最长 60 字"),
    ],
)
def test_contradicting_dates_and_amounts_are_refused(change: Any, said: str, db: None) -> None:
    version = services.import_contract(SYSTEM, GUANGYUAN)
    with pytest.raises(ServiceRefused, match=said):
        services.put_in_force(SYSTEM, version, **(YEAR | change))
    assert queries.in_force(dt.date(2026, 1, 1)) is None


def test_dates_can_be_corrected_and_the_journal_shows_what_changed(version: Any) -> None:
    services.put_in_force(SYSTEM, version, **YEAR, contract_number="YW-2025-031", total=Decimal("1280000.00"))
    assert Entry.objects.filter(act="contract.version.publish").count() == 1  # nothing changed, nothing recorded
    services.put_in_force(SYSTEM, version, **YEAR, contract_number="YW-2025-031", total=Decimal("1290000"))
    entry = Entry.objects.filter(act="contract.version.publish").first()
    assert (entry.before, entry.after) == ({"total": "1280000.00"}, {"total": "1290000"})
    assert queries.in_force(dt.date(2026, 1, 1)).version == "1.0"  # the readings did not change


@pytest.mark.clause("9.2a", "9.2b")
def test_the_clocks_of_the_contract(version: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, tzinfo=dt.UTC)):
        policy = queries.service_policy()
    assert policy.version == "1.0"
    assert (policy.response, policy.response_around_the_clock) == (dt.timedelta(minutes=30), True)
    assert [policy.arrive[n].hours for n in (1, 2)] == [dt.timedelta(hours=2), dt.timedelta(hours=3)]
    assert (policy.arrive[3].workdays, policy.arrive[3].or_by_agreement) == (1, True)
    assert (policy.arrival_clock, policy.workday) == ("round_the_clock", "same_time")
    assert queries.service_policy("1.0") == policy


def test_without_a_contract_the_clocks_say_so(db: None) -> None:
    with pytest.raises(queries.NoContract, match="还没有启用合同"):
        queries.service_policy()
    for label in ("9.9", "x", "", "1", "1.x", "１.０", "1.0.0"):
        with pytest.raises(queries.NoContract):
            queries.service_policy(label)


def test_after_its_last_day_the_clocks_of_the_last_contract_go_on(version: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 1, tzinfo=dt.UTC)):
        assert queries.in_force() is None
        assert queries.service_policy().version == "1.0"


def test_what_holds_costs_one_query(version: Any, django_assert_num_queries: Any) -> None:
    queries.in_force(dt.date(2026, 1, 1))
    with django_assert_num_queries(1):
        queries.in_force(dt.date(2026, 1, 1))
