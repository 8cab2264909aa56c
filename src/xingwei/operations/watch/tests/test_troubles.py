"""From probes to functions, troubles and cases: one case a trouble, none for what only follows from it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.operations.watch import tasks
from xingwei.operations.watch.models import FunctionSpan, FunctionWatch, ProbeChange, Process, Trouble, Verdict
from xingwei.operations.watch.queries import status, uptime
from xingwei.operations.watch.services import functions, troubles, windows
from xingwei.service.desk.models import Case

MINUTE = dt.timedelta(minutes=1)


@pytest.mark.clause("7.10", "8.1a")
def test_a_database_that_is_down_opens_one_case_for_all_that_follows(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    walk = probe("walk", "function:his-charge", "http", settings={"url": "http://x/"}, walks=True)
    app, db = probe("app", "component:HIS-APP"), probe("db", "component:HIS-DB")
    for it, late in ((walk, 20), (app, 10), (db, 0)):
        says(it, "down", at=now, since=now - 2 * MINUTE + dt.timedelta(seconds=late), said="拒绝连接")

    troubles.look_over(now)

    case = Case.objects.get()
    assert case.title == "HIS 数据库：不通或中断"
    assert case.severity == 1, "as severe as the worst of what follows"
    assert "收费" in case.description
    by_node = {t.node: t for t in Trouble.objects.all()}
    assert by_node["component:HIS-DB"].cause is None
    assert {t.cause for n, t in by_node.items() if n != "component:HIS-DB"} == {by_node["component:HIS-DB"]}


@pytest.mark.clause("8.1c")
def test_whose_fault_it_is_gets_asked_as_soon_as_the_case_is_there(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    db = probe("db", "component:HIS-DB")
    says(db, "down", at=now, since=now - 2 * MINUTE, said="拒绝连接")
    troubles.look_over(now)
    case = Case.objects.get()
    (job,) = ProcrastinateJob.objects.filter(task_name="watch.judge")
    assert job.args == {"case": case.pk}

    tasks.judge(**job.args)
    verdict = Verdict.objects.get()
    assert verdict.case == case

    Case.objects.update(category="closed")
    tasks.judge(**job.args)
    assert Verdict.objects.count() == 1, "nobody asks about what is over"


def test_it_closes_itself_when_it_is_over(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    db = probe("db", "component:HIS-DB")
    says(db, "down", at=now, since=now - MINUTE)
    troubles.look_over(now)
    case = Case.objects.get()

    for minutes in range(1, 6):
        says(db, "ok", at=now + minutes * MINUTE)
        troubles.look_over(now + minutes * MINUTE)

    case.refresh_from_db()
    assert case.category in {"resolved", "closed"}
    assert Trouble.objects.get().state == "quiet"


def test_what_never_was_well_is_being_set_up_for_a_while(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    db = probe("db", "component:HIS-DB")
    ProbeChange.objects.create(probe=db, at=now - 3 * MINUTE, before="", after="down")
    says(db, "down", at=now, since=now - 3 * MINUTE)
    troubles.look_over(now)
    assert not Case.objects.exists()

    ProbeChange.objects.update(at=now - 11 * MINUTE)
    troubles.look_over(now)
    assert Case.objects.count() == 1, "by now somebody has to look"


def test_what_flickers_opens_one_case(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    db = probe("db", "component:HIS-DB")
    for minute in range(8):
        at = now + minute * MINUTE
        says(db, "down" if minute % 2 == 0 else "ok", at=at, since=at - MINUTE)
        troubles.look_over(at)
    assert Case.objects.count() == 1


def test_the_effect_that_was_seen_first_goes_into_the_cause(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    app, db = probe("app", "component:HIS-APP"), probe("db", "component:HIS-DB")
    says(app, "down", at=now, since=now - MINUTE)
    says(db, "ok", at=now)
    troubles.look_over(now)
    first = Case.objects.get()
    assert first.title.startswith("HIS 应用")

    says(app, "down", at=now + 2 * MINUTE, since=now - MINUTE)
    says(db, "down", at=now + 2 * MINUTE, since=now)
    troubles.look_over(now + 2 * MINUTE)

    first.refresh_from_db()
    cause = Case.objects.exclude(pk=first.pk).get()
    assert cause.title.startswith("HIS 数据库")
    assert first.category == "closed"


@pytest.mark.clause("3.10")
def test_in_a_maintenance_window_no_case_is_opened(house: Any, probe: Any, says: Any, actor: Any) -> None:
    now = timezone.now()
    windows.announce(
        actor("it_staff"), title="升级", since=now - 5 * MINUTE, until=now + 60 * MINUTE, nodes=["component:HIS-DB"]
    )
    app = probe("app", "component:HIS-APP")
    says(app, "down", at=now, since=now - MINUTE)

    troubles.look_over(now)

    assert Trouble.objects.get().muted
    assert not Case.objects.exists()


def test_nobody_watching_is_a_trouble_and_no_news_is_no_trouble(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    db = probe("db", "component:HIS-DB")
    says(db, "down", at=now - 10 * MINUTE, since=now - 11 * MINUTE)
    Process.objects.update(seen_at=now - 10 * MINUTE)

    troubles.look_over(now)

    case = Case.objects.get()
    assert case.title == "监测：看不到"
    assert "没有一个监测进程在运行" in case.description


@pytest.mark.clause("7.1b")
def test_uptime_counts_outages_not_maintenance_nor_blindness_and_the_journal_agrees(
    house: Any, probe: Any, says: Any, actor: Any
) -> None:
    walk = probe("walk", "function:his-charge", "http", settings={"url": "http://x/"}, walks=True)
    end = timezone.now()
    start = end - 20 * MINUTE
    for minute in range(20):
        at = start + minute * MINUTE
        down = 5 <= minute < 9
        says(
            walk,
            "down" if down else "ok",
            at=at,
            since=at if minute in {0, 5, 9} else start + (5 if down else 9 if minute > 9 else 0) * MINUTE,
        )
        functions.look_over(at)

    Process.objects.update(seen_at=timezone.now())
    watched = FunctionWatch.objects.get()
    spans = list(FunctionSpan.objects.order_by("since").values_list("state", flat=True))
    assert spans == ["up", "down", "up"]
    found = uptime.count(uptime.parts_of(watched.function, start, end))
    assert found.seconds["down"] == pytest.approx(240, abs=1)
    assert found.share == pytest.approx(100 * 16 / 20, abs=0.2)
    assert Entry.objects.filter(act="watch.function.state").count() == 3
    proof = uptime.proof(watched, timezone.localdate(end).replace(day=1))
    assert proof.same

    FunctionSpan.objects.filter(state="down").update(state="up")
    assert not uptime.proof(watched, timezone.localdate(end).replace(day=1)).same


def test_a_function_without_news_is_unknown_not_up(house: Any, probe: Any, says: Any) -> None:
    now = timezone.now()
    walk = probe("walk", "function:his-charge", "http", settings={"url": "http://x/"}, walks=True)
    says(walk, "ok", at=now - 20 * MINUTE)
    says(walk, "ok", at=now - 20 * MINUTE)
    functions.look_over(now)
    assert FunctionSpan.objects.get(until=None).state == "unknown"
    assert status.status(now).verdict[0] == "unknown"


def test_a_window_cannot_be_written_afterwards(house: Any, actor: Any) -> None:
    now = timezone.now()
    with pytest.raises(Exception, match="事先登记"):
        windows.announce(actor("it_staff"), title="补记", since=now - dt.timedelta(hours=2), until=now, nodes=["*"])
    row = windows.announce(actor("it_staff"), title="升级", since=now, until=now + 60 * MINUTE, nodes=["*"])
    ended = windows.cancel(system_actor("test"), row)
    assert ended.until <= timezone.now()
    assert ended.cancelled_at is None
