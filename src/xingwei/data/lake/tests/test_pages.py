"""The pages and operations, with a real hospital behind them."""

import datetime as dt
import json

import pytest
import time_machine
from django.urls import reverse

from xingwei.base.journal.models import Entry
from xingwei.data.lake.models import Mapping, QualityCount, QualityIssue
from xingwei.data.lake.services import extract as extracts
from xingwei.data.lake.services import quality
from xingwei.service.desk.models import Case

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 18, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.fixture
def full(shipped):
    """Settlements are in the lake, and were looked at."""
    with time_machine.travel(NOON, tick=True):
        mapping = Mapping.objects.get(code="settlement.finance")
        extracts.extract(mapping)
        quality.look("settlement")
        yield mapping


def test_every_page_shows_what_there_is(full, as_role, django_assert_max_num_queries):
    it = as_role("it_staff")
    with django_assert_max_num_queries(45):
        home = it.get(reverse("lake:home")).content.decode()
    assert "结算" in home
    assert "还没有抽取" in home  # the others
    page = it.get(reverse("lake:dataset", args=["settlement"])).content.decode()
    assert "medfee_sumamt" in page
    assert "116.10" in page  # the sum of a day
    assert "职工基本医疗保险" in page
    mapping = it.get(full.get_absolute_url()).content.decode()
    assert "j.jssj &gt;= :since" in mapping
    assert "找出改动过的旧数据在哪些天" in mapping
    for name in ("mappings", "extracts", "quality"):
        assert it.get(reverse(f"lake:{name}")).status_code == 200
    assert "结算与医保结算" in it.get(reverse("lake:mappings") + "?format=csv").getvalue().decode("utf-8-sig")


def test_from_a_days_number_to_the_source_row(full, as_role, hospital):
    it = as_role("it_staff")
    rows = it.get(reverse("lake:rows", args=["settlement"]) + "?day=2026-03-16").content.decode()
    assert "100.10" in rows
    assert "1001" not in rows  # the patient is masked
    key = '{"jsid":"12"}'
    url = reverse("lake:source", args=[full.code])
    same = it.get(url, {"day": "2026-03-16", "key": key}).content.decode()
    assert "与业务库现在的行一致" in same
    hospital.execute("UPDATE finance.cw_js SET zje = 99.00 WHERE jsid = 12")
    changed = it.get(url, {"day": "2026-03-16", "key": key}).content.decode()
    assert "抽取之后业务库改过 1 处" in changed
    assert "99.00" in changed
    hospital.execute("DELETE FROM finance.cw_js WHERE jsid = 12")
    assert "业务库里已没有这一行" in it.get(url, {"day": "2026-03-16", "key": key}).content.decode()
    assert "数据湖里没有这一行" in it.get(url, {"day": "2026-03-16", "key": "nonsense"}).content.decode()
    assert Entry.objects.filter(act="lake.row.view").count() == 1
    assert Entry.objects.filter(act="lake.row.source").count() == 3


def test_rows_are_for_those_with_a_right_to_data(full, as_role):
    url = reverse("lake:rows", args=["settlement"])
    assert as_role("service_manager").get(url).status_code == 403
    assert as_role("finance_office").get(url + "?day=2026-03-16").status_code == 200
    assert "请先选一天" in as_role("finance_office").get(url).content.decode()
    assert as_role("it_staff").get(reverse("lake:rows", args=["nothing"])).status_code == 404


