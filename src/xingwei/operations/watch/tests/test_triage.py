"""From a symptom to a verdict, and what people do with it: through pages, services and commands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from xingwei.base.estate import services as estate
from xingwei.base.policy.engine import system_actor
from xingwei.operations.watch import triage_cli
from xingwei.operations.watch.engine.triage import rank
from xingwei.operations.watch.files import SHIPPED
from xingwei.operations.watch.models import Probe, ResponsibilityList, Series, Verdict
from xingwei.operations.watch.queries import triage as queries
from xingwei.operations.watch.services import responsibility, triage
from xingwei.operations.watch.services.base import WatchRefused
from xingwei.operations.watch.snapshots import unpacked
from xingwei.service.desk.models import Case
from xingwei.service.desk.services.intake import NewCase, open_case
from xingwei.testing.people import make_person, organisation

pytestmark = pytest.mark.django_db
LIST = SHIPPED / "triage" / "responsibility.yaml"
ESTATE = """
systems:
  - {code: HIS, name: HIS 系统, short_name: HIS, vendor: vendor, owners: [{person: liu}]}
  - {code: YB, name: 医保接口, short_name: 医保接口, tier: interface, vendor: vendor}
functions:
  - {code: his-charge, system: HIS, name: 收费, window: true, needs: [HIS-APP]}
  - {code: yb-outpatient, system: YB, name: 医保结算, window: true, aliases: [医保收费], needs: [yb-2207, HIS-APP]}
components:
  - {code: HOST-DB, name: 数据库主机, kind: host, responsible: hospital}
  - {code: LINK-YB, name: 医保专线, kind: link, responsible: hospital}
  - {code: HIS-DB, system: HIS, name: HIS 数据库, kind: database, responsible: vendor, runs_on: [HOST-DB], owners: [{person: liu}]}
  - {code: HIS-APP, system: HIS, name: HIS 应用, kind: application, responsible: vendor, stores_in: [HIS-DB]}
  - {code: YB-CENTER, name: 医保中心, kind: third_party, responsible: ybzx, connects: [LINK-YB], owners: [{person: lin}]}
interfaces:
  - {code: yb-2207, system: YB, name: 2207 门诊结算, direction: out, peer: 医保中心, calls: [YB-CENTER]}
