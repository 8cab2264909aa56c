"""Extracts from a real PostgreSQL: incremental, checked against the source, idempotent, whole after a kill."""

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
from decimal import Decimal

import psycopg
import pytest
import time_machine
from django.utils import timezone

from xingwei.base.connections.models import Connection
from xingwei.data.lake import files, queries, session
from xingwei.data.lake.models import Extract, Mapping, Part, Retired
from xingwei.data.lake.services import extract as extracts
from xingwei.data.lake.services import upkeep
from xingwei.data.lake.services.extract import Busy, extract

from .conftest import settle

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.8a")]
NOON = dt.datetime(2026, 3, 18, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
DAYS = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))


@pytest.fixture
def settlement(shipped):
    with time_machine.travel(NOON, tick=True):
        yield Mapping.objects.get(code="settlement.finance")


def held(dataset="settlement"):
    return {p.day: (p.rows, p.digest) for p in queries.parts(dataset, *DAYS)}


def test_days_become_files_with_exact_amounts_and_the_source_key(settlement):
    run = extract(settlement)
    assert (run.state, run.problem, run.rows) == ("done", "", 4)
    assert {d: n for d, (n, _) in held().items()} == {
        dt.date(2026, 3, 16): 2,
        dt.date(2026, 3, 17): 1,
        dt.date(2026, 3, 18): 1,
    }
    with session.opened(memory_mb=256, threads=1) as lake:
        rows = lake.sql(
            "SELECT settlement_id, kind, medfee_sumamt, CAST(settled_at AS VARCHAR), insured, _source, _row FROM settlement ORDER BY 1"
        ).fetchall()
    assert rows[1] == (
        "12", "outpatient", Decimal("100.10"), "2026-03-16 23:59:59+08", False, "settlement.finance", '{"jsid":"12"}',
    )  # fmt: skip
    part = Part.objects.get(day="2026-03-16")
    assert part.sums["medfee_sumamt"] == "116.10"


def test_reading_again_changes_nothing_and_new_rows_change_their_day_only(settlement, hospital):
    extract(settlement)
    before = held()
    again = extract(settlement)
    assert (again.written, held()) == (0, before)
    settle(hospital, 23, "1", 1002, "5.00", "0", "0", "5.00", "1", "2026-03-18 10:00:00")
    third = extract(settlement)
    after = held()
    assert (third.written, after[dt.date(2026, 3, 18)][0]) == (1, 2)
    assert after[dt.date(2026, 3, 16)] == before[dt.date(2026, 3, 16)]


def test_what_comes_late_or_is_changed_or_vanishes_is_found(settlement, hospital):
    extract(settlement)
    settle(hospital, 13, "1", 1001, "7.00", "0", "0", "7.00", "1", "2026-03-17 20:00:00")
    with time_machine.travel(NOON + dt.timedelta(hours=2)):
        extract(settlement)
    assert held()[dt.date(2026, 3, 17)][0] == 2
    # closed by the cashier long after: a column tells
    hospital.execute("UPDATE finance.cw_js SET rjid = 5, rjsj = '2026-03-25 11:00' WHERE jsid = 12")
    with time_machine.travel(NOON + dt.timedelta(days=7)):
        extract(settlement)
    with session.opened(memory_mb=256, threads=1) as lake:
        assert lake.sql("SELECT closing_id FROM settlement WHERE settlement_id = '12'").fetchall() == [("5",)]
    # deleted without a trace: the recount finds it
    hospital.execute("DELETE FROM finance.cw_js WHERE jsid IN (11, 12)")
    with time_machine.travel(NOON + dt.timedelta(days=7, hours=2)):
        extract(settlement)
    assert dt.date(2026, 3, 16) not in held()
    assert Retired.objects.count() >= 2


def test_a_killed_run_leaves_whole_days_and_the_next_goes_on(settlement, hospital, monkeypatch):
    """After the first committed piece the run ends as if killed: nothing is undone, nothing is half there."""
    for day in range(1, 15):
        settle(hospital, 100 + day, "1", 1001, f"{day}.00", "0", "0", f"{day}.00", "1", f"2026-03-{day:02d} 12:00:00")
    document = settlement.document | {"days_at_once": 5}
    Mapping.objects.filter(pk=settlement.pk).update(document=document)

    class Killed(BaseException):
        pass

    pieces = []

    def die(piece):
        pieces.append(piece)
        if len(pieces) == 2:
            raise Killed

    with pytest.raises(Killed):
        extract(settlement, after_piece=die)
    left = held()
    assert 3 < len(left) < 16
    assert Extract.objects.get().state == "running"
    run = extract(settlement)
    assert Extract.objects.order_by("pk")[0].state == "interrupted"
    assert run.state == "done"
    assert len(held()) == 17
    assert all(left[d] == held()[d] for d in left)


