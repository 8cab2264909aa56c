"""Plans: written by one, approved by two others; from files; drills with what was measured."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.operations.gateway.models import Breaker, Channel, Drill, Plan, PlanVersion
from xingwei.operations.gateway.queries.plans import in_force
from xingwei.operations.gateway.services import plan_files, plans

from . import traffic

pytestmark = pytest.mark.django_db
SHIPPED = Path(__file__).resolve().parents[5] / "gateways" / "guangyuan" / "plans.yaml"
FORM = {
    "name": "医保结算", "sentence": "医保中心没有应答，请先按自费挂账。", "screen": "收费窗口", "mode": "store",
    "lines": "门诊｜2206,2207｜按约定应答｜自费挂账\n查询|1101|用缓存应答|用当日缓存", "answer": '{"infcode": -1}',
    "cache_s": "3600", "reconcile": "次日对账", "agreed": "郑主任｜2026-02-26｜挂账", "tell": "insurance_office，nobody",
    "first_wait_s": "5", "note": "首版",
}  # fmt: skip


@pytest.fixture
def yb() -> Channel:
    return traffic.channel()


@pytest.mark.clause("1.7c")
def test_a_plan_is_in_force_when_two_others_of_both_sides_approved_it(as_role: Any, yb: Channel) -> None:
    writer, head, office = as_role("onsite_engineer"), as_role("it_head"), as_role("insurance_office")
    assert writer.post("/gateway/breakers/yb/plan/", FORM).status_code == 302
    plan, version = Plan.objects.get(), PlanVersion.objects.get()
    assert version.state == "proposed"
    assert in_force(yb.pk) is None
    assert Notification.objects.filter(person=office.user, kind="gateway.plan").exists()

    act = f"/gateway/plans/{plan.code}/1/"
    assert writer.post(act + "approve/", follow=True).status_code in {200, 403}
    assert PlanVersion.objects.get().approvals.count() == 0
    head.post(act + "approve/")
    assert "已经批准，还差另一方" in as_role("service_manager").post(act + "approve/", follow=True).content.decode()
    assert in_force(yb.pk) is None
    office.post(act + "approve/", {"note": "同意"})
    found = in_force(yb.pk)
    assert found is not None
    assert found["by"] == {"2206": "answer", "2207": "answer", "1101": "cached"}
    assert (found["mode"], found["cache_s"], found["answer"]) == ("store", 3600, {"infcode": -1})
    assert found["sentence"] == "医保中心没有应答，请先按自费挂账。"
    assert Entry.objects.filter(act="gateway.plan.in_force").count() == 1

    writer.post("/gateway/breakers/yb/plan/", FORM | {"sentence": "医保停了，请先自费，恢复后补。", "note": "改句子"})
    assert in_force(yb.pk)["sentence"].startswith("医保中心没有应答")  # the old one holds until the new is approved
    head.post(f"/gateway/plans/{plan.code}/2/approve/")
    office.post(f"/gateway/plans/{plan.code}/2/approve/")
    assert in_force(yb.pk)["sentence"].startswith("医保停了")
    assert [v.state for v in plan.versions.order_by("number")] == ["retired", "approved"]


def test_who_wrote_it_cannot_approve_it_and_a_refusal_needs_its_reason(as_role: Any, yb: Channel) -> None:
    office = as_role("insurance_office")
    office.post("/gateway/breakers/yb/plan/", FORM)
    code = Plan.objects.get().code
    page = office.post(f"/gateway/plans/{code}/1/approve/", follow=True).content.decode()
    assert "起草人不能批准" in page
    head = as_role("it_head")
    assert "请写明为什么退回" in head.post(f"/gateway/plans/{code}/1/refuse/", follow=True).content.decode()
    head.post(f"/gateway/plans/{code}/1/refuse/", {"note": "单笔上限没写"})
    assert PlanVersion.objects.get().state == "refused"
    assert "单笔上限没写" in office.get(f"/gateway/plans/{code}/").content.decode()
    office.post(f"/gateway/plans/{code}/1/propose/")
    assert PlanVersion.objects.get().state == "proposed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lines": "门诊｜2207｜自费"}, "要有四段"),
        ({"lines": "门诊｜2207｜等等看｜自费"}, "办法“等等看”不对"),
        ({"answer": "{"}, "不是正确的 JSON"),
        ({"answer": ""}, "要写明 answer"),
        ({"cache_s": ""}, "要写明 cache_s"),
        ({"lines": "门诊｜2207｜存储转发｜存\n住院｜2207｜存储转发｜存"}, "写在两行里"),
        ({"sentence": "等"}, "不能为空"),
        ({"each_yuan": "很多"}, "写法不对"),
    ],
)  # fmt: skip
def test_a_plan_that_is_not_right_is_refused_with_its_text_kept(
    as_role: Any, yb: Channel, change: dict[str, str], said: str
) -> None:
    answer = as_role("it_staff").post("/gateway/breakers/yb/plan/", FORM | change)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "次日对账" in answer.content.decode()
    assert not Plan.objects.exists()


@pytest.mark.clause("1.7c")
def test_the_plans_that_come_with_the_product_are_right_and_come_in_once() -> None:
    items = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["plans"]
    for item in items:
        assert plan_files.problems_of(item) == []
        traffic.channel(item["channel"], name=item["name"])
    made = plan_files.import_plans(system_actor(), items)
    assert {v.state for v in made} == {"approved"}
    assert len(made) == len(items) == 5
    assert plan_files.import_plans(system_actor(), items) == []
    found = in_force(Channel.objects.get(code="yb-center").pk)
    assert found["answer"]["err_msg"] == found["sentence"]  # {sentence} in the answer is what the window sees
    changed = dict(items[0], document=dict(items[0]["document"], sentence="医保停了，请先按自费挂账。"), approved={})
    (waiting,) = plan_files.import_plans(system_actor(), [changed])
    assert (waiting.number, waiting.state) == (2, "proposed")
    assert in_force(Channel.objects.get(code="yb-center").pk)["sentence"].startswith("医保中心结算超时")
    with pytest.raises(plans.PlanRefused, match="没有送出通道"):
        plan_files.import_plans(system_actor(), [dict(items[0], channel="nowhere")])


@pytest.mark.clause("1.7c")
def test_a_drill_cuts_measures_and_names_the_next(as_role: Any, yb: Channel, time_machine: Any) -> None:
    now = dt.datetime(2026, 3, 12, 4, 30, tzinfo=dt.UTC)
    time_machine.move_to(now, tick=False)
    client = as_role("onsite_engineer")
    form = {"planned_for": "2026-03-12T12:30", "minutes": "15", "scenario": "断开前置机网线", "cut": "on"}
    assert "先把方案写好" in client.post("/gateway/breakers/yb/drill/", form).content.decode()
    both = {"technical": {"name": "何科长"}, "business": {"name": "郑主任"}}
    plans.bring_file_version(system_actor(), yb, "YB-02", "医保结算", traffic.PLAN, both, "")
    assert client.post("/gateway/breakers/yb/drill/", form).status_code == 302
    drill = Drill.objects.get()
    url = f"/gateway/drills/{drill.pk}/"
    client.post(url + "start/", {"confirmed": "切断"})
    assert Drill.objects.get().state == "planned"  # the name was not typed: neither begun nor cut
    client.post(url + "start/", {"confirmed": "切断 医保接口"})
    assert (Drill.objects.get().state, Breaker.objects.get().state) == ("running", "cut")
    traffic.delivered(yb, now - dt.timedelta(minutes=3), took_ms=100)
    for n in range(3):
        traffic.delivered(yb, now + dt.timedelta(minutes=1 + n), took_ms=104, outcome="degraded")
    time_machine.move_to(now + dt.timedelta(minutes=10), tick=False)
    end = {"result": "partly", "participants": "收费处 2 人", "findings": "", "next_due": "2026-06-12"}
    assert "请写明发现的问题" in client.post(url, end).content.decode()
    client.post(url, end | {"findings": "一名收费员没看到提示"})
    drill.refresh_from_db()
    assert (drill.state, drill.result, str(drill.next_due)) == ("done", "partly", "2026-06-12")
    assert (drill.measured["degraded"], drill.measured["ratio"]) == (3, 1.04)
    assert Breaker.objects.get().state == "half_open"
    page = client.get("/gateway/drills/").content.decode()
    assert "1.04 倍" in page
    assert "有待改进" in page
    time_machine.move_to(timezone.now() + dt.timedelta(days=120), tick=False)
    assert "-06-12 前再演练" in as_role("it_staff").get("/gateway/drills/").content.decode()
