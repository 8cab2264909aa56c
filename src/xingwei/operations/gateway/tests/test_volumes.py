"""Counting from the rows: exact, the same when repeated, right when rows come late."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from xingwei.operations.gateway.engine.volumes import quantile
from xingwei.operations.gateway.models import QueueSample, SpaceSample, Volume
from xingwei.operations.gateway.services import archive, volumes

from . import traffic

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 3, 18, 15, 58, 30, tzinfo=dt.UTC)  # 23:58:30 in Shanghai


def _rows(**where: Any) -> dict[tuple[str, str, str], int]:
    rows = Volume.objects.filter(**where)
    return {(f"{timezone.localtime(r.at):%d %H:%M}", r.stage, r.code): r.count for r in rows}


@pytest.mark.clause("7.2", "7.1b")
def test_minutes_hours_and_days_are_counted_from_the_rows_and_again_when_rows_come_late() -> None:
    source, out = traffic.channel("in", direction="in"), traffic.channel("out")
    for n in range(3):
        came = traffic.message(source, T + dt.timedelta(seconds=10 * n))
        traffic.delivered(out, T + dt.timedelta(minutes=1), took_ms=40, outcome="delivered", message=came)
    traffic.message(source, T + dt.timedelta(minutes=2), state="quarantined")  # the next day in Shanghai
    traffic.failed(out, T)
    traffic.failed(out, T, code="AE")

    end = T + dt.timedelta(minutes=5)
    volumes.recompute(T - dt.timedelta(minutes=5), end)
    minutes = {
        ("18 23:58", "received", ""): 3, ("18 23:59", "sent", "delivered"): 3, ("18 23:59", "waited", ""): 3,
        ("19 00:00", "received", "quarantined"): 1, ("18 23:58", "failed", "timeout"): 1, ("18 23:58", "failed", "AE"): 1,
    }  # fmt: skip
    assert _rows(grain="m") == minutes
    days = {
        ("18 00:00", "received", ""): 3, ("18 00:00", "sent", "delivered"): 3, ("18 00:00", "waited", ""): 3,
        ("19 00:00", "received", "quarantined"): 1, ("18 00:00", "failed", "timeout"): 1, ("18 00:00", "failed", "AE"): 1,
    }  # fmt: skip
    assert _rows(grain="d") == days
    sent = Volume.objects.get(grain="d", stage="sent")
    assert (sent.bytes, sum(sent.latency)) == (9, 3)
    assert 20 <= quantile(sent.latency, 0.5) <= 50

    volumes.recompute(T - dt.timedelta(hours=1), end)
    assert _rows(grain="m") == minutes
    assert _rows(grain="d") == days

    traffic.message(source, T)
    volumes.recompute(T, T + dt.timedelta(minutes=1))
    assert _rows(grain="m", stage="received")["18 23:58", "received", ""] == 4
    assert _rows(grain="h", stage="received") == {
        ("18 23:00", "received", ""): 4,
        ("19 00:00", "received", "quarantined"): 1,
    }
    assert _rows(grain="d", stage="received")["18 00:00", "received", ""] == 4


def test_the_task_goes_on_where_it_stopped_and_looks_back_for_late_rows() -> None:
    source = traffic.channel("in", direction="in")
    traffic.message(source, T)
    volumes.count_closed_minutes(T + dt.timedelta(minutes=1))
    assert Volume.objects.get(grain="m").count == 1
    traffic.message(source, T + dt.timedelta(seconds=3))  # committed late
    traffic.message(source, T + dt.timedelta(minutes=90))
    volumes.count_closed_minutes(T + dt.timedelta(minutes=5))
    assert Volume.objects.get(grain="m").count == 2
    volumes.count_closed_minutes(T + dt.timedelta(minutes=95))
    assert [v.count for v in Volume.objects.filter(grain="m").order_by("at")] == [2, 1]


def test_an_open_minute_is_not_counted_yet() -> None:
    source = traffic.channel("in", direction="in")
    traffic.message(source, T)
    volumes.count_closed_minutes(T + dt.timedelta(seconds=5))
    assert not Volume.objects.filter(grain="m").exists()


def test_queues_are_sampled_with_the_oldest_age_and_dead_letters_do_not_age_it() -> None:
    out = traffic.channel("out")
    traffic.queued(out, T - dt.timedelta(minutes=4))
    traffic.queued(out, T - dt.timedelta(hours=4), "dead")
    traffic.queued(out, T - dt.timedelta(minutes=9), "uncertain")
    volumes.sample_queues(T)
    volumes.sample_queues(T)
    row = QueueSample.objects.get()
    assert (row.waiting, row.dead, row.uncertain, row.oldest_s) == (1, 1, 1, 240)


def test_space_is_measured_from_the_tables_and_the_disk_once_a_day() -> None:
    volumes.measure_space()
    volumes.measure_space()
    row = SpaceSample.objects.get()
    assert row.traffic_bytes > 0
    assert row.database_bytes > row.traffic_bytes
    assert row.disk_total > row.disk_free > 0


def test_the_periodic_work_runs_on_an_empty_gateway_and_makes_what_is_missing() -> None:
    from xingwei.operations.gateway import tasks

    for task in (
        tasks.every_hour, tasks.every_minute, tasks.look_for_trouble, tasks.follow_critical_values, tasks.every_night,
    ):  # fmt: skip
        task(0)
    assert SpaceSample.objects.count() == 1
    assert timezone.localdate() + dt.timedelta(days=7) in archive.days_in_database()
