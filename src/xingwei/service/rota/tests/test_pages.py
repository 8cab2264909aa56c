from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.services.tokens import create_token
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import system_actor
from xingwei.base.ui.datafiles import FileProblems
from xingwei.service.rota import files, live, queries, services
from xingwei.service.rota.engine import ical
from xingwei.service.rota.models import Shift, ShiftRule

from .conftest import at

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("rules")
def test_the_week_page_names_what_is_open(
    team: dict[str, Any], manager: Any, as_role: Callable[..., Any], time_machine: Any
) -> None:
    time_machine.move_to(at("03-16 07:00"), tick=False)
    zhou = as_role(user=team["zhou"])
    assert "尚未发布，按规则预排" in zhou.get("/rota/").content.decode()
    assert "已发布" in zhou.post("/rota/publish/", {"week": "2026-03-16"}, follow=True).content.decode()
    services.cancel_shift(manager, Shift.objects.live().get(starts_at=at("03-18 17:30")), reason="住院")
    page = zhou.get("/rota/?week=2026-03-18").content.decode()
    assert "无人值班：3 月 18 日 周三 17:30–次日 08:00" in page
    assert "安排人员" in page
    live.forget()
    assert "去安排" in zhou.get("/rota/month/").content.decode()  # the banner, for who can fill the gap
    assert "去安排" not in as_role(user=team["wang"]).get("/rota/month/").content.decode()


@pytest.mark.usefixtures("rules")
def test_a_gap_is_filled_from_its_link(team: dict[str, Any], as_role: Callable[..., Any], time_machine: Any) -> None:
    time_machine.move_to(at("03-16 07:00"), tick=False)
    zhou = as_role(user=team["zhou"])
    link = "/rota/shifts/add/?kind=on_call&start=2026-03-18T17:30&end=2026-03-19T08:00"
    assert 'value="2026-03-18T17:30"' in zhou.get(link).content.decode()
    form = {"kind": "on_call", "start": "2026-03-18T17:30", "end": "2026-03-19T08:00", "label": "迎检值守"}
    assert zhou.post("/rota/shifts/add/", form).status_code == 422
    bad = zhou.post("/rota/shifts/add/", form | {"person": team["wang"].pk, "end": "2026-03-18T08:00"})
    assert "结束时间应晚于开始时间" in bad.content.decode()
    assert "迎检值守" in bad.content.decode()
    assert zhou.post("/rota/shifts/add/", form | {"person": team["wang"].pk}).status_code == 302
    assert Shift.objects.get(label="迎检值守").person == team["wang"]


@pytest.mark.clause("9.2a")
@pytest.mark.usefixtures("rules")
def test_the_top_bar_says_who_is_on_duty(team: dict[str, Any], as_role: Callable[..., Any], time_machine: Any) -> None:
    wang = as_role(user=team["wang"])
    for moment, said in (
        ("03-18 10:24", "值班中 <b>王工</b> 驻场 · 至 17:30"),
        ("03-18 22:00", "<b>陈工</b> 听班 · 至 明天 08:00"),
    ):
        time_machine.move_to(at(moment), tick=False)
        live.forget()
        assert said in wang.get("/").content.decode()
    ShiftRule.objects.all().delete()
    live.forget()
    page = wang.get("/").content.decode()
    assert "现在无人值班" in page
    live.forget()


@pytest.mark.usefixtures("rules")
def test_rules_are_written_on_their_page(team: dict[str, Any], as_role: Callable[..., Any]) -> None:
    zhou = as_role(user=team["zhou"])
    assert "夜间听班" in zhou.get("/rota/rules/").content.decode()
    form = {
        "label": "周末白班", "kind": "on_call", "days": ["rest"], "start": "8：00", "end": "下班",
        "people": [team["meng"].pk, team["chen"].pk], "rotation": "turn", "at_once": "1", "anchor": "2026-01-05",
    }  # fmt: skip
    assert "没有人员" not in zhou.post("/rota/rules/new/", form | {"start": "25:00"}).content.decode()
    assert zhou.post("/rota/rules/new/", form).status_code == 302
    rule = ShiftRule.objects.get(label="周末白班")
    assert (rule.start, rule.end) == ("08:00", "close")
    assert [p.person.name for p in rule.people.all()] == ["孟工", "陈工"]
    page = zhou.get(f"/rota/rules/{rule.key}/").content.decode().partition('id="id_people"')[2]
    assert page.index("孟工") < page.index("陈工") < page.index("王工")
    assert 'value="下班"' in zhou.get(f"/rota/rules/{rule.key}/").content.decode()
    zhou.post(f"/rota/rules/{rule.key}/end/", {"last": "2026-06-30"})
    assert ShiftRule.objects.get(pk=rule.pk).valid_until == dt.date(2026, 6, 30)


