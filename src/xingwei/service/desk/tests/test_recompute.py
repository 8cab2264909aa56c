"""Recomputing the clocks of many cases: in portions, side by side, as one by one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xingwei.base.site import queries as site
from xingwei.service.desk.models import CaseClocks
from xingwei.service.desk.services import clocks
from xingwei.service.desk.services.moves import move

INDEX = ("clocks", "next_due_at", "next_due_clock", "next_remind_at", "clock_state", "calendar_version")


@pytest.mark.django_db(transaction=True)
def test_several_portions_are_recomputed_at_once(
    house: SimpleNamespace, incident: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the settings' cache runs out at every look: no query may be needed in the middle of a COPY."""
    cases = [incident(severity=n % 3 + 1) for n in range(5)]
    clock.shift(300)
    move(house.wang_, cases[0], "respond")
    before = list(CaseClocks.objects.order_by("pk").values(*INDEX))
    CaseClocks.objects.update(clocks=[], next_due_clock="", calendar_version="")
    monkeypatch.setattr(clocks, "_PORTION", 2)
    monkeypatch.setattr(site, "_TTL_S", -1.0)
    told: list[int] = []
    assert clocks.recompute_open(progress=told.append) == 5
    assert told == [2, 4, 5]
    assert list(CaseClocks.objects.order_by("pk").values(*INDEX)) == before


@pytest.mark.django_db
def test_without_open_cases_there_is_nothing_to_do(house: SimpleNamespace) -> None:
    assert clocks.recompute_open() == 0
