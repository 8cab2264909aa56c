"""What the desk shows on other rooms' pages."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from xingwei.base.calendar import queries as calendars
from xingwei.base.calendar.engine import WorkCalendar, Year
from xingwei.base.notify.kinds import kinds
from xingwei.service.desk.models import Case
from xingwei.service.desk.services.clocks import moved_by

pytestmark = pytest.mark.django_db


@pytest.mark.clause("1.6")
def test_a_systems_page_shows_what_is_open_there(house: SimpleNamespace, incident: Any, as_role: Any) -> None:
    case = incident(system=house.systems["LIS"], severity=3)
    page = as_role(user=house.he).get("/estate/systems/LIS/").content.decode()
    assert case.title in page
    assert case.title not in as_role(user=house.he).get("/estate/systems/CIS/").content.decode()


@pytest.mark.clause("9.2b")
def test_a_calendars_effect_on_deadlines_is_told_before_it_is_published(house: SimpleNamespace, incident: Any) -> None:
    level2, level3 = incident(severity=2), incident(severity=3)
    for case in (level2, level3):
        Case.objects.filter(pk=case.pk).update(responded_at=case.opened_at)
    now = calendars.current()
    free = {dt.date(2026, 3, 19): "院庆"}
    year = now.years[2026]
    changed = WorkCalendar(
        "x", {**now.years, 2026: Year(2026, True, "", {**year.holidays, **free}, year.makeup)}, now.hours
    )
    assert moved_by(now).moved == []
    found = moved_by(changed)
    assert found.checked == 2
    assert found.moved == []  # what is due first is the response, which knows no calendar
    from xingwei.service.desk.services.moves import move

    for case in (level2, level3):
        move(house.wang_, case, "respond")
    assert [(m[0], m[3].date()) for m in moved_by(changed).moved] == [(level3.number, dt.date(2026, 3, 20))]


def test_everything_the_desk_tells_has_a_name() -> None:
    assert {"desk.assigned", "desk.case", "desk.bulletin", "desk.clock", "desk.escalation", "desk.alarm"} <= set(
        kinds()
    )