"""


@pytest.fixture
def hospital(tmp_path: Path) -> None:
    for side in ("vendor", "hospital", "third"):
        organisation(side)
    for username, role in (("liu", "onsite_engineer"), ("lin", "third_party")):
        person = make_person(role, name=username)
        person.username = username
        person.save()
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE, encoding="utf-8")
    estate.import_estate(system_actor("command"), path)


def measured(node: str, signal: str, usual: float, now: float | None = None, minutes: int = 15) -> None:
    """Five hours by the minute; from `minutes` ago the value of now."""
    probe, _ = Probe.objects.get_or_create(
        code=node.replace(":", "-"), defaults={"name": node, "kind": "tcp", "node": node}
    )
    row = Series.objects.create(key=f"{probe.code}/{signal}", probe=probe, node=node, signal=signal, title="")
    rng = np.random.default_rng(len(node) + len(signal))
    end = timezone.now()
    with connection.cursor() as cursor:
        for m in range(300):
            value = usual * (1 + 0.05 * rng.standard_normal())
            if now is not None and m <= minutes:
                value = now
            at = end - dt.timedelta(minutes=m)
            cursor.execute("INSERT INTO watch_sample VALUES (%s, %s, %s)", [row.pk, at, float(value)])


@pytest.fixture
def locked(hospital: None) -> None:
    """Sessions wait in the database; the charge waits with them; the centre is well."""
    measured("component:HIS-DB", "db.blocked", 1, 45)
    measured("component:HIS-APP", "app.rt", 0.2, 9)
    measured("function:his-charge", "syn.rt", 0.4, 10)
    measured("component:YB-CENTER", "tp.rt", 0.5)
    measured("component:HOST-DB", "host.cpu", 35)


def asked(client: Client, **data: str) -> Verdict:
    response = client.post("/watch/triage/ask/", data, follow=False)
    assert response.status_code == 302, response.content.decode()[-2000:]
    return Verdict.objects.get(pk=int(response.url.rstrip("/").split("/")[-1]))


@pytest.mark.clause("1.9a")
def test_a_user_s_words_become_a_verdict_with_evidence(locked: None, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    row = asked(client, said="收费点了没反应，一直转圈")
    assert (row.layer, row.owner, row.suspect) == ("数据库", "vendor", "HIS 数据库")
    page = client.get(row.get_absolute_url()).content.decode()
    for words in ("判定：", "HIS 数据库", "嫌疑排序", "锁等待会话", "未知", "确认归属"):
        assert words in page
    assert client.get(f"{row.get_absolute_url()}paper/").status_code == 200


@pytest.mark.clause("8.2")
def test_a_guided_path_answers_all_checks_at_once(locked: None, as_role: Any) -> None:
    row = asked(as_role("it_staff"), path="insurance-charge")
    checks = {c["title"]: c["state"] for c in row.document["checks"]}
    assert len(checks) == 8
    assert checks["HIS 数据库"] == "fail"
    assert checks["中心交易"] == "unknown"  # nothing is measured there, and that is no "ok"


def test_a_probe_s_page_asks_for_its_part(locked: None, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    assert 'name="node" value="component:HIS-DB"' in client.get("/watch/probes/component-HIS-DB/").content.decode()
    row = asked(client, node="component:HIS-DB")
    assert (row.symptom, row.suspect) == ("HIS 数据库", "HIS 数据库")


def test_a_case_is_asked_from_its_own_page(locked: None, as_role: Any, actor: Any) -> None:
    client = as_role("onsite_engineer")
    case = open_case(
        actor("it_staff"), NewCase(kind="incident", description="收费窗口都卡住了", channel=Case.Channel.PHONE)
    )
    assert "判定" in client.get(case.get_absolute_url()).content.decode()
    client.post(f"/watch/triage/case/{case.number}/")
    row = Verdict.objects.get(case=case)
    assert row.suspect == "HIS 数据库"
    assert "HIS 数据库" in client.get(case.get_absolute_url()).content.decode()


def test_nothing_measured_is_said_and_not_taken_for_normal(hospital: None, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    row = asked(client, said="收费不行")
    assert row.unknown
    assert "没有任何测量" in client.get(row.get_absolute_url()).content.decode()


def test_confirming_counts_as_a_hit_and_goes_onto_the_case(locked: None, as_role: Any, actor: Any) -> None:
    client = as_role("service_manager")
    case = open_case(actor("it_staff"), NewCase(kind="incident", description="收费卡住", channel=Case.Channel.PHONE))
    row = triage.judge(client.actor, case=case)
    client.post(f"{row.get_absolute_url()}confirm/")
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.review, row.actual_layer, case.party) == ("confirmed", "数据库", "vendor")
    assert (queries.hit_rates()[0].hit, queries.hit_rates()[0].judged) == (1, 1)


def test_a_correction_needs_a_reason_and_becomes_a_regression_case(locked: None, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    row = asked(client, said="收费转圈")
    wrong = client.post(f"{row.get_absolute_url()}correct/", {"layer": "网络", "owner": "hospital", "note": "x"})
    assert wrong.status_code == 422
    assert "写明依据" in wrong.content.decode()
    client.post(
        f"{row.get_absolute_url()}correct/",
        {"layer": "网络", "owner": "hospital", "node": "component:LINK-YB", "note": "查到是交换机端口坏了"},
    )
    row.refresh_from_db()
    assert (row.review, row.actual_node) == ("corrected", "医保专线")
    assert [v.pk for v in queries.regression()] == [row.pk]
    outcome = CliRunner().invoke(triage_cli.app, ["again"])
    assert outcome.exit_code == 1
    assert "0 / 1 判对" in outcome.output


def test_a_stored_verdict_can_be_judged_again_with_the_same_outcome(locked: None, actor: Any) -> None:
    row = triage.judge(actor("onsite_engineer"), said="收费转圈")
    graph, series, events, at = unpacked(row.snapshot.inputs)
    first = rank(graph, series, events, at, rules=queries.rules_in_force()[1]).first
    assert first is not None
    assert (first.node, round(first.score, 2)) == ("component:HIS-DB", round(row.confidence, 2))


@pytest.mark.clause("1.9b")
def test_the_third_party_is_told_on_the_case_and_the_three_parties_are_recorded(
    hospital: None, as_role: Any, actor: Any
) -> None:
    measured("component:YB-CENTER", "tp.rt", 0.5, 30)
    measured("interface:yb-2207", "if.ack_ms", 300, 30_000)
    measured("component:LINK-YB", "net.rtt", 8)
    client = as_role("onsite_engineer")
    case = open_case(
        actor("it_staff"), NewCase(kind="incident", description="医保收费超时", channel=Case.Channel.PHONE)
    )
    row = triage.judge(client.actor, case=case, node="function:yb-outpatient")
    assert (row.layer, row.owner, row.suspect) == ("第三方", "third_party", "医保中心")
    client.post(f"{row.get_absolute_url()}tell/", {"text": "请排查结算服务"})
    case.refresh_from_db()
    assert Verdict.objects.get(pk=row.pk).notified_at is not None
    assert case.party_organisation is not None
    form = client.get(f"{row.get_absolute_url()}coordinate/").content.decode()
    assert "医保中心" in form
    filled = triage.prepared(row) | {"held_at": "2026-01-05T10:00"}
    assert client.post(f"{row.get_absolute_url()}coordinate/", filled).status_code == 302
    assert case.coordinations.count() == 1


def test_telling_a_third_party_without_a_case_is_refused_with_the_way_out(hospital: None, as_role: Any) -> None:
    measured("component:YB-CENTER", "tp.rt", 0.5, 30)
    measured("interface:yb-2207", "if.ack_ms", 300, 30_000)
    client = as_role("onsite_engineer")
    row = asked(client, said="医保收费超时", node="function:yb-outpatient")
    answer = client.post(f"{row.get_absolute_url()}tell/", {"text": "请排查"})
    assert answer.status_code == 422
    assert "先登记问题单" in answer.content.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "请写下现象"),
        ({"path": "nothing"}, "没有这个指引"),
        ({"said": "慢", "node": "component:GONE"}, "没有这个部件"),
        ({"said": "慢", "at": "2020-01-01T08:00"}, "14 天"),
        ({"said": "慢", "at": "2090-01-01T08:00"}, "将来"),
    ],
)
def test_bad_questions_get_a_sentence(hospital: None, as_role: Any, data: dict[str, str], said: str) -> None:
    answer = as_role("onsite_engineer").post("/watch/triage/ask/", data)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_the_list_is_in_force_once_both_sides_agreed(as_role: Any) -> None:
    organisation("vendor")
    row = responsibility.import_list(system_actor("cli"), LIST)
    assert responsibility.import_list(system_actor("cli"), LIST) == row
    hospital, vendor = as_role("it_head"), as_role("service_manager")
    hospital.post(f"/watch/triage/responsibility/{row.number}/agree/")
    row.refresh_from_db()
    assert row.state == "draft"
    vendor.post(f"/watch/triage/responsibility/{row.number}/agree/")
    row.refresh_from_db()
    assert row.state == "agreed"
    assert queries.rules_in_force()[0] == row
    assert "R04" in hospital.get("/watch/triage/responsibility/").content.decode()
    with pytest.raises(WatchRefused):
        responsibility.agree(vendor.actor, ResponsibilityList.objects.get())


def test_a_broken_list_says_where(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(
        "responsibility:\n  - {code: R1, title: 甲乙, priority: 9, on: [host], layer: 网络, party: owner}\n", "utf-8"
    )
    outcome = CliRunner().invoke(triage_cli.app, ["check", str(path)])
    assert outcome.exit_code == 1
    assert "priority" in outcome.output
