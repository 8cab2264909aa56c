"""Cutting, lifting, thresholds, the page and the catch-up list, as their users see them."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.operations.gateway.models import Breaker, BreakerEvent, Channel
from xingwei.operations.gateway.queries import plans as plan_queries
from xingwei.operations.gateway.services import breakers, plans

from . import traffic

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 18, 2, 46, tzinfo=dt.UTC)


@pytest.fixture
def yb() -> Channel:
    return traffic.channel(call={"budget_s": 5})


def _approved(person: Any, yb: Channel) -> Any:
    both = {"technical": {"name": "何科长"}, "business": {"name": "郑主任"}}
    return plans.bring_file_version(system_actor(), yb, "YB-02", "医保结算", traffic.PLAN, both, "首次导入")


@pytest.mark.clause("1.7c")
def test_cutting_by_hand_names_the_object_the_reason_and_the_end_and_tells_the_people_of_the_plan(
    as_role: Any, person: Any, yb: Channel
) -> None:
    office = person("insurance_office")
    _approved(person, yb)
    client = as_role("onsite_engineer")
    form = {"until": "30", "reason": "中心通知重启", "confirmed": "切断 医保"}
    answer = client.post("/gateway/breakers/yb/cut/", form, follow=True)
    assert "请原样输入“切断 医保接口”" in answer.content.decode()
    assert not Breaker.objects.exists()

    with connection.cursor() as cursor:
        cursor.execute("LISTEN xingwei_gateway")
    answer = client.post("/gateway/breakers/yb/cut/", form | {"confirmed": "切断 医保接口"}, follow=True)
    page = answer.content.decode()
    assert "人工切断" in page
    assert "请先按自费挂账" in page
    row = Breaker.objects.get()
    assert (row.state, row.reason, row.by) == ("cut", "中心通知重启", client.user.name)
    assert dt.timedelta(minutes=29) < row.until - timezone.now() <= dt.timedelta(minutes=30)
    event = BreakerEvent.objects.get()
    assert (event.before, event.after, event.by) == ("closed", "cut", client.user.name)
    assert Entry.objects.get(act="gateway.breaker.cut").after["state"] == "cut"
    told = Notification.objects.get(person=office, kind="gateway.breaker")
    assert told.urgent
    assert "医保接口 已切断" in told.title

    answer = client.post("/gateway/breakers/yb/lift/", {"reason": "已重启", "confirmed": "恢复 医保接口"}, follow=True)
    assert Breaker.objects.get().state == "half_open"
    form = {"reason": "电话确认", "confirmed": "恢复 医保接口", "how": "fully"}
    client.post("/gateway/breakers/yb/lift/", form)
    assert Breaker.objects.get().state == "closed"


@pytest.mark.django_db(transaction=True)
def test_the_processes_hear_of_a_cut_when_it_is_committed(actor: Any) -> None:
    yb = traffic.channel()
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("LISTEN xingwei_gateway")
    breakers.cut(actor("it_head"), yb, until=None, reason="演示", confirmed="切断 医保接口")
    heard = [json.loads(n.payload) for n in connection.connection.notifies(timeout=2, stop_after=1)]
    assert heard == [{"what": "breaker", "channel": yb.pk}]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"until": "x"}, "请选切断多久"),
        ({"until": "99999"}, "7 天之内"),
        ({"reason": " "}, "请写明原因"),
        ({"until": None}, "请选切断多久"),
    ],
)
def test_a_cut_that_is_not_complete_is_refused_in_words(as_role: Any, yb: Channel, values: Any, said: str) -> None:
    form = {"until": "30", "reason": "重启", "confirmed": "切断 医保接口"} | values
    client = as_role("it_head")
    posted = {k: v for k, v in form.items() if v is not None}
    assert said in client.post("/gateway/breakers/yb/cut/", posted, follow=True).content.decode()
    assert not Breaker.objects.exists()


def test_the_office_sees_the_breaker_and_cannot_cut(as_role: Any, yb: Channel) -> None:
    client = as_role("insurance_office")
    assert "人工切断" not in client.get("/gateway/breakers/yb/").content.decode()
    assert client.post("/gateway/breakers/yb/cut/", {}).status_code == 403


@pytest.mark.clause("1.7c")
def test_thresholds_have_versions_and_a_reason_and_no_two_people_overwrite_each_other(
    as_role: Any, yb: Channel
) -> None:
    client = as_role("service_manager")
    form = {
        "version": 1, "budget_s": "4", "window_s": "60", "minimum": "10", "failure_rate": "40", "slow_s": "2",
        "slow_rate": "60", "timeouts": "3", "wait_s": "20", "wait_cap_s": "200", "probes": "10", "reason": "月底流量大",
    }  # fmt: skip
    assert client.post("/gateway/breakers/yb/thresholds/", form).status_code == 302
    yb.refresh_from_db()
    assert yb.breaker == {
        "window_s": 60, "minimum": 10, "failure_rate": 0.4, "slow_s": 2, "slow_rate": 0.6, "timeouts": 3,
        "wait_s": 20, "wait_cap_s": 200, "probes": 10,
    }  # fmt: skip
    assert (yb.call["budget_s"], yb.version) == (4, 2)
    again = client.post("/gateway/breakers/yb/thresholds/", form)
    assert again.status_code == 422
    assert "别人改过" in again.content.decode()
    bad = client.post("/gateway/breakers/yb/thresholds/", form | {"version": 2, "wait_cap_s": "5"})
    assert "等待上限不能小于" in bad.content.decode()
    page = client.get("/gateway/breakers/yb/thresholds/").content.decode()
    assert "月底流量大" in page
    assert [t.number for t in yb.thresholds.all()] == [2, 1]


@pytest.mark.clause("1.7c")
def test_the_page_counts_calls_by_half_minutes_from_the_rows_and_lists_what_was_caught_up(
    as_role: Any, person: Any, yb: Channel, time_machine: Any
) -> None:
    time_machine.move_to(NOW, tick=False)
    _approved(person, yb)
    began = NOW - dt.timedelta(minutes=30)
    for second in range(12):
        traffic.delivered(yb, began - dt.timedelta(seconds=20 + second))
    traffic.delivered(yb, began - dt.timedelta(seconds=15), took_ms=4000)
    traffic.failed(yb, began - dt.timedelta(seconds=15))
    BreakerEvent.objects.create(channel=yb, at=began, before="closed", after="open", reason="60 秒内 20 次中 12 次失败")
    BreakerEvent.objects.create(channel=yb, at=NOW - dt.timedelta(minutes=5), before="open", after="half_open")
    Breaker.objects.create(channel=yb, state="half_open", since=NOW - dt.timedelta(minutes=5), window={"probes": 9})
    traffic.delivered(yb, began + dt.timedelta(minutes=1), outcome="degraded", took_ms=3, of={"reference": "A1"})
    traffic.delivered(yb, began + dt.timedelta(minutes=26), of={"reference": "A1"})
    traffic.delivered(yb, began + dt.timedelta(minutes=2), outcome="degraded", took_ms=3, of={"reference": "A2"})
    traffic.queued(yb, began + dt.timedelta(minutes=3))
    traffic.queued(yb, began + dt.timedelta(minutes=4), "uncertain", inquiry={"asked": 2, "last": "查询超时"})

    client = as_role("it_staff")
    page = client.get("/gateway/breakers/yb/").content.decode()
    assert "半开 5 分" in page
    assert "连续成功 9 / 20" in page
    assert "还差 11 笔" in page
    assert "查询超时（已查 2 次）" in page
    assert "YB-02 第 1 版" in page
    live = client.get("/gateway/breakers/yb/?part=live").content.decode()
    assert "<html" not in live
    option = json.loads(live.split('<script id="window-chart" type="application/json">')[1].split("</script>")[0])
    sums = {s["name"]: sum(v or 0 for v in s["data"]) for s in option["series"] if s["type"] == "bar"}
    assert sums == {"成功": 13, "慢": 1, "失败、超时": 1}

    listed = _csv(client, "/gateway/breakers/yb/catch-up/?format=csv")
    assert len(listed) == 1 + 5
    assert [line.split(",")[5] for line in listed[1:]] == ["已补办", "按方案应答", "待补", "结果不明", "已办成"]
    only = _csv(client, "/gateway/breakers/yb/catch-up/?format=csv&only=reconcile")
    assert len(only) == 1 + 2


@pytest.mark.clause("1.7c")
def test_the_bar_says_how_much_money_is_in_each_part_and_what_nobody_knows(
    as_role: Any, person: Any, yb: Channel, time_machine: Any
) -> None:
    """From the stored originals, by the path that the way out declares; what moves no money is not asked."""
    time_machine.move_to(NOW, tick=False)
    _approved(person, yb)
    yb.delivery = {"amount": {"2207": "input.data.medfee_sumamt"}}
    yb.save()
    began = NOW - dt.timedelta(minutes=30)
    BreakerEvent.objects.create(channel=yb, at=began, before="closed", after="open", reason="超时")

    def of(reference: str, sum_: str, type: str = "2207") -> dict[str, Any]:
        return {
            "raw": f'{{"input":{{"data":{{"medfee_sumamt":{sum_}}}}}}}'.encode(),
            "reference": reference,
            "type": type,
        }

    at = began + dt.timedelta(minutes=1)
    traffic.delivered(yb, at, outcome="degraded", of=of("A1", "286.40"))
    traffic.delivered(yb, at + dt.timedelta(minutes=20), of=of("A1", "286.40"))  # caught up
    traffic.delivered(yb, at, outcome="degraded", of=of("A2", '"1,094.10"'))
    traffic.delivered(yb, at, outcome="degraded", of=of("A3", "null"))
    traffic.queued(yb, at, of=of("A4", "0.1"))
    traffic.queued(yb, at, of=of("A5", "0.2"))
    traffic.queued(yb, at, "uncertain", of=of("A6", "94"))
    traffic.queued(yb, at, "uncertain", of=of("A7", "99.9", "1101"))

    client = as_role("it_staff")
    page = re.sub(r"<[^>]+>|\s+", " ", client.get("/gateway/breakers/yb/").content.decode())
    page = re.sub(r" +", " ", page)
    assert "方案限速每分 6 笔" in page
    assert "涉及 1,474.80 元，另 1 笔金额不明" in page
    assert "按方案应答，待对账 2 · 1,094.10 元，另 1 笔金额不明" in page
    assert "已补办 1 · 286.40 元" in page
    assert "待补 2 · 0.30 元" in page
    listed = {
        line.split(",")[3]: line.split(",")[9] for line in _csv(client, "/gateway/breakers/yb/catch-up/?format=csv")
    }
    assert listed["A2"] == "1094.10"
    assert (listed["A3"], listed["A7"]) == ("不明", "")


def _csv(client: Any, url: str) -> list[str]:
    return b"".join(client.get(url).streaming_content).decode("utf-8-sig").splitlines()


def test_the_list_of_breakers_puts_the_abnormal_first(as_role: Any, django_assert_max_num_queries: Any) -> None:
    for n in range(5):
        traffic.channel(f"out{n}", name=f"接口{n}")
    Breaker.objects.create(channel=Channel.objects.get(code="out3"), state="open", since=timezone.now())
    client = as_role("it_staff")
    with django_assert_max_num_queries(40):
        page = client.get("/gateway/breakers/").content.decode()
    assert page.index("接口3") < page.index("接口0")
    assert "5 个还没有批准的熔断方案" in page


def test_without_a_plan_none_is_in_force(yb: Channel) -> None:
    assert plan_queries.in_force(yb.pk) is None
