"""Plans, trials, the clock, hazards, pages and the API, over real copies of a real database."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from xingwei.base.connections import services as connections
from xingwei.base.estate.models import System
from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.base.ui.datafiles import FileProblems
from xingwei.service.contract.engine.periods import Period
from xingwei.service.desk.models import Case

from .. import evidence, files, hazards, queries, services
from ..engine.schedule import SHANGHAI
from ..engine.standing import State
from ..models import Copy, Plan, Trial

pytestmark = pytest.mark.django_db
NAME = f"backup_room_{os.getpid()}"  # test processes share the server
NOW = dt.datetime(2026, 3, 18, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def source() -> Iterator[dict[str, Any]]:
    """A small business database; its address as a connection's settings."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME}")
        db.execute(f"CREATE DATABASE {NAME}")
        info = db.info
        settings = {"host": info.host, "port": str(info.port), "database": NAME, "user": info.user}
    with psycopg.connect(server, dbname=NAME, autocommit=True) as db:
        db.execute("CREATE TABLE visit AS SELECT generate_series(1, 20) AS id")
    yield settings
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture
def plan(source: dict[str, Any], tmp_path: Path) -> Plan:
    connections.save(
        system_actor("test"), "his", {"name": "HIS 业务库", "kind": "postgresql", "settings": source}, password=""
    )
    return services.save_plan(
        system_actor("test"),
        "his",
        {
            "name": "HIS 业务库", "maker": "xingwei", "form": "pg_dump", "connection": "his", "at": dt.time(2),
            "weekdays": list(range(1, 8)), "directory": str(tmp_path / "copies"),
        },
    )  # fmt: skip


def done(plan: Plan, level: str) -> Trial:
    return services.carry_out(services.begin(system_actor("test"), plan, level))


@pytest.mark.clause("6.1a", "6.1b")
def test_the_clock_takes_verifies_and_restores_until_it_is_proven(plan: Plan) -> None:
    with time_machine.travel(NOW, tick=True):
        assert queries.view(plan).standing.state is State.NONE
        levels = []
        for _ in range(3):
            (trial,) = services.look()
            levels.append(services.carry_out(trial).level)
        assert levels == ["taken", "verified", "restored"]
        assert services.look() == []
        view = queries.view(plan)
        assert view.standing.state is State.PROVEN
        assert [(line["table"], line["expected"], line["found"]) for line in Trial.objects.first().lines] == [
            ("visit", "20", 20)
        ]
        period = Period(1, NOW.date(), NOW.date(), "")
        assert sum(row.count for row in evidence.backups(period)) == 2
    with time_machine.travel(NOW + dt.timedelta(days=1), tick=True):
        (trial,) = services.look()
        assert trial.level == "taken"  # the next night's
    acts = set(Entry.objects.filter(act__startswith="backups.").values_list("act", flat=True))
    assert acts == {"backups.plan.save", "backups.trial.begin", "backups.trial.end"}


def test_a_spoilt_copy_is_a_hazard_and_a_sound_one_ends_it(plan: Plan) -> None:
    with time_machine.travel(NOW, tick=True):
        done(plan, "taken")
        done(plan, "restored")
        copy = Copy.objects.get()
        Path(copy.path).write_bytes(Path(copy.path).read_bytes()[:-100])
        failed = done(plan, "verified")
        assert failed.ok is False
        assert "摘要不符" in failed.problem
        (case,) = hazards.follow()
        assert (case.kind, case.title) == ("hazard", "备份不可恢复：HIS 业务库")
        assert "摘要不符" in case.description
        assert hazards.follow() == []  # one case, however often it is looked at
    with time_machine.travel(NOW + dt.timedelta(hours=2), tick=True):
        for level in ("taken", "verified", "restored"):
            assert done(plan, level).ok
        hazards.follow()
        plan.refresh_from_db()
        assert plan.case is None
        assert Case.objects.count() == 1


def test_old_copies_go_but_never_the_last_that_was_proven(plan: Plan) -> None:
    services.save_plan(system_actor("test"), "his", {"keep_days": 2, "keep_weeks": 0, "keep_months": 0})
    plan.refresh_from_db()
    for day in range(5):
        with time_machine.travel(NOW + dt.timedelta(days=day), tick=True):
            done(plan, "taken")
            if day == 0:
                done(plan, "restored")
    with time_machine.travel(NOW + dt.timedelta(days=5), tick=True):
        assert services.drop_old(plan, timezone.now()) == 2
    left = [c.taken_at.astimezone(SHANGHAI).day for c in Copy.objects.filter(gone_at=None).order_by("taken_at")]
    assert left == [18, 21, 22]
    assert all(Path(c.path).exists() == (c.gone_at is None) for c in Copy.objects.all())


