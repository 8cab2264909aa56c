"""Triage as people see it, at 1440 and at 390 pixels, on the hospital's whole estate."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.accounts.services import import_people
from xingwei.base.estate import services as estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.operations.watch.models import Probe, ProbeState, Series
from xingwei.operations.watch.services import triage
from xingwei.service.desk.models import Case
from xingwei.service.desk.services.intake import NewCase, open_case
from xingwei.testing.browser import check

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# node, signal, usual, now: the insurance centre answers no more
STORY = [
    ("component:YB-CENTER", "tp.up", 1.0, 0.0), ("component:YB-CENTER", "tp.rt", 0.6, 30.0),
    ("interface:yb-9001", "if.err", 0.004, 1.0), ("interface:yb-2207", "if.timeout", 0.003, 0.97),
    ("interface:yb-2207", "if.ack_ms", 310, 30_000), ("interface:yb-1101", "if.timeout", 0.003, 0.96),
    ("interface:yb-2206", "if.timeout", 0.003, 0.95), ("function:yb-outpatient", "syn.fail", 0.001, 1.0),
    ("function:yb-inpatient", "syn.fail", 0.001, 1.0), ("function:yb-identify", "syn.fail", 0.001, 1.0),
    ("component:LINK-YB", "net.rtt", 8.0, None), ("component:LINK-YB", "net.up", 1.0, None),
    ("component:LINK-CORE", "net.rtt", 0.4, None), ("component:HOST-YB", "host.cpu", 18, None),
    ("component:HIS-APP", "app.rt", 0.31, None), ("component:HIS-DB", "db.blocked", 1.0, None),
    ("function:his-charge", "syn.rt", 0.3, None), ("component:YB-FRONT", "app.rt", 0.05, None),
    ("component:BANK-PAY", "tp.rt", 0.4, None), ("component:EINVOICE", "tp.rt", 0.4, None),
]  # fmt: skip


@pytest.fixture
def insured() -> Case:
    actor = system_actor("command")
    import_people(actor, REPO / "src" / "xingwei" / "web" / "demo" / "people.yaml")
    estate.import_estate(actor, REPO / "estates" / "guangyuan")
    end = timezone.now()
    rng = np.random.default_rng(1)
    for node, signal, usual, now in STORY:
        code = f"{node}.{signal}".replace(":", "-")
        probe = Probe.objects.create(code=code[:60], name=code[:60], kind="tcp", node=node)
        ProbeState.objects.create(probe=probe, at=end, since=end, state="ok" if now is None else "down", ok=now is None,
                                  said="" if now is None else "30 秒无应答", ms=usual if now is None else None)  # fmt: skip
        row = Series.objects.create(key=f"{probe.code}/{signal}", probe=probe, node=node, signal=signal, title="")
        with connection.cursor() as cursor:
            values = usual * (1 + 0.05 * rng.standard_normal(300))
            if now is not None:
                values[:16] = now
            cursor.executemany(
                "INSERT INTO watch_sample VALUES (%s, %s, %s)",
                [(row.pk, end - dt.timedelta(minutes=m), float(v)) for m, v in enumerate(values)],
            )
    return open_case(
        actor,
        NewCase(
            kind="incident", description="医保无法收费，刷卡后一直转圈，提示中心处理超时", channel=Case.Channel.PHONE
        ),
    )


@pytest.mark.parametrize("phone", [False, True])
def test_verdict_and_list(insured: Case, browse: Any, phone: bool) -> None:
    page = browse("service_manager", phone=phone)
    row = triage.judge(system_actor("command"), case=insured)
    assert (row.layer, row.owner) == ("第三方", "third_party")
    for name, url in (("verdict", row.get_absolute_url()), ("list", "/watch/triage/"), ("case", insured.get_absolute_url()),
                      ("rules", "/watch/triage/responsibility/"), ("correct", f"{row.get_absolute_url()}correct/"),
                      ("paper", f"{row.get_absolute_url()}paper/")):  # fmt: skip
        page.goto(url)
        if shots := os.environ.get("XINGWEI_SHOTS"):
            page.wait_for_timeout(500)
            page.screenshot(path=Path(shots) / f"triage-{name}{'-390' if phone else ''}.png", full_page=True)
        check(page)
