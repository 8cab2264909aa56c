"""The contract's pages as their users meet them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from xingwei.base.calendar import files as calendar_files
from xingwei.base.calendar import services as calendar_services
from xingwei.base.policy.engine import system_actor
from xingwei.service.contract import queries, services
from xingwei.service.contract.models import Agreement, Performance

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 18, 2, 24, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def calendar(db: None) -> None:
    calendar_services.import_files(system_actor(), [calendar_files.SHIPPED], "")


def text_of(answer: Any) -> str:
    """What stands on the page, without tags and runs of space."""
    assert answer.status_code == 200, answer.content.decode()[:500]
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


PAGES = (
    "/contract/", "/contract/text/", "/contract/scorecard/", "/contract/clauses/", "/contract/questions/",
    "/contract/questions/print/", "/contract/obligations/", "/contract/obligations/calendar/", "/contract/fee/",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_without_a_contract_every_page_says_what_to_do(path: str, as_role: Any) -> None:
    assert "还没有导入合同" in text_of(as_role("service_manager").get(path))
    assert "xingwei contract import" in text_of(as_role("it_head").get(path))


@pytest.mark.parametrize("path", [*PAGES, "/contract/versions/", "/contract/versions/1/", "/contract/clauses/9.10/"])
def test_a_reporter_sees_nothing_of_the_contract(path: str, version: Any, as_role: Any) -> None:
    assert as_role("reporter").get(path).status_code == 403


@pytest.mark.clause("9.10", "9.2a", "9.2b")
def test_the_overview_shows_deadlines_bands_and_what_is_due(version: Any, calendar: None, as_role: Any) -> None:
    page = text_of(as_role("service_manager").get("/contract/"))
    assert "YW-2025-031，2025-10-15 至 2026-10-14，合同总金额 ¥1,280,000，第 2 季度 第 63/90 天" in page
    for said in ("30 分钟内响应", "2 小时内到场", "3 小时内到场", "1 个工作日内到场，或协商确定"):
        assert said in page
    assert "80–89 良好 扣合同总金额的 5% 付 ¥1,216,000" in page
    assert "违反医疗机构工作纪律或实施商业统方" in page
    assert "各行分值合计 97，与满分不一致" in page
    assert "说明巡检的内容、方式、周期" in page  # due once, and late
    assert "逾期 154 天" in page
    assert "合同文本 45 处须双方书面确认" in page


def test_of_a_long_contract_the_overview_shows_this_year_s_quarters(version: Any, calendar: None, as_role: Any) -> None:
    dates = {"starts_on": dt.date(2024, 10, 15), "ends_on": dt.date(2027, 10, 14)}
    services.put_in_force(system_actor(), version, **dates)
    page = text_of(as_role("service_manager").get("/contract/"))
    assert "第 6 季度 第 63/90 天" in page
    assert "第 5 季度 2026-01-14 应已考核" in page
    assert "第 8 季度 2026-10-14 考核" in page
    assert "第 4 季度 2025-10-14 应已考核" not in page
    assert "第 9 季度 2027-01-14 考核" not in page


def test_who_may_not_see_the_amount_sees_percentages_only(version: Any, as_role: Any) -> None:
    client = as_role("head_nurse")
    for path in ("/contract/", "/contract/fee/?q1=85", "/contract/questions/", "/contract/versions/1/"):
        page = text_of(client.get(path))
        assert "1,280,000" not in page
        assert "1,216,000" not in page
        assert "64,000" not in page  # five percent of it would give it away
    assert "¥950,000" in text_of(client.get("/contract/fee/?q1=85"))  # of an assumed million
    assert "¥1,216,000" in text_of(as_role("finance_office").get("/contract/fee/?q1=85"))


def test_the_document_is_whole_searchable_and_can_be_pointed_at(version: Any, as_role: Any) -> None:
    client = as_role("medical_affairs")
    html = client.get("/contract/text/").content.decode()
    for passage in queries.contract_of(version).walk():
        assert f'id="p-{passage.id}"' in html
    assert "培训计划：每季度定期做好对应培训规划，或按甲方要求，可随时进行相关培训。" in html
    found = client.get("/contract/text/?q=熔断").content.decode()
    assert "“熔断” 5 处" in text_of(client.get("/contract/text/?q=熔断"))
    assert "<mark>熔断</mark>服务" in found
    assert "原文中没有" in text_of(client.get("/contract/text/?q=量子"))
    assert "<script>alert" not in client.get("/contract/text/?q=<script>alert(1)</script>").content.decode()
    assert client.get("/contract/text/?version=9").status_code == 404
    assert client.get("/contract/text/?version=x").status_code == 404


def test_a_clause_shows_its_words_systems_questions_and_where_it_is_served(version: Any, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    page = text_of(client.get("/contract/clauses/1.7c/"))
    assert "即暂停第三方接口功能而保证HIS系统本身功能正常运行" in page
    assert "既废弃第三方功能而保证CIS系统本身功能正常运行" in page
    assert "熔断是“暂停”还是“废弃”三方功能" in page
    assert "提供熔断方案" in page
    served = client.get("/contract/clauses/9.10/").content.decode()
    assert 'href="/contract/questions/"' in served
    assert "xingwei contract check" in served
    assert client.get("/contract/clauses/10.1/").status_code == 404


def test_the_clauses_are_filtered_and_exported(version: Any, calendar: None, as_role: Any) -> None:
    client = as_role("auditor")
    assert "72 条" in text_of(client.get("/contract/clauses/"))
    dated = text_of(client.get("/contract/clauses/?show=dated"))
    assert "12 条" in dated
    assert "熔断服务" not in dated
    rows = list(csv.reader(io.StringIO(b"".join(client.get("/contract/clauses/?format=csv")).decode("utf-8-sig"))))
    assert rows[0] == ["条款", "要求", "系统", "履约义务", "本次到期", "产品中的位置"]
    assert len(rows) == 73
    assert rows[1][0] == "1.1"
    assert client.get("/contract/questions/?format=xlsx").status_code == 200


def test_both_sides_sign_on_the_question_s_page(version: Any, as_role: Any) -> None:
    hospital, vendor = as_role("it_head"), as_role("service_manager")
    page = "/contract/questions/band-gap/"
    assert "相差 ¥64,000" in text_of(vendor.get(page))
    sent = {"version": "1", "reading": "half_up", "note": "四舍五入"}
    answer = vendor.post(page + "agree/", sent, follow=True)
    assert "已代表运维服务商确认" in text_of(answer)
    assert "服务商已确认" in text_of(hospital.get(page))
    assert queries.in_force().readings["band-gap"] == "lower"
    hospital.post(page + "agree/", {"version": "1", "reading": "half_up"})
    assert "双方已确认" in text_of(hospital.get(page))
    assert queries.in_force().readings["band-gap"] == "half_up"
    assert "归 90–100" in text_of(hospital.get("/contract/versions/1/"))
    answer = vendor.post(page + "withdraw/", {"version": "1"}, follow=True)
    assert "一方要求改动" in text_of(answer)
    assert Agreement.objects.count() == 3


def test_what_is_wrong_with_a_signature_is_said_and_nothing_changes(version: Any, as_role: Any) -> None:
    client = as_role("it_head")
    act = "/contract/questions/band-gap/agree/"
    assert "请选一种读法" in text_of(client.post(act, {"version": "1"}, follow=True))
    assert "没有这种读法" in text_of(client.post(act, {"version": "1", "reading": "x"}, follow=True))
    long = {"version": "1", "reading": "lower", "note": "长" * 501}
    assert "500" in text_of(client.post(act, long, follow=True))
    assert client.post(act, {"version": "7", "reading": "lower"}).status_code == 404
    assert as_role("it_staff").post(act, {"version": "1", "reading": "lower"}).status_code == 403
    assert not Agreement.objects.exists()


def test_only_who_may_sign_sees_the_button(version: Any, as_role: Any) -> None:
    page = "/contract/questions/quarter/"
    assert "代表医院确认" in text_of(as_role("it_head").get(page))
    assert "代表运维服务商确认" in text_of(as_role("service_manager").get(page))
    assert "确认</button>" not in as_role("onsite_engineer").get(page).content.decode()


def test_the_questions_are_filtered_by_what_they_affect_and_how_far_they_are(
    version: Any, actor: Any, as_role: Any
) -> None:
    for role in ("it_head", "service_manager"):
        services.agree(actor(role), "points-sum", "from_full")
    client = as_role("it_head")
    assert "待确认 44" in text_of(client.get("/contract/questions/"))
    agreed = client.get("/contract/questions/?state=agreed").content.decode()
    assert "/contract/questions/points-sum/" in agreed
    assert "/contract/questions/band-gap/" not in agreed
    deadlines = client.get("/contract/questions/?affects=deadline&state=").content.decode()
    assert "/contract/questions/workday/" in deadlines
    assert "/contract/questions/points-sum/" not in deadlines


def test_the_memorandum_lists_every_question_for_signing_by_hand(version: Any, as_role: Any) -> None:
    page = text_of(as_role("it_head").get("/contract/questions/print/"))
    assert page.count("现用：") == 45
    assert "医院（盖章）" in page


@pytest.mark.clause("9.4", "6.8")
def test_an_obligation_is_recorded_and_struck_out(version: Any, calendar: None, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    form = client.get("/contract/obligations/inspection/record/?due=2026-04-14").content.decode()
    assert '<option value="2026-04-14" selected>' in form
    sent = {
        "done_on": "2026-03-10",
        "due_on": "2026-04-14",
        "system": "",
        "note": "第 2 季度巡检",
        "reference": "报告 7",
    }
    answer = client.post("/contract/obligations/inspection/record/", sent, follow=True)
    assert "已登记“现场定期巡检”" in text_of(answer)
    page = text_of(client.get("/contract/obligations/inspection/"))
    assert "第 1 合同年第 2 次 2026-01-15 2026-04-14 已完成 2026-03-10" in page
    row = Performance.objects.get()
    answer = client.post(f"/contract/records/{row.pk}/strike/", {"why": "登记错了"}, follow=True)
    page = text_of(answer)
    assert "已作废：登记错了" in page
    assert "2026-04-14 还有 27 天" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"done_on": "2026-03-19"}, "完成日期不能晚于今天"),
        ({"done_on": "昨天"}, "有效的日期"),
        ({"done_on": "1926-03-18"}, "早了一年以上"),
        ({"note": " "}, "这个字段是必填项"),
        ({"note": "长" * 501}, "500"),
        ({"due_on": "2026-04-15"}, "2026-04-15"),
        ({"system": "XXX"}, "XXX"),
    ],
)
def test_a_wrong_record_comes_back_with_what_was_typed(
    change: dict[str, str], said: str, version: Any, calendar: None, as_role: Any
) -> None:
    client = as_role("service_manager")
    sent = {"done_on": "2026-03-10", "due_on": "", "system": "HIS", "note": "巡检", "reference": "报告 8"} | change
    answer = client.post("/contract/obligations/inspection/record/", sent)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert said in html
    assert "报告 8" in html
    assert not Performance.objects.exists()


def test_obligations_are_grouped_by_how_they_stand(version: Any, calendar: None, as_role: Any) -> None:
    client = as_role("it_staff")
    page = text_of(client.get("/contract/obligations/"))
    assert "50 项" in page
    assert page.index("已逾期 ·") < page.index("有期限 ·") < page.index("每次、每日与持续 ·")
    assert "节前巡检并出具报告" in page
    hospital = text_of(client.get("/contract/obligations/?party=hospital&period=quarterly"))
    assert "季度服务考核" in hospital
    assert "季度服务报告" not in hospital
    days = text_of(client.get("/contract/obligations/calendar/"))
    assert "清明节前 · 条款 6.2b" in days
    assert "2026 年 10 月" in days


@pytest.mark.clause("9.10")
def test_the_fee_of_given_scores(version: Any, as_role: Any) -> None:
    client = as_role("finance_office")
    page = text_of(client.get("/contract/fee/?q1=93&q2=86"))
    assert "89.5 均分 2 个季度" in page
    assert "扣合同总金额的 5%，¥64,000 支付 ¥1,216,000" in page
    assert "要到 90–100 档，后 2 季平均 不低于 90.5" in page
    assert "均分先四舍五入到整数再归档（89.5 归 90–100） 全额支付 ¥1,280,000" in page
    below = text_of(client.get("/contract/fee/?q1=５５&unpaid=400,000"))  # full-width digits, grouped thousands
    assert "支付 ¥640,000" in below
    assert "扣剩余未支付服务费的 50% ¥1,080,000" in below


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q1=abc", "“abc”不是数字"),
        ("q1=101", "应在 -1,000 到 100 之间"),
        ("q1=nan", "应在"),
        ("q1=90&unpaid=-1", "应在 0 到"),
    ],
)
def test_a_score_that_is_none_is_refused_in_words(query: str, said: str, version: Any, as_role: Any) -> None:
    assert said in text_of(as_role("finance_office").get(f"/contract/fee/?{query}"))


def test_a_new_text_is_compared_and_put_in_force_by_the_hospital(
    version: Any, edited: Callable[..., Path], as_role: Any
) -> None:
    services.import_contract(system_actor(), edited("service-levels.yaml", "hours: 3", "hours: 4"))
    client = as_role("it_head")
    assert "尚未启用" in text_of(client.get("/contract/versions/"))
    difference = client.get("/contract/versions/1/diff/2/").content.decode()
    assert "1 处" in difference
    assert "<del>3</del><ins>4</ins>" in difference
    form = client.get("/contract/versions/2/publish/").content.decode()
    assert 'value="YW-2025-031"' in form  # taken over from the text before
    dates = {"starts_on": "2025-10-15", "ends_on": "2026-10-14", "in_force_from": "2026-03-18", "total": "1280000"}
    wrong = client.post("/contract/versions/2/publish/", dates | {"in_force_from": "2027-01-01"})
    assert wrong.status_code == 422
    assert "生效日应在合同起始日与终止日之间" in wrong.content.decode()
    client.post("/contract/versions/2/publish/", dates)
    assert queries.in_force().version == "2.0"
    assert "4 小时内到场" in text_of(client.get("/contract/"))
    assert as_role("service_manager").post("/contract/versions/2/publish/", dates).status_code == 403


def test_a_contract_that_has_ended_says_so(version: Any, as_role: Any) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 1, tzinfo=dt.UTC), tick=False):
        page = text_of(as_role("service_manager").get("/contract/"))
    assert "合同已经到期，时限仍按原合同计算" in page
    assert "合同已于 2026-10-14 到期" in page


def test_pages_cost_few_queries(version: Any, calendar: None, as_role: Any, django_assert_max_num_queries: Any) -> None:
    client = as_role("it_head")
    for path in [
        *PAGES,
        "/contract/clauses/9.4/",
        "/contract/questions/band-gap/",
        "/contract/obligations/inspection/",
    ]:
        client.get(path)
        with django_assert_max_num_queries(30):  # the half of it is the frame around the page
            client.get(path)
