"""A day goes to the archive and comes back; nothing is dropped that the file does not hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.crypto import CryptoError
from xingwei.operations.gateway.models import Archive, Delivery, Message
from xingwei.operations.gateway.services import archive, sealed_files, text

from . import traffic

pytestmark = pytest.mark.django_db
DAY = timezone.localdate() - dt.timedelta(days=250)  # past the retention, not past that of abnormal messages
NOON = dt.datetime.combine(DAY, dt.time(4), tzinfo=dt.UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: Any) -> Path:
    monkeypatch.setattr(archive, "directory", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def day(home: Path) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gateway_make_partitions(%s, %s)", [DAY, DAY])
    out = traffic.channel()
    good = traffic.message(out, NOON, raw='姓名|\n,"x"\\N'.encode("gb18030"), problem="", control_id='\\N"')
    traffic.delivered(out, NOON + dt.timedelta(seconds=1), message=good, processed=b"\x00\xff")
    traffic.failed(out, NOON)
    bad = traffic.message(out, NOON + dt.timedelta(hours=1), state="quarantined", problem="校验和不对\n第二行")
    return out, good, bad


def _all() -> tuple[list[Any], list[Any]]:
    rows = list(Message.objects.order_by("id").values_list())
    return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in r) for r in rows], list(
        Delivery.objects.order_by("id").values_list("id", "message_id", "outcome", "done_at")
    )


@pytest.mark.clause("7.2")
def test_a_day_is_archived_dropped_and_brought_back_byte_for_byte(day: Any, home: Path, actor: Any) -> None:
    _, good, bad = day
    before = _all()
    rows = archive.archive_day(system_actor(), DAY)
    assert {(r.table, r.rows) for r in rows} == {("message", 2), ("delivery", 1), ("attempt", 1)}
    assert _all() == before
    assert (home / f"{DAY:%Y}" / f"message-{DAY:%Y%m%d}.parquet.sm4").stat().st_mode & 0o077 == 0

    archive.drop_day(system_actor(), DAY)
    assert DAY not in archive.days_in_database()
    assert [m.id for m in Message.objects.all()] == [bad.id]  # what is abnormal stays
    assert Archive.objects.get(table="message").kept_rows == 1

    archive.restore_day(actor("it_staff"), DAY, days=3)
    assert _all() == before
    assert Archive.objects.get(table="message").state == "restored"
    assert DAY in archive.days_in_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM gateway_message WHERE id = %s", [good.id])
        assert cursor.fetchone() == (f"gateway_message_{DAY:%Y%m%d}",)

    assert archive.due_days(timezone.localdate()) == []
    Archive.objects.update(restored_until=timezone.now() - dt.timedelta(minutes=1))
    assert archive.run(system_actor()) == [f"{DAY} 已归档并清出"]
    assert [m.id for m in Message.objects.all()] == [bad.id]


def test_a_file_is_encrypted_bound_to_its_name_and_no_byte_of_it_can_change(day: Any, home: Path) -> None:
    archive.archive_day(system_actor(), DAY)
    file = home / f"{DAY:%Y}" / f"message-{DAY:%Y%m%d}.parquet.sm4"
    whole = file.read_bytes()
    assert b"PAR1" not in whole
    assert "姓名".encode("gb18030") not in whole
    assert {p.name.partition(".")[2] for p in file.parent.iterdir()} == {"parquet.sm4"}, "nothing is left in plain"
    other = file.with_name(f"attempt-{DAY:%Y%m%d}.parquet.sm4")
    damages = {
        "one bit": whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:],
        "cut off": whole[:-20],
        "no key": whole[:30] + whole[31:],
        "another file": other.read_bytes(),
    }
    for name, damaged in damages.items():
        file.write_bytes(damaged)
        with pytest.raises(archive.ArchiveRefused, match="打不开"):
            archive.drop_day(system_actor(), DAY)
        assert DAY in archive.days_in_database(), name
    file.write_bytes(whole)
    archive.drop_day(system_actor(), DAY)


def test_a_long_file_is_cut_into_blocks_of_which_none_can_be_left_out(tmp_path: Path) -> None:
    plain, file = tmp_path / "p", tmp_path / "message-20260101.parquet.sm4"
    plain.write_bytes(bytes(range(256)) * 10_000)  # more than two blocks
    sealed_files.seal(plain, file)
    with sealed_files.opened(file) as found:
        assert found.read_bytes() == plain.read_bytes()
    whole = file.read_bytes()
    start = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    block = 4 + 1024 * 1024 + 16
    for damaged in (whole[:start] + whole[start + block :], whole[: start + block], whole[: start + 2 * block]):
        file.write_bytes(damaged)
        with pytest.raises(CryptoError), sealed_files.opened(file):
            pass
    assert list(tmp_path.glob("*.plain")) == []
    (tmp_path / "x.plain").write_bytes(b"left by a process that died")
    assert sealed_files.sweep(tmp_path, older_s=-1) == 1


def test_a_day_that_was_brought_back_is_found_by_its_text_again(day: Any, home: Path, actor: Any) -> None:
    _, good, bad = day
    archive.archive_day(system_actor(), DAY)
    archive.drop_day(system_actor(), DAY)
    archive.restore_day(actor("it_staff"), DAY, days=3)

    def indexed() -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT message_id, tableoid::regclass::text FROM gateway_text")
            rows = cursor.fetchall()
        assert {table for _, table in rows} <= {f"gateway_text_{DAY:%Y%m%d}"}
        return {pk for pk, _ in rows}

    assert text.index_restored() == 2
    assert indexed() == {good.id, bad.id}
    assert text.index_restored() == 0
    Archive.objects.update(restored_until=timezone.now() - dt.timedelta(minutes=1))
    archive.run(system_actor())
    text.drop_archived()
    assert indexed() == set()
    archive.restore_day(actor("it_staff"), DAY, days=3)
    assert text.index_restored() == 2


def test_a_row_that_came_after_the_archive_was_written_keeps_the_day_in_the_database(day: Any) -> None:
    out, *_ = day
    archive.archive_day(system_actor(), DAY)
    traffic.message(out, NOON)
    with pytest.raises(archive.ArchiveRefused, match="库中的报文与归档清单不一致"):
        archive.drop_day(system_actor(), DAY)
    assert Message.objects.count() == 3


def test_a_damaged_file_keeps_the_day_in_the_database(day: Any, home: Path) -> None:
    archive.archive_day(system_actor(), DAY)
    other = home / f"{DAY:%Y}" / f"delivery-{DAY:%Y%m%d}.parquet.sm4"
    other.unlink()
    with pytest.raises(archive.ArchiveRefused, match="归档文件与归档清单不一致"):
        archive.drop_day(system_actor(), DAY)
    assert DAY in archive.days_in_database()


def test_what_is_still_queued_stays_and_recent_days_always_stay(day: Any) -> None:
    out, good, _ = day
    traffic.queued(out, NOON, "dead", message=good)
    archive.archive_day(system_actor(), DAY)
    archive.drop_day(system_actor(), DAY)
    assert Message.objects.filter(id=good.id).exists()
    with pytest.raises(archive.ArchiveRefused, match="还没有过完"):
        archive.archive_day(system_actor(), timezone.localdate())


def test_abnormal_messages_go_when_their_own_time_is_over(day: Any) -> None:
    archive.archive_day(system_actor(), DAY)
    archive.drop_day(system_actor(), DAY)
    assert archive.prune_kept(DAY + dt.timedelta(days=200)) == 0
    assert archive.prune_kept(DAY + dt.timedelta(days=400)) == 1
    assert not Message.objects.exists()


def test_the_size_limit_takes_the_oldest_days_first(day: Any, monkeypatch: Any) -> None:
    values = {"gateway.retention.days": 3650, "gateway.retention.max_gb": 0}
    monkeypatch.setattr(archive.site, "value", lambda key: values[key])
    assert archive.due_days(DAY + dt.timedelta(days=3)) == []
    assert archive.due_days(DAY + dt.timedelta(days=9)) == [DAY]


def test_the_partitions_of_the_coming_days_are_made_once() -> None:
    archive.make_partitions(dt.date(2031, 1, 1))
    assert dt.date(2031, 1, 8) in archive.days_in_database()
    assert archive.make_partitions(dt.date(2031, 1, 1)) == 0