def test_the_hospitals_own_copies_are_found_when_they_are_whole(tmp_path: Path) -> None:
    plan = services.save_plan(
        system_actor("test"),
        "forms",
        {
            "name": "表单", "maker": "hospital", "form": "archive", "at": dt.time(3), "weekdays": [1],
            "directory": str(tmp_path), "pattern": "forms-*.zip",
        },
    )  # fmt: skip
    file = tmp_path / "forms-1.zip"
    file.write_bytes(b"not a zip")
    assert services.find_copies(plan) == 0  # perhaps still being written
    os.utime(file, (timezone.now().timestamp() - 600,) * 2)
    assert services.find_copies(plan) == 1
    assert services.find_copies(plan) == 0
    trial = done(plan, "verified")
    assert "不是 zip、tar" in trial.problem
    with pytest.raises(services.BackupRefused, match="由医院自己的程序执行"):
        services.begin(system_actor("test"), plan, "taken")
    file.unlink()
    services.find_copies(plan)
    assert queries.newest_copy(plan) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weekdays": []}, "星期几"),
        ({"connection": "nothing"}, "没有连接“nothing”"),
        ({"form": "archive"}, "由医院自己的程序执行"),
        ({"form": "mysql"}, "同种数据库"),
        ({"maker": "hospital", "directory": "copies", "pattern": "*"}, "绝对路径"),
        ({"maker": "hospital", "directory": "/tmp", "pattern": "../*"}, "不能有目录"),
        ({"maker": "hospital", "directory": "/tmp", "pattern": "*.dump"}, "写明恢复后要核对的表"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_and_nothing_changed(
    plan: Plan, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(services.BackupRefused, match=complaint):
        services.save_plan(system_actor("test"), "his", change)
    assert Plan.objects.get().version == 1


def test_two_at_once_are_refused_and_a_dead_one_is_taken_over(plan: Plan) -> None:
    with time_machine.travel(NOW, tick=True):
        first = services.begin(system_actor("test"), plan, "taken")
        with pytest.raises(services.BackupRefused, match="正在处理"):
            services.begin(system_actor("test"), plan, "taken")
    with time_machine.travel(NOW + dt.timedelta(minutes=11), tick=True):
        assert done(plan, "taken").ok
    first.refresh_from_db()
    assert (first.ok, first.problem) == (False, "中断：程序停止时还没有做完")


def test_the_pages_show_what_is_proven_and_act(plan: Plan, as_role: Callable[..., Any]) -> None:
    client = as_role("onsite_engineer")
    page = client.get(reverse("backups:plans")).content.decode()
    assert "没有备份" in page
    answer = client.post(reverse("backups:prove", args=["his"]), {"level": "taken"})
    assert answer.status_code == 302
    running = client.get(reverse("backups:running", args=["his"])).content.decode()
    assert 'hx-trigger="every 2s"' in running
    services.carry_out(Trial.objects.get())
    assert "hx-trigger" not in client.get(reverse("backups:running", args=["his"])).content.decode()
    assert "视同没有" in client.get(reverse("backups:plans")).content.decode()
    done(plan, "restored")
    detail = client.get(plan.get_absolute_url()).content.decode()
    assert "逐表核对" in detail
    assert "visit" in detail
    sheet = b"".join(client.get(reverse("backups:plans") + "?export=csv").streaming_content).decode()
    assert "证明已过期；超期：校验" in sheet
    assert as_role("reporter").get(reverse("backups:plans")).status_code == 403


def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(plan: Plan, as_role: Callable[..., Any]) -> None:
    client = as_role("it_staff")
    url = reverse("backups:edit", args=["his"])
    good = {
        "name": "HIS 主库", "maker": "xingwei", "form": "pg_dump", "connection": "his", "at": "03:30",
        "weekdays": ["1", "4"], "late_hours": 6, "keep_days": 7, "keep_weeks": 4, "keep_months": 3, "verify_days": 2,
        "restore_days": 14, "sentinels": "visit 10", "enabled": "on", "directory": plan.directory,
    }  # fmt: skip
    bad = client.post(url, good | {"sentinels": "visit 很多"})
    assert bad.status_code == 422
    assert "第 1 行读不懂" in bad.content.decode()
    assert client.post(url, good).status_code == 302
    plan.refresh_from_db()
    assert (plan.name, plan.weekdays, plan.sentinels) == ("HIS 主库", [1, 4], [{"table": "visit", "rows": 10}])


def test_the_shipped_plans_fit_their_schema_and_a_bad_file_changes_nothing(
    source: dict[str, Any], tmp_path: Path
) -> None:
    System.objects.create(code="HIS", name="HIS", short_name="HIS", order=1)
    for order, code in enumerate(("CIS", "LIS", "EMR"), 2):
        System.objects.create(code=code, name=code, short_name=code, order=order)
    for code in ("his", "cis", "lis", "emr", "finance"):
        connections.save(
            system_actor("test"), code, {"name": code, "kind": "postgresql", "settings": source}, password=""
        )
    assert services.import_plans(system_actor("test"), files.SHIPPED) == 5
    assert services.import_plans(system_actor("test"), files.SHIPPED) == 0
    wrong = tmp_path / "plans.yaml"
    wrong.write_text("plans:\n  - {code: his, name: x, maker: nobody, form: pg_dump, at: '25:00'}\n", "utf-8")
    with pytest.raises(FileProblems) as caught:
        services.import_plans(system_actor("test"), wrong)
    assert "第 2 行" in str(caught.value)
    assert Plan.objects.get(code="his").name == "HIS 业务库"


def test_the_api_says_the_same(plan: Plan, api_as: Callable[..., Any]) -> None:
    client = api_as("onsite_engineer")
    (found,) = client.get("/api/v1/backups/plans").json()
    assert (found["code"], found["state"]) == ("his", "none")
    assert client.post("/api/v1/backups/plans/his/trials", {"level": "x"}, "application/json").status_code == 422
    asked = client.post("/api/v1/backups/plans/his/trials", {"level": "taken"}, "application/json")
    assert asked.status_code == 202
    services.carry_out(Trial.objects.get())
    assert client.get("/api/v1/backups/plans/his/trials").json()[0]["ok"] is True


def test_the_list_needs_few_queries(
    plan: Plan, as_role: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    done(plan, "taken")
    client = as_role("service_manager")
    client.get(reverse("backups:plans"))
    with django_assert_max_num_queries(30):
        client.get(reverse("backups:plans"))
