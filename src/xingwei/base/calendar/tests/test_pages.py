from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from typer.testing import CliRunner

from xingwei.base.calendar import files, queries, services
from xingwei.base.calendar.cli import app
from xingwei.base.calendar.models import CalendarVersion
from xingwei.base.policy.engine import system_actor

from .test_notice import NOTICES

pytestmark = pytest.mark.django_db


@pytest.fixture
def calendar() -> str:
    return services.install(system_actor("command")).number


def text(response: Any) -> str:
    return response.content.decode()


@pytest.mark.clause("9.2b")
def test_the_year_shows_every_kind_of_day_in_words(as_role: Any, calendar: str) -> None:
    page = text(as_role("reporter").get("/calendar/2026/"))
    assert page.count("<td class=") - page.count('class="none"') == 365
    assert "2026-02-14 周六 调休工作日（春节）" in page
    assert "2026-02-16 周一 节假日（春节）" in page
    assert "2026-03-21 周六 休息日" in page
    assert "工作日 248 天，其中调休 6 天" in page


def test_a_year_nobody_arranged_says_so_and_ancient_ones_are_not_found(as_role: Any, calendar: str) -> None:
    client = as_role("it_staff")
    assert "2031 年还没有安排" in text(client.get("/calendar/2031/"))
    assert "暂定的" in text(client.get("/calendar/2027/"))
    assert client.get("/calendar/1/").status_code == 404
    assert client.get("/calendar/9999/").status_code == 404


def test_pasting_the_notice_previews_and_publishes(as_role: Any) -> None:
    client = as_role("system_admin")
    page = text(client.post("/calendar/2026/edit/", {"read_notice": "1", "notice": NOTICES["2026"]}))
    assert "发布新版本" in page
    assert "国办发明电〔2025〕7 号" in page
    assert not CalendarVersion.objects.exists()
    form = {
        "status": "published",
        "source": "国办发明电〔2025〕7 号",
        "holidays": "春节 2026-02-15 至 2026-02-23",
        "makeup": "2026-02-14 春节\n2026-02-28 春节",
        "note": "按通知录入",
        "base": "0",
        "publish": "1",
    }
    answer = client.post("/calendar/2026/edit/", form)
    assert answer.status_code == 302
    row = CalendarVersion.objects.get()
    assert row.published_by == f"{client.user.name}（市中心医院）"
    assert row.note == "按通知录入"
    assert queries.current().is_workday(dt.date(2026, 2, 14))
    page = text(client.get(f"/calendar/versions/{row.number}/"))
    assert "新增 2026 年（已公布）" in page
    assert "调休工作日（春节）" in page


def test_editing_days_shows_the_effect_before_anything_is_kept(as_role: Any, calendar: str) -> None:
    client = as_role("system_admin")
    edit = client.get("/calendar/2026/edit/")
    form = {**edit.context["form"].initial, "makeup": "", "note": "试"}
    page = text(client.post("/calendar/2026/edit/", form))
    assert "6 天不同" in page
    assert queries.latest().number == calendar
    client.post("/calendar/2026/edit/", form | {"publish": "1"})
    assert not queries.current().is_workday(dt.date(2026, 2, 14))


def test_bad_input_keeps_what_was_typed(as_role: Any, calendar: str) -> None:
    client = as_role("system_admin")
    form = {"status": "published", "source": "国办发明电", "holidays": "乱写的一行😀", "makeup": "", "base": calendar}
    answer = client.post("/calendar/2026/edit/", form)
    assert answer.status_code == 422
    assert "节假日第 1 行“乱写的一行😀”读不懂" in text(answer)
    assert "乱写的一行😀</textarea>" in text(answer)
    answer = client.post("/calendar/2026/edit/", {"read_notice": "1", "notice": NOTICES["2025"]})
    assert answer.status_code == 422
    assert "这是 2025 年的通知，不是 2026 年的" in text(answer)


def test_a_stale_edit_is_refused_and_the_text_is_kept(as_role: Any, calendar: str) -> None:
    client = as_role("system_admin")
    form = {**client.get("/calendar/2026/edit/").context["form"].initial, "makeup": "", "publish": "1"}
    services.publish(system_actor(), hours={"default": ["09:00-17:00"]})
    answer = client.post("/calendar/2026/edit/", form)
    assert answer.status_code == 422
    assert "刚刚被系统改过" in text(answer)
    assert "春节 2026-02-15 至 2026-02-23" in text(answer)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("2026.yaml", b"year: 2026\n", "缺少“holidays”"),
        ("2025.yaml", (files.SHIPPED / "2025.yaml").read_bytes(), "里是 2025，不是 2026 年"),
        ("2026.yaml", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "YAML"),
        ("2026.yaml", b"a" * 300_000, "文件太大"),
        ("2026.yaml", b"", "空"),
    ],
)
def test_a_wrong_file_is_refused_in_words(as_role: Any, calendar: str, name: str, content: bytes, said: str) -> None:
    answer = as_role("system_admin").post(
        "/calendar/2026/edit/", {"read_file": "1", "file": SimpleUploadedFile(name, content)}
    )
    assert answer.status_code == 422
    assert said in text(answer)


