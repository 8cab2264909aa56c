from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction

from xingwei.base.calendar import files, queries, services
from xingwei.base.calendar.engine import CalendarError, DayKind
from xingwei.base.calendar.models import CalendarVersion
from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied

pytestmark = pytest.mark.django_db
SYSTEM = system_actor("command")


def moved(**changes: Any) -> dict[str, Any]:
    data = files.read_paths([files.SHIPPED / "2026.yaml"])[0][2026]
    return data | changes


@pytest.mark.clause("9.2b")
def test_the_shipped_calendars_become_the_first_version_once() -> None:
    first = services.install(SYSTEM)
    assert services.install(SYSTEM) == first
    assert first.number == f"{dt.date.today().year}.1"
    assert set(queries.current().years) == {2024, 2025, 2026, 2027}
    assert queries.current().day(dt.date(2026, 2, 14)).kind is DayKind.MAKEUP
    entry = Entry.objects.get(act="calendar.version.publish")
    assert entry.after["years"] == ["2024", "2025", "2026", "2027"]


def test_a_newer_product_brings_missing_years_and_leaves_what_the_hospital_published() -> None:
    shipped = files.read_paths([files.SHIPPED])[0]
    own = {"default": ["08:30-12:00", "14:30-18:00"]}
    services.publish(SYSTEM, {2026: moved(makeup=[]), 2025: shipped[2025] | {"status": "provisional"}}, own)
    row = services.install(SYSTEM)
    assert set(row.years) == {"2024", "2025", "2026", "2027"}
    assert row.years["2026"]["makeup"] == []
    assert row.years["2025"]["status"] == "published"
    assert row.hours["default"] == own["default"]
    assert services.install(SYSTEM) == row


def test_importing_the_same_files_again_changes_nothing() -> None:
    services.install(SYSTEM)
    done = services.import_files(SYSTEM, [files.SHIPPED])
    assert not done.changed
    assert CalendarVersion.objects.count() == 1


def test_a_publication_replaces_the_calendar_in_force_and_keeps_the_old(actor: Any) -> None:
    services.install(SYSTEM)
    old = queries.current()
    row = services.publish(actor("system_admin"), {2026: moved(makeup=[])}, note="取消调休")
    assert queries.current().version == row.number != old.version
    assert not queries.current().is_workday(dt.date(2026, 2, 14))
    assert queries.version(old.version).is_workday(dt.date(2026, 2, 14))
    assert queries.current().day(dt.date(2025, 1, 26)).kind is DayKind.MAKEUP  # other years stay
    entry = Entry.objects.filter(act="calendar.version.publish").latest("id")
    assert (entry.before, entry.after["years"]) == ({"version": old.version}, ["2026"])


@time_machine.travel("2026-12-31T16:30:00Z", tick=False)  # already 2027 in Shanghai
def test_versions_are_numbered_by_the_year_of_publication() -> None:
    assert services.install(SYSTEM).number == "2027.1"
    assert services.publish(SYSTEM, {2026: moved(makeup=[])}).number == "2027.2"


def test_only_the_system_administrator_publishes(actor: Any) -> None:
    for role in ("it_head", "service_manager", "security_admin", "reporter"):
        with pytest.raises(Denied):
            services.publish(actor(role), {2026: moved()})
    assert not CalendarVersion.objects.exists()


@pytest.mark.parametrize(
    ("years", "hours", "said"),
    [
        ({2026: moved(makeup=[{"date": "2026-01-05", "for": "元旦"}])}, None, "本来就是工作日"),
        ({2025: moved()}, None, "2025 年的内容写的是 2026 年"),
        (None, {"default": ["12:00-08:00"]}, "前后颠倒"),
        (None, None, "没有要发布的内容"),
    ],
)
def test_what_cannot_be_published_is_refused_and_changes_nothing(years: Any, hours: Any, said: str) -> None:
    services.install(SYSTEM)
    with pytest.raises(services.CalendarRefused, match=said):
        services.publish(SYSTEM, years, hours)
    assert CalendarVersion.objects.count() == 1


def test_who_edited_an_older_version_is_told(actor: Any) -> None:
    base = services.install(SYSTEM).number
    services.publish(actor("system_admin"), {2026: moved(makeup=[])}, base=base)
    with pytest.raises(services.CalendarRefused, match=r"刚刚被人员.*改过"):
        services.publish(SYSTEM, {2026: moved()}, base=base)


def test_the_database_keeps_versions_as_they_are() -> None:
    row = services.install(SYSTEM)
    for act in (lambda: CalendarVersion.objects.update(note="x"), row.delete):
        with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
            act()


def test_bad_files_are_refused_with_file_line_and_field(tmp_path: Path) -> None:
    (tmp_path / "2028.yaml").write_text("year: 2028\nstatus: 公布\nsource: 国办\nholidays: []\n")
    (tmp_path / "2029.yaml").write_text(
        "year: 2029\nstatus: published\nsource: 国办发明电\nholidays:\n  - {name: 元旦, from: 2029-01-01, to: '2029-01-01'}\n"
    )
    with pytest.raises(services.CalendarRefused) as refused:
        services.import_files(SYSTEM, [tmp_path])
    said = str(refused.value)
    assert "2028.yaml 第 2 行：status：“公布” 不在可选值之中" in said
    assert "2028.yaml 第 3 行：source" in said
    assert "2029.yaml 第 5 行：holidays[0].from" in said
    assert not CalendarVersion.objects.exists()
    with pytest.raises(services.CalendarRefused, match=r"none\.yaml：读不了"):
        services.import_files(SYSTEM, [tmp_path / "none.yaml"])


def test_without_any_version_weekdays_count_and_all_is_provisional() -> None:
    calendar = queries.current()
    today = dt.date.today()
    assert calendar.version == "0"
    assert calendar.provisional(today, today)
    assert calendar.add(dt.datetime.now(dt.UTC), dt.timedelta(hours=8))
    assert queries.version("0").version == "0"
    with pytest.raises(CalendarError, match="没有版本"):
        queries.version("2019.9")


@pytest.mark.parametrize(
    ("today", "year"),
    [("2026-10-31", None), ("2026-11-01", 2027), ("2027-03-01", 2027), ("2024-12-01", None), ("2030-01-05", 2030)],
)
def test_a_provisional_or_missing_year_is_warned_of_in_time(today: str, year: int | None) -> None:
    services.install(SYSTEM)
    found = queries.warning(dt.date.fromisoformat(today))
    assert (found[0] if found else None) == year


def test_reading_the_calendar_costs_one_query_in_a_while(django_assert_num_queries: Any) -> None:
    services.install(SYSTEM)
    queries.forget()
    with django_assert_num_queries(2):
        queries.current()
    with django_assert_num_queries(0):
        queries.current()
