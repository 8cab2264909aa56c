"""The watch's pages in a browser, at both widths; the big screen at its own."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.estate.services import import_estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.operations.watch import files
from xingwei.operations.watch.models import Blind, FunctionSpan, FunctionWatch, Job, Probe, ProbeState, Process, Series
from xingwei.operations.watch.services import functions, measurements, troubles
from xingwei.operations.watch.services.importer import import_watch
from xingwei.testing.browser import inspect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("XINGWEI_SHOTS", "")


@pytest.fixture
def hospital() -> None:
    """The shipped probes, most of them well, the insurer down, the data centre unseen; a month of uptime."""
    import_estate(system_actor("test"), REPO / "estates" / "guangyuan", skip_missing=True)
    import_watch(system_actor("test"), files.SHIPPED)
    measurements.make_partitions()
    now = timezone.now()
    Process.objects.create(name="t", host="h", pid=1, started_at=now, seen_at=now + dt.timedelta(minutes=3), rate=188)
    rows = []
    for probe in Probe.objects.all():
        down = probe.code in {"sign-in-yb", "yb-center-port", "walk-yb-outpatient"}
        old = probe.node in {"component:ODR-APP", "component:ODR-DB"}
        at = now - dt.timedelta(minutes=27) if old else now + dt.timedelta(minutes=3)
        rows.append(ProbeState(probe=probe, at=at, state="down" if down else "ok", since=now - dt.timedelta(minutes=9),
                               ok=not down, said="超时没有应答" if down else "端口开着，3 毫秒", ms=400.0, values={"ms": 400.0}))  # fmt: skip  # noqa: E501
    ProbeState.objects.bulk_create(rows)
    for n, watched in enumerate(FunctionWatch.objects.select_related("function")):
        at = now - dt.timedelta(days=40)
        for day in range(0, 40, 9):
            end = at + dt.timedelta(days=day + 3 + n % 4)
            FunctionSpan.objects.create(
                function=watched.function, state="up", since=at + dt.timedelta(days=day), until=end, said="0.4 秒"
            )
            FunctionSpan.objects.create(
                function=watched.function,
                state="down",
                since=end,
                until=end + dt.timedelta(minutes=30),
                said="超时没有应答",
            )
    Blind.objects.create(since=now - dt.timedelta(hours=6), until=now - dt.timedelta(hours=5), why="没有监测进程在运行")
    walk = Probe.objects.get(code="walk-his-charge")
    row = Series.objects.create(
        key="walk-his-charge/ms", probe=walk, node=walk.node, signal="ms", title="用时", unit="毫秒", worse="high"
    )
    rng = np.random.default_rng(3)
    with connection.cursor() as cursor:
        for back in range(30, 0, -1):
            hours = [float(v) for v in 400 + 300 * np.exp(-(((np.arange(24) - 10) / 3) ** 2)) + rng.normal(0, 15, 24)]
            cursor.execute("INSERT INTO watch_roll VALUES (%s, %s, %s, %s, %s, %s, %s)",
                           [row.pk, timezone.localdate() - dt.timedelta(days=back), [60] * 24, hours, hours, hours, hours])  # fmt: skip
        cursor.executemany(
            "INSERT INTO watch_sample (series_id, at, value) VALUES (%s, %s, %s)",
            [(row.pk, now - dt.timedelta(minutes=m), 430 + 60 * np.sin(m / 60) + float(rng.normal(0, 12)) + (900 if m < 12 else 0))
             for m in range(1440, 0, -2) if not 300 <= m <= 360],
        )  # fmt: skip
    measurements.learn()
    functions.look_over(now)
    troubles.look_over(now)
    Job.objects.filter(code="his-backup").update(state="ok", last_ok_at=now)


PAGES = ("/watch/", "/watch/functions/", "/watch/functions/his-charge/", "/watch/troubles/", "/watch/probes/",
         "/watch/probes/walk-his-charge/", "/watch/probes/walk-his-charge/edit/", "/watch/jobs/", "/watch/jobs/his-backup/",
         "/watch/windows/new/", "/watch/screens/")  # fmt: skip


@pytest.mark.slow
def test_every_page_at_both_widths(hospital: None, browse: Callable[..., Any]) -> None:
    problems = []
    for phone in (False, True):
        page = browse("it_head", phone=phone)
        for url in PAGES:
            page.goto(url)
            page.wait_for_load_state("networkidle")
            if SHOTS:
                page.screenshot(
                    path=Path(SHOTS) / f"{url.strip('/').replace('/', '-')}-{'390' if phone else '1440'}.png",
                    full_page=True,
                )
            problems += [f"{url} {'phone' if phone else ''}: {p}" for p in inspect(page)]
        if not phone:
            page.set_viewport_size({"width": 1920, "height": 1080})
            page.goto("/watch/wall/")
            page.wait_for_selector(".op-wall [data-picture] rect")
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / "wall.png")
            assert page.locator("[data-functions] > div").count() == 8
            assert "医保中心" in page.locator("[data-picture]").text_content()
            boxes = page.evaluate("""() => [...document.querySelectorAll('.op-wall h1, .op-wall .sum, .op-wall .clock, .op-wall .c')]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1).length""")
            assert boxes == 0, "everything is on the screen"
            page.route("**/watch/wall/data/", lambda route: route.abort())
            page.watch.expected.append("Failed to load resource|ERR_FAILED")
            page.wait_for_selector(".op-wall[data-old]", timeout=20_000)
            assert "没有新数据" in page.locator("[data-old-text]").text_content()
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / "wall-old.png")
    assert not problems, "\n".join(problems)
