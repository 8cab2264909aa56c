"""One case when trouble starts, closed when it ends; numbers for Prometheus; the acts over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from xingwei.operations.gateway.models import Alert, Breaker, CriticalValue
from xingwei.operations.gateway.services import alerts, volumes
from xingwei.service.desk.models import Case

from . import traffic

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


def _look(start: dt.datetime, minutes: range) -> None:
    for n in minutes:
        alerts.look(start + n * MINUTE)


@pytest.mark.clause("1.7b", "7.10")
def test_trouble_opens_one_case_and_closes_it_when_it_is_over(as_role: Any) -> None:
    now = timezone.now()
    out = traffic.channel()
    row = Breaker.objects.create(channel=out, state="open", since=now, reason="60 秒内 20 次中 15 次失败")
    _look(now, range(10))
    case = Case.objects.get()
    assert (case.kind, case.channel, case.system_id) == ("incident", "probe", out.system_id)
    assert "医保接口：接口已熔断" in case.title
    client = as_role("onsite_engineer")
    page = client.get(case.get_absolute_url()).content.decode()
    assert "60 秒内 20 次中 15 次失败" in page
    assert "熔断页" in page
    assert "接口：医保接口：接口已熔断" in client.get("/").content.decode()

    Breaker.objects.filter(pk=row.pk).update(state="closed")
    _look(now + 10 * MINUTE, range(3))
    Breaker.objects.filter(pk=row.pk).update(state="half_open")  # it flickers: still the same trouble
    _look(now + 13 * MINUTE, range(2))
    Breaker.objects.filter(pk=row.pk).update(state="closed")
    _look(now + 15 * MINUTE, range(10))
    case.refresh_from_db()
    assert case.category == "closed"
    assert Case.objects.count() == 1
    alert = Alert.objects.get()
    assert (alert.state, alert.times) == ("quiet", 1)
    Breaker.objects.filter(pk=row.pk).update(state="open")
    _look(now + 60 * MINUTE, range(3))
    assert Case.objects.count() == 2


def test_a_case_that_somebody_works_on_is_left_to_them(as_role: Any) -> None:
    now = timezone.now()
    out = traffic.channel()
    Breaker.objects.create(channel=out, state="open", since=now)
    _look(now, range(2))
    case = Case.objects.get()
    from xingwei.service.desk.services import moves

    moves.move(as_role("onsite_engineer").actor, case, "respond", {})
    Breaker.objects.update(state="closed")
    _look(now + 5 * MINUTE, range(10))
    case.refresh_from_db()
    assert case.category == "open"
    assert case.restored_at is not None


def test_an_old_queue_dead_letters_and_quarantine_each_are_troubles_of_their_own() -> None:
    now = timezone.now()
    out, source = traffic.channel(), traffic.channel("in", direction="in", name="血球")
    traffic.queued(out, now - 20 * MINUTE)
    traffic.queued(out, now - 5 * MINUTE, "dead")
    for n in range(20):
        traffic.message(source, now - MINUTE, state="quarantined" if n < 2 else "accepted")
    assert {f.key for f in alerts.facts(now)} == {"queue:yb", "dead:yb", "quarantine:in"}
    _look(now, range(4))
    assert Case.objects.count() == 3


@pytest.mark.clause("7.2")
def test_metrics_are_for_this_machine_or_for_the_token_and_name_no_patient(client: Any, settings: Any) -> None:
    out = traffic.channel()
    traffic.delivered(out, timezone.now() - 2 * MINUTE, of={"patient": "P0071"})
    traffic.queued(out, timezone.now())
    volumes.count_closed_minutes()
    volumes.sample_queues()
    answer = client.get("/metrics")
    text = answer.content.decode()
    assert 'xingwei_gateway_messages_total{channel="yb",code="answered",stage="sent"} 1.0' in text
    assert 'xingwei_gateway_waiting{channel="yb"} 1.0' in text
    assert "P0071" not in text
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 403
    from xingwei.base.site.models import SettingValue
    from xingwei.base.site.queries import forget

    SettingValue.objects.create(key="gateway.metrics.token", value="s3cret")
    forget()
    assert client.get("/metrics").status_code == 403
    remote = {"REMOTE_ADDR": "10.0.0.9", "headers": {"Authorization": "Bearer s3cret"}}
    assert client.get("/metrics", **remote).status_code == 200


@pytest.mark.clause("7.3")
def test_clinical_systems_report_and_write_back_over_http(api_as: Any) -> None:
    client = api_as("it_staff")
    at = timezone.now() - 3 * MINUTE
    body = {"patient": "P1", "ward": "心内科", "sample": "S9", "code": "K", "item": "血钾", "value": "2.4",
            "reported_at": at.isoformat()}  # fmt: skip
    post = {"content_type": "application/json"}
    first = client.post("/api/v1/gateway/critical", body, **post).json()
    assert client.post("/api/v1/gateway/critical", body, **post).json()["id"] == first["id"]
    url = f"/api/v1/gateway/critical/{first['id']}"
    early = (at - MINUTE).isoformat()
    assert client.post(f"{url}/receive", {"nurse": "赵护士", "at": early}, **post).status_code == 409
    assert client.post(f"{url}/receive", {"nurse": "赵护士"}, **post).json()["state"] == "received"
    done = client.post(f"{url}/handle", {"doctor": "李医生", "handling": "补钾"}, **post).json()
    assert (done["state"], done["late"]) == ("handled", False)
    assert CriticalValue.objects.get().received_name == "赵护士"


@pytest.mark.clause("1.7c")
def test_a_breaker_is_cut_and_lifted_over_http(api_as: Any) -> None:
    traffic.channel()
    client, post = api_as("it_head"), {"content_type": "application/json"}
    body = {"reason": "中心重启", "minutes": 30, "confirmed": "切断 医保"}
    assert client.post("/api/v1/gateway/breakers/yb/cut", body, **post).status_code == 409
    body["confirmed"] = "切断 医保接口"
    assert client.post("/api/v1/gateway/breakers/yb/cut", body, **post).status_code == 200
    (shown,) = client.get("/api/v1/gateway/breakers").json()
    assert (shown["state"], shown["reason"]) == ("cut", "中心重启")
    body = {"reason": "已恢复", "confirmed": "恢复 医保接口"}
    client.post("/api/v1/gateway/breakers/yb/lift", body, **post)
    assert Breaker.objects.get().state == "half_open"
