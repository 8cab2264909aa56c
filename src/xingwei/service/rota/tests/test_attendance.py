from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from xingwei.base.accounts.queries import actor_of
from xingwei.base.policy.registry import Denied
from xingwei.service.rota import queries, services
from xingwei.service.rota.models import Attendance

from .conftest import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


def stay(person: Any, start: str, end: str | None) -> None:
    Attendance.objects.create(person=person, signed_in_at=at(start), signed_out_at=at(end) if end else None)


@pytest.mark.clause("9.5")
def test_each_workday_is_held_against_the_contract(team: dict[str, Any], time_machine: Any) -> None:
    wang, liu = team["wang"], team["liu"]
    stay(wang, "03-16 07:58", "03-16 17:36")
    stay(liu, "03-16 08:02", "03-16 17:31")
    stay(wang, "03-17 07:55", "03-17 17:40")
    stay(liu, "03-17 08:00", "03-17 11:00")  # three hours of work are not a day
    stay(wang, "03-18 08:00", "03-18 12:00")
    stay(wang, "03-18 13:30", "03-18 18:00")  # out at noon and back
    stay(team["chen"], "03-18 08:30", "03-18 17:30")  # stood in, though not planned
    time_machine.move_to(at("03-19 10:00"), tick=False)
    stay(liu, "03-19 08:00", None)
    month = queries.attendance(dt.date(2026, 3, 16), dt.date(2026, 3, 22))
    found = {d.date.day: (d.present, d.short_of, d.over) for d in month.days}
    assert found == {16: (2, 0, True), 17: (1, 1, True), 18: (2, 0, True), 19: (1, 0, False), 20: (0, 0, False)}
    assert (month.over, [d.date.day for d in month.short_days]) == (3, [17])
    assert month.share == pytest.approx(2 / 3)
    eighteenth = next(d for d in month.days if d.date.day == 18).people
    assert eighteenth[wang.pk].worked == dt.timedelta(hours=7, minutes=30)
    assert eighteenth[liu.pk].mark.label == "未签到"
    today = next(d for d in month.days if d.date.day == 19).people
    assert (today[liu.pk].mark.label, today[wang.pk].mark.label) == ("出勤", "未签到")


def test_a_forgotten_sign_out_counts_until_work_ends_and_says_so(team: dict[str, Any], time_machine: Any) -> None:
    time_machine.move_to(at("03-16 08:00"), tick=False)
    services.sign_in(actor_of(team["wang"]))
    time_machine.move_to(at("03-16 20:00"), tick=False)
    day = queries.attendance(dt.date(2026, 3, 16), dt.date(2026, 3, 16)).days[0].people[team["wang"].pk]
    assert (day.mark.label, day.forgot, day.worked) == ("出勤", True, dt.timedelta(hours=7, minutes=30))
    time_machine.move_to(at("03-17 08:00"), tick=False)
    with pytest.raises(services.Refused, match="今天请先签到"):
        services.sign_out(actor_of(team["wang"]))
    services.sign_in(actor_of(team["wang"]), place="收费处")
    first, second = Attendance.objects.order_by("signed_in_at")
    assert first.signed_out_at == at("03-17 00:00")
    assert first.corrected_why == "忘记签退，按当天 24:00 记"
    assert second.signed_out_at is None


def test_signing_in_twice_is_moving(team: dict[str, Any], time_machine: Any) -> None:
    time_machine.move_to(at("03-16 08:00"), tick=False)
    wang = actor_of(team["wang"])
    services.sign_in(wang, place="信息科")
    with pytest.raises(services.Refused, match="已经签到"):
        services.sign_in(wang)
    services.sign_in(wang, place="收费处")
    assert queries.presence_now([team["wang"].pk])[team["wang"].pk].place == "收费处"
    services.sign_out(wang)
    with pytest.raises(services.Refused, match="还没有签到，或已经签退"):
        services.sign_out(wang)


def test_the_hospital_corrects_not_the_vendor(team: dict[str, Any], manager: Any, time_machine: Any) -> None:
    time_machine.move_to(at("03-18 09:00"), tick=False)
    start, end = at("03-17 08:00"), at("03-17 17:30")
    with pytest.raises(Denied):
        services.correct(manager, person=team["liu"], start=start, end=end, why="忘了")
    he = actor_of(team["he"])
    with pytest.raises(services.Refused, match="请写明更正原因"):
        services.correct(he, person=team["liu"], start=start, end=end, why=" ")
    with pytest.raises(services.Refused, match="还没有到"):
        services.correct(he, person=team["liu"], start=start, end=at("03-18 17:30"), why="忘了")
    services.correct(he, person=team["liu"], start=start, end=end, why="签到机断网，门卫登记为证")
    assert queries.attendance(dt.date(2026, 3, 17), dt.date(2026, 3, 17)).days[0].present == 1


def test_the_page_and_its_export(team: dict[str, Any], as_role: Callable[..., Any], time_machine: Any) -> None:
    stay(team["wang"], "03-16 07:58", "03-16 17:36")
    time_machine.move_to(at("03-17 10:00"), tick=False)
    he = as_role(user=team["he"])
    page = he.get("/rota/attendance/?month=2026-03").content.decode()
    assert "1 人，差 1 人" in page
    assert "07:58–17:36" in page
    text = b"".join(he.get("/rota/attendance/?month=2026-03&format=csv").streaming_content).decode()
    assert "2026-03-16,王工,出勤,2026-03-16 07:58:00,2026-03-16 17:36:00,7.5," in text
    assert he.get("/rota/attendance/?month=1999-99").status_code == 200
    assert as_role("reporter").get("/rota/attendance/").status_code == 403


def test_signing_in_on_the_phone(team: dict[str, Any], as_role: Callable[..., Any], time_machine: Any) -> None:
    time_machine.move_to(at("03-16 08:00"), tick=False)
    wang = as_role(user=team["wang"])
    assert "签到" in wang.get("/").content.decode()
    said = wang.post("/rota/attendance/in/", {"place": "收费处"}, follow=True).content.decode()
    assert "已签到 08:00，在收费处" in said
    assert "在收费处" in wang.get("/").content.decode()