@pytest.mark.clause("1.8b")
def test_what_is_bad_becomes_an_issue_and_a_case_and_goes_when_it_is_mended(full, as_role, hospital):
    hospital.execute("UPDATE finance.cw_js SET jslx = '7', zje = 34.33 WHERE jsid = 22")
    extracts.extract(full)
    quality.look("settlement")
    found = {i.rule: i for i in QualityIssue.objects.filter(dataset="settlement", state="open")}
    assert {"code:kind", "parts_make_total"} <= found.keys()
    issue = found["code:kind"]
    assert (issue.bad, issue.share, issue.alarming) == (1, 1.0, True)
    case = Case.objects.get(number=issue.case_number or QualityIssue.objects.get(pk=issue.pk).case_number)
    assert "类别有对照表里没有的代码" in case.description
    count = QualityCount.objects.get(dataset="settlement", rule="code:kind", day="2026-03-18")
    assert [json.loads(s) for s in count.samples] == [{"jsid": "22"}]
    it = as_role("it_staff")
    assert "超过警戒" in it.get(reverse("lake:quality")).content.decode()
    page = it.get(reverse("lake:issue", args=[issue.pk])).content.decode()
    assert case.number in page
    assert "left(" in page.lower()
    quality.look("settlement")
    assert Case.objects.filter(title__startswith="数据质量").count() == len(
        {i.case_number for i in QualityIssue.objects.exclude(case_number="")}
    )
    hospital.execute("UPDATE finance.cw_js SET jslx = '1', zje = 33.33 WHERE jsid = 22")
    extracts.extract(full)
    quality.look("settlement")
    issue.refresh_from_db()
    assert issue.state == "resolved"


def test_an_issue_is_accepted_with_a_reason_only(full, as_role, hospital):
    hospital.execute("UPDATE finance.cw_js SET zje = 34.33 WHERE jsid = 22")
    extracts.extract(full)
    quality.look("settlement")
    issue = QualityIssue.objects.get(rule="parts_make_total")
    it = as_role("it_staff")
    it.post(reverse("lake:accept", args=[issue.pk]), {"note": ""})
    issue.refresh_from_db()
    assert issue.state == "open"
    it.post(reverse("lake:accept", args=[issue.pk]), {"note": "老系统的舍入，已知"})
    issue.refresh_from_db()
    assert (issue.state, issue.note) == ("accepted", "老系统的舍入，已知")
    it.post(reverse("lake:reopen", args=[issue.pk]))
    issue.refresh_from_db()
    assert issue.state == "open"


def test_a_mapping_is_run_and_paused_by_button(full, as_role):
    it = as_role("it_staff")
    assert "已排队" in it.post(reverse("lake:run", args=[full.code]), {"again": "1"}, follow=True).content.decode()
    full.refresh_from_db()
    assert (full.done_through, full.checked_at) == (None, None)
    it.post(reverse("lake:switch", args=[full.code]))
    full.refresh_from_db()
    assert not full.enabled
    assert "已暂停，请先恢复" in it.post(reverse("lake:run", args=[full.code]), follow=True).content.decode()


def test_the_same_over_http(full, api_as):
    api = api_as("finance_office")
    found = {d["code"]: d for d in api.get("/api/v1/lake/datasets").json()}
    assert (found["settlement"]["rows"], found["settlement"]["state"]) == (4, "最新")
    assert api.get("/api/v1/lake/datasets/nothing").status_code == 404
    parts = api.get("/api/v1/lake/datasets/settlement/parts?since=2026-03-16&until=2026-03-16").json()
    assert [(p["day"], p["rows"]) for p in parts] == [("2026-03-16", 2)]
    asked = {
        "sql": "SELECT kind, sum(medfee_sumamt) AS s FROM settlement GROUP BY kind",
        "group": {"kind": "registration"},
    }
    traced = api.post("/api/v1/lake/trace", asked, content_type="application/json").json()
    assert [json.loads(r["_row"]) for r in traced["rows"]] == [{"jsid": "11"}]
    wrong = api.post("/api/v1/lake/trace", {"sql": "DROP TABLE x"}, content_type="application/json")
    assert (wrong.status_code, "只能" in wrong.json()["detail"]) == (422, True)
    runs = api.get("/api/v1/lake/extracts?mapping=settlement.finance").json()
    assert [r["state"] for r in runs] == ["done"]
