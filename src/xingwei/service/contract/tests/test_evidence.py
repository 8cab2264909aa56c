"""Other rooms count evidence; the contract joins it with what people record and judges each obligation by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import ServiceRefused
from xingwei.service.contract import evidence, obligations, queries, services
from xingwei.service.contract.engine.periods import Period
from xingwei.service.contract.evidence import EvidenceRow

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.10")]


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(dt.datetime(2026, 3, 18, 2, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def counted() -> Iterator[list[Period]]:
    """A room that counts inspections: nine systems in the second quarter."""
    asked: list[Period] = []

    def inspections(period: Period) -> list[EvidenceRow]:
        asked.append(period)
        systems = ["HIS", "CIS", "LIS", "OPD", "EMR", "ODR", "DEV", "YB", "POL"]
        return [EvidenceRow(dt.date(2026, 2, 3), f"{s} 巡检报告", f"/watch/{s}/", s) for s in systems]

    evidence.register("inspection", inspections)
    yield asked
    evidence.unregister("inspection", inspections)


def one(ident: str) -> obligations.Kept:
    shown = queries.shown()
    assert shown is not None
    return obligations.kept(shown, only={ident})[0]


def test_a_provider_is_asked_for_the_term_and_its_rows_count(version: Any, counted: list[Period]) -> None:
    found = one("inspection")
    assert (counted[0].first, counted[0].last) == (dt.date(2025, 10, 15), dt.date(2026, 10, 14))
    assert (found.counted, found.total) == (True, 9)
    first, second = found.standings[:2]
    assert first.state == "late"
    assert (second.state, second.missing) == ("partly", ("ESB",))
    assert found.now == first  # what is late comes first


def test_the_missing_system_can_be_recorded_by_hand(version: Any, counted: list[Period], actor: Any) -> None:
    manager = actor("service_manager")
    done = services.record_obligation(
        manager, "inspection", done_on=dt.date(2026, 3, 17), system="ESB", note="集成平台补检", reference="报告 9"
    )
    assert one("inspection").standings[1].state == "done"
    entry = Entry.objects.get(act="contract.obligation.record")
    assert entry.after["system"] == "ESB"
    services.strike_obligation(manager, done, "系统写错了")
    assert one("inspection").standings[1].state == "partly"
    assert Entry.objects.filter(act="contract.obligation.strike").count() == 1
    with pytest.raises(ServiceRefused, match="已经作废"):
        services.strike_obligation(manager, done, "再来一次")


def test_evidence_of_a_system_that_the_obligation_does_not_name_does_not_count(version: Any) -> None:
    rows = [
        EvidenceRow(dt.date(2026, 2, 3), "升级单", system="HIS"),
        EvidenceRow(dt.date(2026, 2, 3), "升级单", system="ODR"),
    ]
    provider = lambda period: rows  # noqa: E731
    evidence.register("upgrade", provider)
    try:
        assert one("yearly-upgrade").total == 1  # owed for ODR alone
        assert one("upgrade-documents").total == 2
    finally:
        evidence.unregister("upgrade", provider)


def test_one_row_may_stand_for_many(version: Any) -> None:
    provider = lambda period: [EvidenceRow(dt.date(2026, 3, 1), "台账问题", count=412)]  # noqa: E731
    evidence.register("case", provider)
    try:
        found = one("daily-operation")
        assert (found.total, found.within(obligations.quarter_on(queries.shown(), dt.date(2026, 3, 18)))) == (412, 412)
    finally:
        evidence.unregister("case", provider)


def test_late_ones_come_first_then_by_day(version: Any) -> None:
    shown = queries.shown()
    assert shown is not None
    found = obligations.pending(obligations.kept(shown))
    states = [s.state for s in found]
    assert states.index("late") == 0
    assert "late" not in states[states.count("late") :]
    days = [s.due.due for s in found if s.state == "late"]
    assert days == sorted(days)


def test_who_may_record(version: Any, actor: Any) -> None:
    for role in ("auditor", "head_nurse", "rnd"):
        with pytest.raises(Denied):
            services.record_obligation(actor(role), "site-visit", done_on=dt.date(2026, 3, 1), note="巡查")
    with pytest.raises(ServiceRefused, match="没有这项义务"):
        services.record_obligation(actor("it_staff"), "nothing", done_on=dt.date(2026, 3, 1), note="x")
    with pytest.raises(ServiceRefused, match="没有 2026-03-02 这个到期日"):
        services.record_obligation(
            actor("it_staff"), "site-visit", done_on=dt.date(2026, 3, 1), due_on=dt.date(2026, 3, 2), note="x"
        )


def test_before_the_contract_holds_nothing_is_due(db: None) -> None:
    from xingwei.base.policy.engine import system_actor

    from .conftest import GUANGYUAN

    services.import_contract(system_actor(), GUANGYUAN)
    assert one("service-report").standings == ()
