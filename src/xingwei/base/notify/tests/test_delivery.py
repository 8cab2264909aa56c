from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.notify import services as notify
from xingwei.base.notify.delivery import claiming, running, settling
from xingwei.base.notify.engine import outcomes
from xingwei.base.notify.models import Outbox, Robot
from xingwei.base.policy.engine import system_actor

START = dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC)


def broadcast(title: str = "门诊收费中断", **kwargs: Any) -> Outbox:
    return notify.broadcast(system_actor(), **{"topic": "t", "title": title} | kwargs)[0]


@pytest.mark.django_db
def test_a_flood_becomes_a_summary_and_the_urgent_ones_go_first(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        robot("wecom")
        for i in range(60):
            broadcast(f"第 {i} 条")
        broadcast("一级故障", urgent=True)
        deliver()
        titles = [r.body.decode() for r in services.asked["wecom"]]
        assert len(titles) == 18
        assert "一级故障" in titles[0]
        assert "44 条通知汇总" in titles[-1]
        broadcast("之后的一条")
        deliver()
        assert len(services.asked["wecom"]) == 18
        clock.shift(dt.timedelta(seconds=61))
        deliver()
        assert len(services.asked["wecom"]) == 19
    assert Outbox.objects.exclude(state__in=[Outbox.State.SENT, Outbox.State.DIGESTED]).count() == 0
    summary = Outbox.objects.get(kind="digest")
    assert summary.merged.count() == 44
    assert all(r.json for r in services.asked["wecom"])


@pytest.mark.django_db
def test_minutes_of_flood_never_trips_the_service(robot: Any, services: Any, deliver: Any) -> None:
    """The fake punishes more than 20 a minute with ten minutes of silence, as DingTalk does."""
    with time_machine.travel(START, tick=False) as clock:
        robot("dingtalk")
        for minute in range(3):
            for i in range(22):
                broadcast(f"{minute}-{i}")
            deliver()
            clock.shift(dt.timedelta(seconds=17))
            deliver()
            clock.shift(dt.timedelta(seconds=20))
        clock.shift(dt.timedelta(minutes=2))
        deliver()
    assert services.blocked_until == 0
    assert not Outbox.objects.filter(state__in=Outbox.UNFINISHED).exists()


@pytest.mark.django_db
def test_a_failed_summary_is_sent_again_with_all_that_it_held(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        robot("wecom", per_minute=1)
        for i in range(3):
            broadcast(f"第 {i} 条")
        services.force("wecom", 502, "")
        deliver()
        broadcast("第 3 条")
        clock.shift(dt.timedelta(minutes=2))
        deliver()
    last = services.asked["wecom"][-1].body.decode()
    assert "4 条通知汇总" in last
    assert all(f"第 {i} 条" in last for i in range(4))
    assert Outbox.objects.get(state=Outbox.State.SENT).merged.count() == 5  # four messages and the first summary


@pytest.mark.django_db
def test_trouble_is_tried_again_later_each_time_and_then_given_up(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        robot("wecom")
        row = broadcast()
        services.force("wecom", 503, "", times=20)
        waits = []
        for _ in range(20):
            deliver()
            row.refresh_from_db()
            if row.state != Outbox.State.FAILED:
                break
            waits.append((row.next_try_at - timezone.now()).total_seconds())
            assert deliver() == 0  # not before its time
            clock.move_to(row.next_try_at)
    assert row.state == Outbox.State.DEAD
    assert len(waits) == 11
    assert 22 < waits[0] < 38
    assert 1350 <= waits[-1] <= 2250
    entry = Entry.objects.get(act="notify.delivery.fail")
    assert entry.after == {"channel": "wecom", "kind": "t", "urgent": False, "person": None}


@pytest.mark.django_db
def test_being_held_up_for_a_day_ends_it(robot: Any, services: Any, deliver: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        robot("wecom")
        row = broadcast()
        clock.shift(dt.timedelta(hours=25))
        services.force("wecom", 200, {"errcode": 45009, "errmsg": "api freq out of limit"})
        deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["off", "gone"])
def test_a_robot_that_is_off_or_gone_is_not_called(robot: Any, services: Any, deliver: Any, change: str) -> None:
    one = robot("wecom")
    row = broadcast()
    Robot.objects.filter(pk=one.pk).update(on=False) if change == "off" else one.delete()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert services.asked["wecom"] == []


@pytest.mark.django_db
def test_who_comes_late_with_his_result_changes_nothing(robot: Any, services: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        robot("wecom")
        row = broadcast()
        (late,) = claiming.claim({"wecom"})
        clock.shift(claiming.CLAIM)
        assert claiming.release_expired(timezone.now()) == 1
        (mine,) = claiming.claim({"wecom"})
        assert settling.settle(late, outcomes.dead("太晚"), []) is False
        assert settling.settle(mine, outcomes.sent(), []) is True
        assert settling.settle(mine, outcomes.dead("两次"), []) is False
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Outbox.State.SENT, 2)


@pytest.mark.django_db
def test_an_answer_nobody_understands_fails_this_delivery_only(
    robot: Any, services: Any, deliver: Any, monkeypatch: Any
) -> None:
    robot("wecom")
    row = broadcast()
    monkeypatch.setattr("xingwei.base.notify.channels.wecom.transport.judge_code", lambda *a: 1 / 0)
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.FAILED
    assert "无法理解" in row.said


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_and_send_nothing_twice(robot: Any, services: Any) -> None:
    for i in range(6):
        robot("wecom", name=f"群{i}", topics=[f"t{i}"])
        broadcast(f"第 {i} 条", topic=f"t{i}")

    def work() -> None:
        try:
            running.run()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(services.asked["wecom"]) == 6
    assert set(Outbox.objects.values_list("state", flat=True)) == {Outbox.State.SENT}


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_nothing_unsent(robot: Any, services: Any, settings: Any) -> None:
    robot("wecom")
    row = broadcast()
    reached, gone = threading.Event(), threading.Event()

    def hang() -> str:
        reached.set()
        gone.wait(120)
        return ""

    services.force("wecom", 200, hang)
    database = connection.settings_dict
    env = os.environ | {
        "XINGWEI_HOME": str(settings.CONFIG.home),
        "DATABASE_URL": (
            f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}&port={database['PORT'] or 5432}"
        ),
    }
    code = "import django; django.setup(); from xingwei.base.notify.delivery.running import run; run()"
    worker = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        assert reached.wait(120)
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait()
        gone.set()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENDING
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=1)):
        running.run()
        row.refresh_from_db()
        assert row.state == Outbox.State.SENDING  # its claim still runs
    with time_machine.travel(timezone.now() + claiming.CLAIM + dt.timedelta(minutes=1)):
        running.run()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Outbox.State.SENT, 2)
    assert len(services.asked["wecom"]) == 2


@pytest.mark.django_db
def test_one_commit_wakes_the_delivery_once(
    robot: Any, services: Any, django_capture_on_commit_callbacks: Any, person: Any
) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    robot("wecom")
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        broadcast("一")
        broadcast("二")
        notify.tell(system_actor(), [person()], kind="k", title="只在站内")
    assert len(callbacks) == 1
    with django_capture_on_commit_callbacks(execute=True):
        broadcast("三")
    jobs = ProcrastinateJob.objects.filter(task_name__endswith="deliver_now")
    assert jobs.count() == 1  # the second one would find one waiting
