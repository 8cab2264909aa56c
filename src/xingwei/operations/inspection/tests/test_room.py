"""An inspection from the calendar to the signed report, its hazards on the desk, its pages and its API."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pytest
import time_machine
from django.urls import reverse

from xingwei.base.calendar import services as calendar
from xingwei.base.estate.models import System
from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems
from xingwei.operations.watch.models import Trouble
from xingwei.service.contract.engine.periods import Period
from xingwei.service.desk.models import Case

from .. import evidence, files, queries, services
from ..models import Checklist, Inspection, Item, Plan

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 5, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SYSTEM = system_actor("test")
FILE = """
checklists:
  - code: systems
    name: 业务系统
    systems: [HIS, LIS]
    items:
      - {code: troubles, title: 没有未恢复的故障, how: machine,
         check: {kind: troubles}, expect: 没有, advice: 先恢复}
      - {code: logs, title: 日志没有错误, how: person}
plans:
  - {code: quarterly, name: 季度巡检, rule: {every: quarter, month: 3, day: 10}, checklists: [systems],
     role: onsite_engineer, remind_days: 7}
"""


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def house(db: None, tmp_path: Path) -> Plan:
    calendar.import_files(SYSTEM, [REPO / "calendars"])
    for order, code in enumerate(("HIS", "LIS"), 1):
        System.objects.create(code=code, name=code, short_name=code, order=order)
    path = tmp_path / "plans.yaml"
    path.write_text(FILE, "utf-8")
    assert services.import_inspections(SYSTEM, path) == 2
    assert services.import_inspections(SYSTEM, path) == 0
    return Plan.objects.get()


def begun(engineer: Any) -> Inspection:
    services.schedule()
    inspection = Inspection.objects.order_by("due_on").first()
    assert inspection is not None
    services.start(engineer, inspection)
    services.run_machine(inspection)
    inspection.refresh_from_db()
    return inspection


def trouble(system: str) -> Trouble:
    row: Trouble = Trouble.objects.create(
        key=f"t:{system}", kind="down", label="数据库", system=System.objects.get(code=system), state="firing",
        since=NOW - dt.timedelta(hours=1),
    )  # fmt: skip
    return row


@pytest.mark.clause("9.4", "6.2b")
def test_the_calendar_arranges_and_reminds_once(house: Plan, person: Callable[..., Any]) -> None:
    engineer = person("onsite_engineer")
    made = services.schedule()
    assert [(f"{i.due_on}", i.label) for i in made] == [
        ("2026-03-10", "2026 年第一季度巡检"), ("2026-06-10", "2026 年第二季度巡检"),
    ]  # fmt: skip
    assert services.schedule() == []
    assert Notification.objects.filter(person=engineer).count() == 1  # the one that comes within a week
    Plan.objects.update(rule={"every": "quarter", "month": 3, "day": 12})
    services.schedule()
    assert [f"{d}" for d in Inspection.objects.order_by("due_on").values_list("due_on", flat=True)] == [
        "2026-03-12", "2026-06-12",
    ]  # fmt: skip
    with time_machine.travel(NOW + dt.timedelta(days=10)):
        services.schedule()
        assert Notification.objects.filter(title__contains="已超期").count() == 1


@pytest.mark.clause("9.4", "9.2d")
def test_from_the_machine_to_the_signed_report(house: Plan, actor: Callable[..., Any]) -> None:
    trouble("HIS")
    engineer = actor("onsite_engineer")
    inspection = begun(engineer)
    seen = {(i.system.code, i.code): (i.result, i.value) for i in inspection.items.select_related("system")}
    assert seen["HIS", "troubles"] == ("hazard", "1 项未恢复：数据库 自 03-05 08:00")
    assert seen["LIS", "troubles"] == ("ok", "没有")
    assert seen["HIS", "logs"] == ("", "")
    with pytest.raises(services.InspectionRefused, match="还有 2 项没有检查"):
        services.finish(engineer, inspection, "总体正常")
    for item in inspection.items.filter(code="logs"):
        services.answer(engineer, item, result="ok")
    hazard = inspection.items.get(result="hazard")
    case = services.raise_hazard(engineer, hazard, due_on=dt.date(2026, 3, 20))
    assert services.raise_hazard(engineer, Item.objects.get(pk=hazard.pk)) == case
    assert (case.kind, case.channel, case.title) == ("hazard", "inspection", "HIS 没有未恢复的故障")
    assert "2026-03-20 前消除" in case.description
    services.finish(engineer, inspection, "总体正常，HIS 有一处故障未恢复")
    period = Period(1, dt.date(2026, 1, 1), dt.date(2026, 3, 31), "")
    assert {(r.system, r.due) for r in evidence.inspections(period)} == {
        ("HIS", inspection.due_on), ("LIS", inspection.due_on),
    }  # fmt: skip
    assert len(list(evidence.visits(period))) == 1
    assert len(list(evidence.plans(period))) == 1
    with pytest.raises(services.InspectionRefused, match="已完成"):
        services.answer(engineer, inspection.items.first(), result="ok")
    acts = set(Entry.objects.filter(act__startswith="inspection.").values_list("act", flat=True))
    assert acts >= {
        "inspection.schedule",
        "inspection.start",
        "inspection.answer",
        "inspection.hazard",
        "inspection.finish",
    }


def test_what_a_person_found_stays_when_the_machine_looks_again(house: Plan, actor: Callable[..., Any]) -> None:
    engineer = actor("onsite_engineer")
    inspection = begun(engineer)
    item = inspection.items.get(code="troubles", system__code="LIS")
    services.answer(engineer, item, result="hazard", value="窗口说很慢")
    services.ask_machine(engineer, inspection)
    with pytest.raises(services.InspectionRefused, match="机器正在检查"):
        services.ask_machine(engineer, inspection)
    services.run_machine(inspection)
    item.refresh_from_db()
    assert (item.result, item.value) == ("hazard", "窗口说很慢")
    for result, note, complaint in (("", "", "请选择"), ("skipped", "", "原因"), ("nonsense", "", "请选择")):
        with pytest.raises(services.InspectionRefused, match=complaint):
            services.answer(engineer, item, result=result, note=note)
    with pytest.raises(services.InspectionRefused, match="看到了什么"):
        services.answer(engineer, inspection.items.get(code="logs", system__code="LIS"), result="hazard")


def test_the_next_one_is_compared_with_the_last(house: Plan, actor: Callable[..., Any]) -> None:
    found = trouble("HIS")
    engineer = actor("onsite_engineer")
    first = begun(engineer)
    for item in first.items.filter(result=""):
        services.answer(engineer, item, result="ok")
    services.finish(engineer, first, "有一处")
    assert Case.objects.count() == 1  # finishing registers what nobody had
    found.state = "quiet"
    found.save()
    trouble("LIS")
    with time_machine.travel(NOW + dt.timedelta(days=90), tick=True):
        second = Inspection.objects.exclude(pk=first.pk).get()
        services.start(engineer, second)
        services.run_machine(second)
        whole = queries.whole(second)
    changes = {(g.system, line.item.code): line.change.value for g in whole.groups for line in g.lines}
    assert changes["HIS", "troubles"] == "mended"
    assert changes["LIS", "troubles"] == "new"
    assert changes["LIS", "logs"] == "unknown"
    assert whole.previous == first
    assert whole.mended == 1


def test_pages_lead_through_it_and_the_report_is_a_pdf(
    house: Plan, as_role: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    trouble("HIS")
    services.schedule()
    client = as_role("onsite_engineer")
    page = client.get(reverse("inspection:inspections")).content.decode()
    assert "2026 年第一季度巡检" in page
    inspection = Inspection.objects.order_by("due_on").first()
    assert inspection is not None
    url = inspection.get_absolute_url()
    assert "还没有开始" in client.get(url).content.decode()
    assert client.post(reverse("inspection:start", args=[inspection.pk])).status_code == 302
    assert 'hx-trigger="every 2s"' in client.get(url).content.decode()
    services.run_machine(inspection)
    shown = client.get(url).content.decode()
    assert "1 项未恢复" in shown
    assert 'hx-trigger="every 2s"' not in shown
    with django_assert_max_num_queries(32):
        client.get(url)
    item = inspection.items.get(code="logs", system__code="HIS")
    form = reverse("inspection:item", args=[inspection.pk, item.pk])
    assert client.get(form).status_code == 200
    refused = client.post(form, {"result": "hazard", "value": "", "note": ""})
    assert refused.status_code == 422
    assert "请写明看到了什么" in refused.content.decode()
    assert client.post(form, {"result": "skipped", "note": "日志服务器在维护"}).status_code == 302
    hazard = inspection.items.get(result="hazard")
    made = client.post(reverse("inspection:hazard", args=[inspection.pk, hazard.pk]), {"due_on": "2026-03-20"})
    assert made.status_code == 302
    missing = client.post(reverse("inspection:finish", args=[inspection.pk]), {"summary": "好"})
    assert (missing.status_code, "还有 1 项没有检查" in missing.content.decode()) == (422, True)
    client.post(reverse("inspection:item", args=[inspection.pk, inspection.items.get(result="").pk]), {"result": "ok"})
    assert client.post(reverse("inspection:finish", args=[inspection.pk]), {"summary": "总体正常"}).status_code == 302
    paper = client.get(reverse("inspection:report", args=[inspection.pk]))
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(paper.content)).pages)
    for word in ("系统巡检报告", "总体正常", "没有未恢复的故障", Case.objects.get().number, "日志服务器在维护"):
        assert word in text
    plans = client.get(reverse("inspection:plans")).content.decode()
    assert "2026-03-10" in plans
    assert as_role("reporter").get(url).status_code == 403


def test_one_more_is_arranged_and_one_is_cancelled_with_a_reason(house: Plan, as_role: Callable[..., Any]) -> None:
    client = as_role("service_manager")
    values = {"plan": house.pk, "due_on": "2026-04-01", "label": "国考前巡检"}
    assert client.post(reverse("inspection:arrange"), values).status_code == 302
    again = client.post(reverse("inspection:arrange"), values)
    assert (again.status_code, "已经安排" in again.content.decode()) == (422, True)
    past = client.post(reverse("inspection:arrange"), values | {"due_on": "2026-03-01"})
    assert "已经过去" in past.content.decode()
    row = Inspection.objects.get(label="国考前巡检")
    services.schedule()
    assert Inspection.objects.filter(pk=row.pk).exists()  # the calendar does not take back what people arranged
    client.post(reverse("inspection:cancel", args=[row.pk]), {"reason": ""})
    row.refresh_from_db()
    assert row.state == "planned"
    client.post(reverse("inspection:cancel", args=[row.pk]), {"reason": "改在五月"})
    row.refresh_from_db()
    assert (row.state, row.reason) == ("cancelled", "改在五月")


def test_the_shipped_file_is_sound_and_a_bad_one_says_where(house: Plan, tmp_path: Path) -> None:
    for order, code in enumerate(("CIS", "OPD", "EMR", "ODR", "ESB", "DEV", "YB", "POL"), 3):
        System.objects.create(code=code, name=code, short_name=code, order=order)
    assert services.import_inspections(SYSTEM, files.SHIPPED) >= 4
    assert Checklist.objects.get(code="databases").items
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        FILE.replace("kind: troubles}", "kind: troubles, speed: 3}").replace("LIS]", "XXX]").replace("onsite_eng", "x"),
        "utf-8",
    )
    with pytest.raises(FileProblems) as caught:
        services.import_inspections(SYSTEM, wrong)
    for words in ("没有系统“XXX”", "没有参数 speed", "没有角色“xineer”", "第 "):
        assert words in str(caught.value)


def test_the_api_answers_and_writes(house: Plan, api_as: Callable[..., Any], actor: Callable[..., Any]) -> None:
    inspection = begun(actor("onsite_engineer"))
    client = api_as("onsite_engineer")
    found = client.get("/api/v1/inspection/inspections?state=open").json()
    assert [(i["id"], i["open_items"]) for i in found] == [(inspection.pk, 2)]
    item = next(
        i for i in client.get(f"/api/v1/inspection/inspections/{inspection.pk}/items").json() if not i["result"]
    )
    url = f"/api/v1/inspection/inspections/{inspection.pk}/items/{item['id']}"
    assert client.post(url, {"result": "hazard"}, "application/json").status_code in (409, 422)
    assert client.post(url, {"result": "ok"}, "application/json").json()["result"] == "ok"