@pytest.mark.django_db(transaction=True)
def test_sigkill_in_the_middle(settlement, hospital, settings, tmp_path):
    """A process of its own is killed while it writes; the files that count are all whole."""
    for number in range(24):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        settle(hospital, 1000 + number, "1", 1001, "1.00", "0", "0", "1.00", "1", f"{day} 12:00:00")
    Mapping.objects.filter(pk=settlement.pk).update(document=settlement.document | {"days_at_once": 1})
    program = textwrap.dedent("""
        import sys, django
        from django.conf import settings
        django.setup()
        settings.DATABASES["default"]["NAME"] = sys.argv[1]
        from xingwei.data.lake.models import Mapping
        from xingwei.data.lake.services.extract import extract
        def say(piece):
            print(piece.since, flush=True)
        extract(Mapping.objects.get(code="settlement.finance"), after_piece=say)
    """)
    name = settings.DATABASES["default"]["NAME"]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "xingwei.web.settings"}
    process = subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE, text=True, env=env)
    for _ in range(5):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    committed = queries.parts("settlement", dt.date(2025, 1, 1), dt.date(2027, 1, 1))
    assert 3 <= len(committed) < 27
    import hashlib

    assert all(hashlib.sha256(p.path.read_bytes()).hexdigest() == p.digest for p in committed)
    run = extract(Mapping.objects.get(pk=settlement.pk))
    assert run.state == "done"
    assert sum(p.rows for p in queries.parts("settlement", dt.date(2025, 1, 1), dt.date(2027, 1, 1))) == 28


def test_two_runs_of_one_mapping_do_not_meet(settlement):
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        import django.db

        name = django.db.connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=name) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [extracts._LOCK, settlement.pk])
        with pytest.raises(Busy, match="正在抽取"):
            extract(settlement)
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [extracts._LOCK, settlement.pk])
    assert extract(settlement).state == "done"


def test_what_does_not_agree_with_the_source_is_not_taken(settlement, monkeypatch):
    monkeypatch.setattr(extracts, "_ask", lambda *_: (5, {}))
    run = extract(settlement)
    assert run.state == "failed"
    assert "行数对不上：业务库 5 行，读到 4 行" in run.problem
    assert held() == {}
    settlement.refresh_from_db()
    assert settlement.problem == run.problem


def test_fractions_of_a_cent_are_not_rounded_away_in_silence(settlement, hospital):
    hospital.execute("ALTER TABLE finance.cw_js ALTER zje TYPE numeric(14,4)")
    try:
        hospital.execute("UPDATE finance.cw_js SET zje = 33.3349 WHERE jsid = 22")
        run = extract(settlement)
        assert "分以下的小数" in run.problem
        assert dt.date(2026, 3, 18) not in held()
    finally:
        hospital.execute("ALTER TABLE finance.cw_js ALTER zje TYPE numeric(12,2)")


def test_outside_its_hours_nothing_is_read(settlement):
    Connection.objects.filter(code="finance").update(windows=[["01:00", "05:00"]])
    assert upkeep.extract_due() > 0  # the other databases have no hours
    assert not Extract.objects.filter(mapping=settlement).exists()
    with time_machine.travel(NOON.replace(hour=2)):
        assert extract(settlement).state == "done"


def test_unknown_codes_are_kept_visible(settlement, hospital):
    hospital.execute("UPDATE finance.cw_js SET jslx = '7' WHERE jsid = 22")
    extract(settlement)
    with session.opened(memory_mb=256, threads=1) as lake:
        assert lake.sql("SELECT kind FROM settlement WHERE settlement_id = '22'").fetchall() == [("?7",)]


def test_replaced_files_go_after_an_hour_and_orphans_after_a_day(settlement, hospital):
    extract(settlement)
    old = {p.path for p in queries.parts("settlement", *DAYS)}
    orphan = files.root() / "settlement/day=2026-03-18/.settlement.finance.1.abcd"
    orphan.write_bytes(b"half")
    os.utime(orphan, (NOON.timestamp() - 2 * 86400,) * 2)
    settle(hospital, 24, "1", 1002, "5.00", "0", "0", "5.00", "1", "2026-03-18 10:00:00")
    extract(settlement)
    upkeep.sweep()
    assert all(p.exists() for p in old)
    assert not orphan.exists()
    upkeep.sweep(timezone.now() + dt.timedelta(hours=2))
    assert sum(p.exists() for p in old) == 2


def test_every_shipped_mapping_runs_on_the_hospital(shipped, django_assert_max_num_queries):
    upkeep.extract_due()
    failed = {e.mapping.code: e.problem for e in Extract.objects.exclude(state="done").select_related("mapping")}
    assert failed == {}
    assert Extract.objects.count() == Mapping.objects.count() >= 25
    assert upkeep.due() == []