@pytest.mark.usefixtures("rules")
def test_the_phone_subscribes_by_a_secret_address(
    team: dict[str, Any], as_role: Callable[..., Any], client: Any, time_machine: Any
) -> None:
    time_machine.move_to(at("03-16 07:00"), tick=False)
    chen = as_role(user=team["chen"])
    page = chen.post("/rota/feed/make/", follow=True).content.decode()
    address = re.search(r"/rota/feed/[\w-]+\.ics", page)[0]  # type: ignore[index]
    answer = client.get(address)
    assert answer["Content-Type"].startswith("text/calendar")
    text = answer.content.decode()
    assert "SUMMARY:值班：夜间听班\r\n" in text
    assert "DTSTART:20260318T093000Z\r\nDTEND:20260319T000000Z\r\n" in text
    chen.post("/rota/feed/make/")
    assert client.get(address).status_code == 404  # a new address ends the old one


def test_ical_folds_and_escapes() -> None:
    long = "夜间听班，" * 30 + "a;b,c\\d"
    text = ical.calendar("王工", [ical.Event("1", at("03-18 17:30"), at("03-19 08:00"), long)], at("03-18 10:00"))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "")
    assert f"SUMMARY:{'夜间听班，' * 30}a\\;b\\,c\\\\d\r\n" in unfolded


def test_the_shipped_file_covers_the_whole_year(person: Callable[..., Any], calendar: None) -> None:
    _shipped(person)
    assert str(services.import_rota(system_actor("command"), files.SHIPPED)) == "排班规则 6 条，升级链 4 条"
    services.import_rota(system_actor("command"), files.SHIPPED)  # harmless when repeated
    assert ShiftRule.objects.count() == 6
    assert queries.gaps(dt.date(2026, 1, 1), dt.date(2026, 12, 31)) == []
    assert [s["after_minutes"] for s in queries.chain_for(2, "YB")] == [0, 10, 20, 30]
    changed = ShiftRule.objects.get(key="onsite")
    changed.label = "现场"
    changed.save()
    services.import_rota(system_actor("command"), files.SHIPPED, overwrite=False)
    assert ShiftRule.objects.get(key="onsite").label == "现场"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("kind: on_site", "kind: onsite", "“onsite” 不在可选值之中"),
        ("people: [zhou]", "people: [nobody]", "没有工号 nobody，请先导入人员"),
        ("system: YB", "system: XX", "没有系统 XX"),
        ('"role:it_head"], label: 信息科', '"role:king"], label: 信息科', "“role:king”不存在"),
        ("start: open", 'start: "8:00"', "写法不对"),
    ],
)
def test_a_file_that_is_wrong_names_the_line(
    person: Callable[..., Any], calendar: None, tmp_path: Path, before: str, after: str, said: str
) -> None:
    _shipped(person)
    path = tmp_path / "rota.yaml"
    text = files.SHIPPED.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises((FileProblems, services.Refused), match=r"rota.yaml 第 \d+ 行") as refused:
        services.import_rota(system_actor("command"), path)
    assert said in str(refused.value)
    assert not ShiftRule.objects.exists()


def _shipped(person: Callable[..., Any]) -> None:
    System.objects.create(code="YB", name="医保接口", short_name="医保接口")
    for username in ("zhou", "wang", "liu", "chen", "zhao", "gao", "qiu"):
        user = person("onsite_engineer")
        user.username = username
        user.save()


@pytest.mark.usefixtures("rules")
def test_the_api(team: dict[str, Any], client: Any, time_machine: Any) -> None:
    time_machine.move_to(at("03-18 10:24"), tick=False)
    scopes = ["rota.shift:view", "rota.chain:view", "rota.attendance:sign"]
    _, token = create_token(actor_of(team["wang"]), "测试", scopes, 1)
    head = {"Authorization": f"Bearer {token}"}

    def get(path: str) -> Any:
        return client.get(f"/api/v1/rota/{path}", headers=head)

    def post(path: str, **data: str) -> Any:
        return client.post(f"/api/v1/rota/{path}", data, content_type="application/json", headers=head)

    assert [d["person"]["name"] for d in get("on-duty").json()["on_site"]] == ["王工", "刘工"]
    night = get("on-duty?at=2026-03-18T22:00:00").json()
    assert [d["person"]["name"] for d in night["on_call"]] == ["陈工"]
    assert get("roster?from=2026-03-18&to=2026-03-18").json()["gaps"] == []
    assert get("roster?from=2026-03-18&to=2027-03-18").status_code == 422
    assert get("on-duty?at=0001-01-01T00:00:00").status_code == 422
    calls = get("chains/2/simulate?at=2026-03-18T22:00:00%2B08:00").json()
    assert calls[0]["people"][0]["name"] == "陈工"
    assert get("attendance?from=2026-03-16&to=2026-03-18").status_code == 403  # his own, but not the team's
    assert post("attendance/in", place="收费处").json()["place"] == "收费处"
    again = post("attendance/in")
    assert (again.status_code, again.json()["detail"]) == (409, "您今天已经签到。换了地点请写明在哪里")
    assert post("attendance/out").json()["signed_out_at"]
