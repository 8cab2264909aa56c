"""The gateway's pages in a browser: what is shown at both widths."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.estate.services import import_estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.operations.gateway import files
from xingwei.operations.gateway.models import (
    Attempt,
    Breaker,
    Channel,
    CodeMap,
    Gauge,
    Lease,
    Message,
    Process,
    Route,
    RouteVersion,
)
from xingwei.operations.gateway.queries.counts import forget
from xingwei.operations.gateway.services import importer, versions
from xingwei.testing.browser import inspect
from xingwei.testing.people import make_person

from . import desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ERBA = (
    "MSH|^~\\&|ELite 580|Erba|||20260318101455||ORU^R01|5a8a5193e7df49df90f31a4aed04a235|P|2.3.1||||||UNICODE\r"
    "PID|1||P0012186||张小兰||19680304|F\rOBR|1||2603180418|01001^Automated Count^99MRC||20260318101430|20260318101430\r"
    "OBX|1|IS|09001^Remark^99MRC||||||||F\rOBX|2|NM|6690-2^WBC^LN||8.93|10*3/uL|4.00-10.00|~N|||F\r"
    "OBX|3|NM|718-7^HGB^LN||11.7|g/dL|11.0-16.0|~N|||F\rOBX|4|NM|777-3^PLT^LN||293|10*3/uL|100-300|~A|||F\r"
    "OBX|5|ED|15008^WBC Histogram. BMP^99MRC||^Image^BMP^Base64^Qk1mGAAAAAAAAHYAAAAoAAAA||||||F\r"
)
ASTM = (
    b"\x05\x021H|\\^&|||BS-2800M^02|||||||P|1394-97|20260318101447\r\x0376\r\n"
    b"\x022P|1||2603180431||\xd5\xc5\xc8\xfd\r\x035E\r\n\x023R|1|^^^ALT|2\xb78.4|U/L|9.0^50.0|N||F\r\x0361\r\n"
)


def hospital() -> SimpleNamespace:
    """The shipped gateway with a morning's traffic: a queue, a cut, dead letters, a message that was tried thrice."""
    system = system_actor("command")
    import_estate(system, REPO / "estates" / "guangyuan", skip_missing=True)
    importer.import_gateway(system, files.SHIPPED, skip_missing=True)
    channels = {c.code: c for c in Channel.objects.all()}
    now, random = timezone.now(), Random(1)
    gateway = Process.objects.create(name="gw-1", host="h", pid=1, started_at=now, seen_at=now)
    for c in channels.values():
        if c.state != "running":
            continue
        rate = random.randrange(2, 220)
        values = {
            "rate_1m": rate, "rate_5m": rate, "errors_1m": 0, "waiting": 0, "oldest_s": 0, "latency_p95_ms": 20 + rate,
            "latency_p50_ms": 9, "connections": 2, "series": [max(0, rate + random.randrange(-rate // 2, 9)) for _ in range(60)],
        }  # fmt: skip
        values |= {"waiting": 312, "oldest_s": 400} if c.code == "emr-in" else {}
        values |= {"errors_1m": 40, "rate_1m": 45} if c.code == "dev-chem2" else {}
        at = now - dt.timedelta(minutes=27) if c.code == "odr-in" else now + dt.timedelta(minutes=5)
        Gauge.objects.create(channel=c, at=at, values=values)
        Lease.objects.create(channel=c, process=gateway, epoch=1, expires_at=now + dt.timedelta(minutes=5))
    Breaker.objects.create(channel=channels["trace-out"], state="cut", since=now, reason="平台升级", by="王工")
    Breaker.objects.create(channel=channels["yb-center"], state="half_open", since=now)
    version = RouteVersion.objects.get(route__code="hem-02")
    cbc, lis = channels["dev-cbc"], channels["lis-in"]
    message = desk.message(cbc, ERBA.encode(), reference="2603180418", key="2603180418")
    done = desk.delivered(message, lis, version, attempts=3, code="AA", done_at=now + dt.timedelta(seconds=6))
    for n, (outcome, reason) in enumerate((("refused", "标本被锁定"), ("timeout", "2 秒没有应答")), start=1):
        Attempt.objects.create(
            at=now + dt.timedelta(seconds=2 * n), queued_id=done.id, message_id=message.id, channel_id=lis.pk, number=n,
            outcome=outcome, code="AE" if n == 1 else "", reason=reason, wait_ms=2000,
        )  # fmt: skip
    broken = desk.message(
        channels["dev-immuno"], ASTM, state="quarantined", type="", problem="帧 3 校验和不符（应为 D1，实收 61），原文不完整",
        patient="", targets=0,
    )  # fmt: skip
    dead = desk.queued(desk.message(cbc), lis, version, state="dead", attempts=8, code="AR", reason="就诊号不存在")
    unsure = desk.message(channels["yb-call"], b'{"infno":"2207"}', type="2207", key="Y1", reference="MD1")
    desk.queued(unsure, channels["yb-center"], state="uncertain", reason="8 秒没有应答")
    route = Route.objects.get(code="hem-02")
    person = make_person("rnd", name="孙研发")
    text = {**version.document, "rules": [r for r in version.document["rules"] if r["id"] != "R-022"]}
    versions.save_draft(_actor(person), route, text, "去掉 R-022 看差别")
    forget()
    return SimpleNamespace(message=message, broken=broken, dead=dead, unsure=unsure, channels=channels)


def _actor(user: Any) -> Any:
    from xingwei.base.accounts.queries import actor_of

    return actor_of(user)


def pages(found: SimpleNamespace) -> list[str]:
    return [
        "/gateway/",
        "/gateway/channels/",
        "/gateway/channels/lis-in/",
        "/gateway/channels/yb-call/edit/",
        "/gateway/channels/new/",
        "/gateway/routes/",
        "/gateway/routes/hem-02/",
        "/gateway/routes/hem-02/draft/",
        "/gateway/routes/hem-02/try/",
        "/gateway/maps/",
        "/gateway/maps/cbc-units/",
        "/gateway/maps/cbc-units/draft/",
        "/gateway/maps/cbc-units/import/",
        "/gateway/messages/",
        f"/gateway/messages/{found.message.number}/",
        f"/gateway/messages/{found.message.number}/?raw=hex",
        f"/gateway/messages/{found.broken.number}/",
        f"/gateway/messages/{found.unsure.number}/",
        "/gateway/quarantine/",
        "/gateway/queue/",
        "/gateway/dead/",
        f"/gateway/queue/{found.dead.pk}/edit/",
        "/gateway/replay/",
    ]


@pytest.mark.parametrize("phone", [False, True])
def test_every_page_is_right_at_both_widths(browse: Callable[..., Any], transactional_db: None, phone: bool) -> None:
    found = hospital()
    page = browse("onsite_engineer", phone=phone)
    for url in pages(found):
        answer = page.goto(url)
        assert answer.status == 200, url
        wrong = [*page.watch.problems, *inspect(page)]
        assert [w for w in wrong if not w.startswith("not in Chinese")] == [], url  # names of devices are Latin


def test_the_fields_table_shows_all_and_changed_only(browse: Callable[..., Any], transactional_db: None) -> None:
    found = hospital()
    page = browse("onsite_engineer")
    page.goto(f"/gateway/messages/{found.message.number}/")
    rows = page.locator("#fields tbody tr:visible")
    assert page.get_by_text("不转发", exact=True).count() == 2
    changed = rows.count()
    page.get_by_role("button", name="全部").click()
    assert rows.count() > changed
    page.get_by_role("button", name="有变化").click()
    assert rows.count() == changed
    page.get_by_role("button", name="查看原值").click()
    page.get_by_label("事由").fill("核对仪器屏幕上的结果")
    page.locator("#reveal").get_by_role("button", name="查看原值").click()
    assert page.get_by_text("张小兰").first.is_visible()
    assert Message.objects.count() > 3
    assert CodeMap.objects.exists()
