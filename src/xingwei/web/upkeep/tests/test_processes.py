"""The page of those who keep the installation running, its acts, and the daily backup."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime import backup
from xingwei.base.runtime.backup import About, BackupError
from xingwei.base.runtime.backup.archive import ABOUT, Writer, about_bytes
from xingwei.base.site.services import change_setting
from xingwei.web import tasks
from xingwei.web.upkeep import health, queue, services

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; the backup itself is tested elsewhere, here a small file stands for it."""

    def make(config: Any, url: str, path: Path, **kwargs: Any) -> About:
        about = About(1, "0.1.0", timezone.now().isoformat(), "18", {"t": 2}, [], "plain", "empty")
        path.parent.mkdir(parents=True, exist_ok=True)
        with Writer(path) as writer:
            writer.add_bytes(ABOUT, about_bytes(about))
            writer.finish()
        return about

    settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    monkeypatch.setattr(backup, "make", make)
    return tmp_path


def job(status: str, *, task: str = "xingwei.base.journal.tasks.seal_entries", **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status, args, scheduled_at, attempts)"
            " VALUES (%s, 'default', %s, '{}', %s, 1) RETURNING id",
            [task, status, values.get("scheduled_at")],
        )
        return int(cursor.fetchone()[0])


def test_the_page_shows_what_is_wrong_first(as_role: Callable[..., Any], home: Path) -> None:
    job("failed")
    page = as_role("system_admin").get("/processes/").content.decode()
    assert page.index("没有进程在工作") < page.index("数据目录")
    assert "审计日志 <code>seal_entries</code>" in page
    assert "还没有备份" in page


def test_a_failed_job_is_tried_again_once(as_role: Callable[..., Any], home: Path) -> None:
    client, failed = as_role("system_admin"), job("failed")
    client.post(f"/processes/jobs/{failed}/retry/")
    assert ProcrastinateJob.objects.get(pk=failed).status == "todo"
    assert Entry.objects.filter(act="web.job.retry", target_id=str(failed)).count() == 1
    answer = client.post(f"/processes/jobs/{failed}/retry/", follow=True)
    assert "已经不在失败之列" in answer.content.decode()


def test_an_auditor_of_the_installation_sees_but_does_not_act(as_role: Callable[..., Any], home: Path) -> None:
    client = as_role("audit_admin")
    assert 'action="/processes/backup/"' not in client.get("/processes/").content.decode()
    assert client.post(f"/processes/jobs/{job('failed')}/retry/").status_code == 403


@pytest.mark.parametrize(("minutes", "state"), [(1, health.OK), (10, health.WARN), (90, health.BAD)])
def test_a_queue_that_waits_too_long_is_found(minutes: int, state: str) -> None:
    waiting = job("todo")
    with connection.cursor() as cursor:  # the event of its being queued is written by a trigger, with now()
        cursor.execute(
            "UPDATE procrastinate_events SET at = at - %s WHERE job_id = %s",
            [dt.timedelta(minutes=minutes), waiting],
        )
    finding = next(f for f in health.findings() if f.label == "任务队列")
    assert finding.state == state
    assert "等待 1 件" in finding.text


def test_jobs_for_later_do_not_wait() -> None:
    job("todo", scheduled_at=timezone.now() + dt.timedelta(hours=1))
    assert (queue.state().waiting, queue.state().later) == (0, 1)


def test_a_backup_is_asked_for_once(as_role: Callable[..., Any], home: Path) -> None:
    client = as_role("system_admin")
    assert "已开始备份" in client.post("/processes/backup/", follow=True).content.decode()
    assert "已经有一个备份在排队" in client.post("/processes/backup/", follow=True).content.decode()
    assert ProcrastinateJob.objects.filter(task_name="xingwei.web.tasks.back_up_now").count() == 1
    assert Entry.objects.filter(act="web.backup.ask").count() == 1


def test_the_daily_backup_runs_at_its_hour_and_keeps_as_many_as_set(home: Path, actor: Callable[..., Any]) -> None:
    change_setting(actor("system_admin"), "backup.keep", "2")
    day = dt.datetime(2026, 3, 18, 2, 5, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    for offset in range(4):
        for hour in (0, 1):
            with time_machine.travel(day + dt.timedelta(days=offset, hours=hour), tick=False):
                tasks.back_up_daily(timestamp=0)
    assert [p.name[13:21] for p in sorted((home / "backups").iterdir())] == ["20260320", "20260321"]
    assert Entry.objects.filter(act="web.backup.make").count() == 4


def test_a_copy_goes_to_the_other_machine(home: Path, tmp_path: Path, actor: Callable[..., Any]) -> None:
    share = tmp_path / "share"
    share.mkdir()
    change_setting(actor("system_admin"), "backup.copy_to", str(share))
    made = services.back_up(system_actor())
    assert (share / made.name).read_bytes() == made.read_bytes()


def test_a_failure_is_told_to_the_administrators(
    home: Path, monkeypatch: pytest.MonkeyPatch, person: Callable[..., Any]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise BackupError("磁盘空间不够：只剩 3 MB。")

    monkeypatch.setattr(backup, "make", fail)
    admin = person("system_admin")
    for _ in range(2):
        with pytest.raises(BackupError):
            services.back_up(system_actor())
    told = Notification.objects.get(person=admin)
    assert "只剩 3 MB" in told.text
    assert Entry.objects.filter(act="web.backup.fail").count() == 2


def test_the_page_needs_few_queries(
    as_role: Callable[..., Any], home: Path, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(5):
        job("failed")
    client = as_role("system_admin")
    client.get("/processes/")
    with django_assert_max_num_queries(45):
        client.get("/processes/")
