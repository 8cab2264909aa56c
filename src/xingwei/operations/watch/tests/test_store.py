"""The store: rolled up by hour, learned from, read again; files in, API out."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from django.utils import timezone

from xingwei.base.estate.services import import_estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.ui.words import CHINA
from xingwei.operations.watch import files
from xingwei.operations.watch.models import Baseline, Probe, Series
from xingwei.operations.watch.queries import series
from xingwei.operations.watch.services import measurements
from xingwei.operations.watch.services.base import WatchRefused
from xingwei.operations.watch.services.importer import check, import_watch


def samples(row: Series, at: dt.datetime, values: list[float], every: dt.timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO watch_sample (series_id, at, value) VALUES (%s, %s, %s)",
            [(row.pk, at + n * every, v) for n, v in enumerate(values)],
        )


def test_hours_are_rolled_up_and_rolling_twice_changes_nothing(house: Any, probe: Any) -> None:
    row = Series.objects.create(
        key="p/ms", probe=probe("p", "component:HIS-APP"), node="component:HIS-APP", signal="ms", worse="high"
    )
    hour = dt.datetime(2026, 3, 18, 9, tzinfo=CHINA)
    samples(row, hour, [10.0, 20.0, 90.0, float("nan")], dt.timedelta(minutes=10))
    samples(row, hour + dt.timedelta(hours=1), [7.0], dt.timedelta(minutes=10))

    for _ in range(2):
        measurements.roll_up(hour, hour + dt.timedelta(hours=2))

    found = series.tracks(["p/ms"], hour, hour + dt.timedelta(hours=3), grain="hour")["p/ms"]
    assert found.values.tolist() == [20.0, 7.0]
    assert (found.lo.tolist(), found.hi.tolist()) == ([10.0, 7.0], [90.0, 7.0])
    by_day = series.tracks(["p/ms"], hour - dt.timedelta(days=90), hour + dt.timedelta(days=1))["p/ms"]
    assert by_day.values.tolist() == [13.5]


def test_what_is_usual_is_learned_and_a_creep_is_said(house: Any, probe: Any) -> None:
    row = Series.objects.create(key="p/ms", probe=probe("p", "component:HIS-APP"), node="component:HIS-APP", signal="ms",
                                title="用时", unit="毫秒", worse="high")  # fmt: skip
    today = timezone.localdate()
    with connection.cursor() as cursor:
        for back in range(28, 0, -1):
            level = 100 + 3 * (28 - back)
            hours = [float(level)] * 24
            cursor.execute("INSERT INTO watch_roll VALUES (%s, %s, %s, %s, %s, %s, %s)",
                           [row.pk, today - dt.timedelta(days=back), [60] * 24, hours, hours, hours, hours])  # fmt: skip

    assert measurements.learn() == 1

    found = Baseline.objects.get()
    assert found.days == 28
    assert found.mid[9] is not None
    assert found.drift == pytest.approx(3, rel=0.05)
    assert "每天升 3 毫秒" in found.drift_said


def test_old_partitions_are_dropped(db: None) -> None:
    now = timezone.now()
    measurements.make_partitions(now, days_back=20)
    assert measurements.prune(now) >= 4
    assert measurements.prune(now) == 0


@pytest.mark.clause("8.1a")
def test_the_shipped_files_are_taken_in_and_twice_is_once(db: None) -> None:
    import_estate(system_actor("test"), Path(files.DIRECTORY).parent / "estates" / "guangyuan", skip_missing=True)
    first = import_watch(system_actor("test"), files.SHIPPED)
    assert first.added["拨测"] > 60
    again = import_watch(system_actor("test"), files.SHIPPED)
    assert not again.added
    assert not again.changed
    walked = set(Probe.objects.filter(function__watch__isnull=False).values_list("function__code", flat=True))
    assert {
        "his-register",
        "his-charge",
        "yb-outpatient",
        "cis-order-save",
        "emr-write",
        "his-dispense",
        "lis-result",
    } <= walked


def test_what_is_wrong_with_a_file_is_said_by_line(tmp_path: Path) -> None:
    good = {"code": "a", "name": "a", "kind": "tcp", "node": "component:X", "settings": {"host": "h", "port": 1}}
    bad = [good, good | {"code": "b", "settings": {"host": "h", "port": 70000}}, good | {"code": "c", "kind": "gopher"},
           good | {"code": "d", "kind": "sql", "settings": {"engine": "mysql", "host": "h",
                   "checks": [{"signal": "x", "title": "x", "sql": "DELETE FROM y"}]}}]  # fmt: skip
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(json.loads(json.dumps({"probes": bad})), allow_unicode=True))
    found = check(tmp_path)
    assert len(found) == 3
    assert all("p.yaml 第 " in line for line in found)
    assert any("不大于 65535" in line for line in found)
    assert any("没有“gopher”这种拨测方式" in line for line in found)
    assert any("不改动医院的数据" in line for line in found)
    with pytest.raises(WatchRefused):
        import_watch(system_actor("test"), tmp_path)


def test_the_api_gives_what_the_pages_show(house: Any, probe: Any, says: Any, api_as: Any) -> None:
    row = probe("p", "component:HIS-APP")
    says(row, "down", said="拒绝连接")
    made = Series.objects.create(key="p/ms", probe=row, node=row.node, signal="ms", worse="high")
    samples(made, timezone.now() - dt.timedelta(minutes=5), [4.0], dt.timedelta(minutes=1))
    client = api_as("it_staff")
    assert client.get("/api/v1/watch/status").json()["functions"][0]["state"] == "unknown"
    assert client.get("/api/v1/watch/probes").json()[0]["state"] == "down"
    assert client.get("/api/v1/watch/probes/p/series").json()[0]["values"] == [4.0]
    assert client.get("/api/v1/watch/probes/p/series?since=2026-01-02&until=2026-01-01").status_code in {409, 422}
    assert client.get("/api/v1/watch/functions/his-charge/uptime").json() == []
    body = {
        "title": "升级",
        "since": timezone.now().isoformat(),
        "until": (timezone.now() + dt.timedelta(hours=1)).isoformat(),
        "nodes": ["*"],
    }
    assert client.post("/api/v1/watch/windows", body, content_type="application/json").status_code == 201
    assert client.get("/api/v1/watch/windows").json()[0]["title"] == "升级"
    assert client.get("/api/v1/watch/troubles").json() == []
