"""Drills, archives, the catalogue, critical values and the catch-up in a browser, with data, at both widths."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.estate.models import System
from xingwei.base.estate.services import import_estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.operations.gateway import files
from xingwei.operations.gateway.models import Archive, Breaker, BreakerEvent, Channel, Drill, Service, Subscription
from xingwei.operations.gateway.queries.plans import approved_version
from xingwei.operations.gateway.services import archive, catalogue, critical, importer, text
from xingwei.testing.browser import inspect

from . import traffic
from .test_critical import ORU

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def furnished(home: Path) -> list[str]:
    """A hospital after a bad morning; the pages to look at."""
    system = system_actor("command")
    import_estate(system, REPO / "estates" / "guangyuan", skip_missing=True)
    importer.import_gateway(system, files.SHIPPED, skip_missing=True)
    now, yb = timezone.now(), Channel.objects.get(code="yb-center")
    _cut(yb, now)
    done = _drills(yb, now)
    _archives(now)
    service = _catalogue(system)
    value = _critical(now)
    return [
        "/gateway/breakers/", "/gateway/breakers/yb-center/", "/gateway/breakers/yb-center/catch-up/",
        "/gateway/plans/", "/gateway/plans/YB-02/", "/gateway/drills/", f"/gateway/drills/{done.pk}/",
        "/gateway/archives/", "/gateway/capacity/", "/gateway/volumes/", "/gateway/services/",
        f"/gateway/services/{service.code}/", "/gateway/integrations/", "/gateway/critical/", f"/gateway/critical/{value}/",
        "/gateway/alerts/",
    ]  # fmt: skip


def _cut(yb: Channel, now: dt.datetime) -> None:
    began = now - dt.timedelta(minutes=40)
    BreakerEvent.objects.create(channel=yb, at=began, before="closed", after="open", reason="连续 5 次超时")
    BreakerEvent.objects.create(channel=yb, at=now - dt.timedelta(minutes=6), before="open", after="half_open")
    Breaker.objects.create(channel=yb, state="half_open", since=now - dt.timedelta(minutes=6), window={"probes": 4})
    source = Channel.objects.get(code="yb-call")
    for n in range(14):
        raw = f'{{"infno":"2207","input":{{"data":{{"medfee_sumamt":{86 + 17.3 * n:.2f}}}}}}}'.encode()
        came = traffic.message(
            source, began + dt.timedelta(minutes=2 * n), raw=raw, reference=f"MD{n:04}", peer="门诊收费"
        )
        if n < 5:
            traffic.delivered(yb, came.received_at, outcome="degraded", took_ms=3, message=came)
        elif n < 9:
            traffic.delivered(
                yb, now - dt.timedelta(minutes=3), outcome="delivered", message=came, settled_by="5203 查询：已结算"
            )
        else:
            state = "uncertain" if n == 13 else "waiting"
            traffic.queued(yb, came.received_at, state, message=came, first_sent_at=came.received_at, attempts=1,
                           inquiry={"asked": 2, "last": "查询超时"} if n == 13 else None)  # fmt: skip


def _drills(yb: Channel, now: dt.datetime) -> Drill:
    version = approved_version(yb.pk)
    Drill.objects.create(
        channel=yb, plan_version=version, planned_for=now + dt.timedelta(days=9), scenario="下班后切断 10 分"
    )
    began = now - dt.timedelta(days=30)
    return Drill.objects.create(
        channel=yb, plan_version=version, planned_for=began, started_at=began, ended_at=began + dt.timedelta(minutes=12),
        scenario="中午切断医保中心，看收费窗口的提示与补结", minutes=15, state="done", result="partly",
        participants="收费处、医保办、驻场工程师", findings="3 号窗口没有看到提示，已换打印模板。",
        measured={"answered": 0, "degraded": 21, "skipped": 0, "stored": 4, "caught_up": 4, "left": 0, "p99_ms": 5.1,
                  "usual_p99_ms": 320.0, "ratio": 0.02, "slowest_ms": 5002.0}, next_due=(now + dt.timedelta(days=60)).date(),
    )  # fmt: skip


def _archives(now: dt.datetime) -> None:
    for back in (260, 259, 258):
        day = timezone.localdate() - dt.timedelta(days=back)
        with connection.cursor() as cursor:
            cursor.execute("SELECT gateway_make_partitions(%s, %s)", [day, day])
        traffic.message(
            Channel.objects.get(code="dev-cbc"), dt.datetime.combine(day, dt.time(3), tzinfo=dt.UTC), raw=b"x" * 900
        )
        archive.archive_day(system_actor(), day)
        if back != 258:
            archive.drop_day(system_actor(), day)
    text.index_new()


def _catalogue(system: Any) -> Service:
    service = Service.objects.filter(state="published").order_by("code").first()
    assert service is not None
    for code in ("EMR", "ODR", "OPD"):
        other = System.objects.get(code=code)
        if other != service.system and not service.subscriptions.filter(subscriber=str(other)).exists():
            catalogue.request(system, service, subscriber=other, purpose="建档与随访", volume="每天 2,000 次")
    assert Subscription.objects.filter(state="requested").exists()
    return service


def _critical(now: dt.datetime) -> int:
    source = Channel.objects.get(code="lis-report")
    stamp = timezone.localtime(now - dt.timedelta(minutes=12)).strftime("%Y%m%d%H%M%S")
    for n in range(3):
        raw = ORU.replace("|1|P|2.4", f"|{n}|P|2.4").replace("20260318095900", stamp).replace("20260318095800", stamp)
        at = now - dt.timedelta(minutes=12 - n)
        traffic.message(
            source, at, raw=raw.encode(), type="ORU^R01", control_id=str(n), charset="utf-8", patient="P0071"
        )
    critical.feed()
    from xingwei.operations.gateway.models import CriticalValue

    found = CriticalValue.objects.first()
    assert found is not None
    return int(found.pk)


def test_every_page_is_right_at_both_widths_with_data(
    browse: Callable[..., Any], transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "directory", lambda: tmp_path)
    urls = furnished(tmp_path)
    assert Archive.objects.count() == 9
    for phone in (False, True):
        page = browse("it_head", phone=phone)
        for url in urls:
            answer = page.goto(url)
            assert answer.status == 200, url
            if shots := os.environ.get("XINGWEI_SCREENSHOTS"):
                name = f"{url.strip('/').replace('/', '-')}-{'390' if phone else '1440'}.png"
                page.screenshot(path=str(Path(shots) / name), full_page=True)
            wrong = [*page.watch.problems, *inspect(page)]
            assert [w for w in wrong if not w.startswith("not in Chinese")] == [], url  # names of protocols are Latin
