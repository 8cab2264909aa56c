"""The demonstration year is lived through the services: the same seed gives the same days, and the journal holds."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from xingwei.base.journal import verifying
from xingwei.base.runtime.setup import Report
from xingwei.service.desk.models import Case, CaseEvent
from xingwei.service.rota import queries as rota
from xingwei.service.rota.models import Attendance, PublishedWeek
from xingwei.web.demo import setup, year
from xingwei.web.demo.scenes import SCENES, plots

END = dt.datetime(2026, 3, 18, 10, 24, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def hospital(db: None) -> None:
    from xingwei.base.calendar.setup import calendars

    calendars(Report())
    for step in (setup.people, setup.estate, setup.contract, setup.rota):
        step(Report())


def lived(days: int) -> list[Any]:
    year.live(END, days=days)
    return list(Case.objects.order_by("id").values_list("number", "kind", "state", "title", "opened_at", "ever_late"))


@pytest.mark.usefixtures("hospital")
def test_a_few_days_are_lived_and_their_journal_is_whole() -> None:
    rows = lived(6)
    assert len(rows) > 8
    assert CaseEvent.objects.exclude(case__opened_at__gt=END).filter(at__gt=END).count() == 0
    assert verifying.verify().intact
    story = Case.objects.get(title="医保无法收费，返回“中心处理超时”", opened_at=END - dt.timedelta(minutes=43))
    assert (story.state, story.severity, story.next_due_clock) == ("doing", 2, "bulletin")


@pytest.mark.usefixtures("hospital")
def test_the_same_seed_gives_the_same_days() -> None:
    from django.db import transaction

    with transaction.atomic():
        first = lived(4)
        transaction.set_rollback(True)
    assert lived(4) == first


@pytest.mark.usefixtures("hospital")
def test_weeks_are_published_and_who_is_on_site_has_signed_in() -> None:
    lived(9)
    monday = dt.date(2026, 3, 16)
    assert PublishedWeek.objects.filter(pk__in=[monday - dt.timedelta(weeks=1), monday]).count() == 2
    on_site = {d.person.pk for d in rota.on_duty(END).on_site}
    here = set(
        Attendance.objects.filter(signed_out_at=None, signed_in_at__date=END.date()).values_list("person", flat=True)
    )
    assert on_site
    assert here == on_site
    assert Attendance.objects.filter(signed_out_at__isnull=False, signed_in_at__lt=END - dt.timedelta(days=1)).exists()


def test_every_kind_of_case_has_its_scene_and_its_plots() -> None:
    assert {p.kind for p in plots()} == set(SCENES)