def test_a_file_saved_as_gbk_is_read(as_role: Any) -> None:
    content = (files.SHIPPED / "2026.yaml").read_text("utf-8").encode("gbk")
    answer = as_role("system_admin").post(
        "/calendar/2026/edit/", {"read_file": "1", "file": SimpleUploadedFile("2026.yaml", content)}
    )
    assert answer.status_code == 200
    assert "发布新版本" in text(answer)


def test_working_hours_with_a_season(as_role: Any, calendar: str) -> None:
    client = as_role("system_admin")
    form = {
        "default": "８:00-12:00、14:00-17:30",
        "seasons": "05-01 至 09-30 08:00-12:00，14:30-18:00",
        "base": calendar,
        "publish": "1",
    }
    assert client.post("/calendar/hours/", form).status_code == 302
    assert queries.current().windows(dt.date(2026, 7, 1))[1][1].hour == 18
    assert "5 月 1 日至 9 月 30 日" in text(client.get("/calendar/"))
    answer = client.post("/calendar/hours/", {"default": "8点", "base": "", "publish": "1"})
    assert answer.status_code == 422
    assert "读不懂" in text(answer)


@time_machine.travel("2026-11-24T02:00:00Z")
def test_from_november_on_those_concerned_are_warned_on_every_page(as_role: Any, calendar: str) -> None:
    page = text(as_role("system_admin").get("/calendar/"))
    assert "2027 年的日历是暂定的" in page
    assert "/calendar/2027/edit/" in page
    assert "2027 年的日历是暂定的" in text(as_role("it_staff").get("/calendar/"))
    assert "2027 年的日历是暂定的" not in text(as_role("reporter").get("/calendar/"))


def test_the_commands_import_and_show(calendar: str) -> None:
    shown = CliRunner().invoke(app, ["show", "2026"])
    assert shown.exit_code == 0
    assert "工作日 248 天（其中调休 6 天）" in shown.output
    assert " 14班" in shown.output
    again = CliRunner().invoke(app, ["import"])
    assert (again.exit_code, "没有变化" in again.output) == (0, True)


def test_a_command_with_a_bad_file_says_where(tmp_path: Any) -> None:
    (tmp_path / "x.yaml").write_text("year: 2026\nstatus: published\nsource: 国办发明电\nholidays: 无\n")
    done = CliRunner().invoke(app, ["import", str(tmp_path)])
    assert done.exit_code == 1
    assert "x.yaml 第 4 行：holidays：应是列表" in done.output


@pytest.fixture
def api(api_as: Any) -> Any:
    """GET an operation as somebody of a role."""
    return lambda path, role="it_staff": api_as(role).get(f"/api/v1/calendar{path}")


def test_days_and_workdays_over_the_api(api: Any, calendar: str) -> None:
    answer = api("/days?from=2026-02-14&to=2026-02-16").json()
    assert answer["version"] == calendar
    assert not answer["provisional"]
    assert [(d["date"], d["kind"], d["name"], d["workday"]) for d in answer["days"]] == [
        ("2026-02-14", "makeup", "春节", True),
        ("2026-02-15", "holiday", "春节", False),
        ("2026-02-16", "holiday", "春节", False),
    ]
    assert api("/workdays?from=2026-01-01&to=2026-12-31").json()["workdays"] == 248
    assert api("/workdays?from=2026-12-31&to=2027-01-04").json()["provisional"]
    assert api("/versions").json()[0]["number"] == calendar


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-02-14&to=2026-02-01", "对调"),
        ("from=2000-01-01&to=2099-01-01", "最多问 800 天"),
        ("from=明天&to=2026-02-01", ""),
        ("from=2026-02-30&to=2026-02-01", ""),
    ],
)
def test_bad_spans_are_refused_over_the_api(api: Any, query: str, said: str) -> None:
    answer = api(f"/days?{query}")
    assert answer.status_code == 422
    assert said in str(answer.json()["detail"])
