"""Tampering as the database's superuser, in every way, found and named; and what must not be taken for it."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from django.db import connection, transaction

from xingwei.base.journal import exporting, options, sealing, verifying, wire
from xingwei.base.journal.engine.chain import Kind, link
from xingwei.base.journal.engine.heads import EVERY, MARK, ZERO, Head, sign
from xingwei.base.journal.models import Entry, Pending, Seal, SignedHead
from xingwei.base.journal.verifying import verify
from xingwei.base.runtime.crypto import FileSigner

pytestmark = pytest.mark.django_db
Write = Callable[..., list[Entry]]
Super = Callable[..., None]


def found() -> tuple[Kind, int | None, int | None]:
    problem = verify().verdict.problem
    assert problem is not None, "the tampering was not found"
    return problem.kind, problem.seq, problem.entry_id


def rebuild(superuser: Super, first: int) -> None:
    """Number and hash the rows anew from `first` on, as the tables now stand."""
    with connection.cursor() as cursor:
        before = Seal.objects.filter(seq__lt=first).order_by("-seq").first()
        rows = wire.read_rows(cursor, first - 1, 10_000)
        running = bytes(before.hash) if before else ZERO
        hashes = list(link(running, [r.body for r in rows if r.body is not None]))
        superuser(f"DELETE FROM journal_seal WHERE seq >= {first}")
        prevs = [running, *hashes]
        kept = [r for r in rows if r.body is not None]
        wire.write_seals(cursor, [(first + i, r.entry_id, prevs[i], hashes[i]) for i, r in enumerate(kept)])


class TestIntact:
    def test_an_untouched_journal(self, sealed: Write) -> None:
        sealed(30)
        report = verify()
        assert report.intact
        assert report.verdict.checked == 30
        assert "校验了 30 条，到序号 30 为止" in report.sentence

    def test_an_empty_one(self) -> None:
        report = verify()
        assert report.intact
        assert report.sentence == "还没有封存的日志。"

    def test_what_waits_is_said_not_blamed(self, sealed: Write, write: Write) -> None:
        sealed(3)
        write(2)
        report = verify()
        assert report.intact
        assert (report.pending, report.remarks) == (2, ["还有 2 条等待封存，不在本次校验之内。"])

    def test_portions(self, sealed: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verifying, "PORTION", 7)
        told: list[tuple[int, int]] = []
        sealed(30)
        assert verify(progress=lambda *p: told.append(p)).intact
        assert told == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]

    def test_a_changed_clock_is_a_remark(self, sealed: Write, write: Write) -> None:
        sealed(2)
        with time_machine.travel(dt.datetime.now(dt.UTC) - dt.timedelta(days=2)):
            write(1)
        sealing.seal()
        report = verify()
        assert report.intact
        assert "序号 3 的时间比前一个链头早一天以上" in report.remarks[0]


class TestTampering:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("summary", "'改过'"),
            ("actor_name", "'别人'"),
            ("actor_id", "NULL"),
            ("at", "at - interval '1 microsecond'"),
            ("at", "timestamptz '20000-01-01'"),
            ("before", "NULL"),
            ("after", "'null'::jsonb"),
            ("after", """after || '{"state": "closed"}'"""),
            ("target_id", "target_id || ' '"),
            ("address", "''"),
        ],
    )
    def test_any_column_changed(self, sealed: Write, superuser: Super, column: str, value: str) -> None:
        entries = sealed(20)
        superuser(f'UPDATE journal_entry SET "{column}" = {value} WHERE id IN ({entries[6].pk}, {entries[15].pk})')
        assert found() == (Kind.CHANGED, 7, entries[6].pk)

    def test_an_entry_deleted(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(f"DELETE FROM journal_entry WHERE id = {entries[6].pk}")
        assert found() == (Kind.REMOVED, 7, entries[6].pk)

    def test_an_entry_deleted_with_its_seal(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(f"DELETE FROM journal_entry WHERE id = {entries[6].pk}", "DELETE FROM journal_seal WHERE seq = 7")
        assert found()[:2] == (Kind.REMOVED, 7)

    def test_and_the_gap_closed(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(
            f"DELETE FROM journal_entry WHERE id = {entries[6].pk}",
            "DELETE FROM journal_seal WHERE seq = 7",
            "UPDATE journal_seal SET seq = -seq WHERE seq > 7",
            "UPDATE journal_seal SET seq = -seq - 1 WHERE seq < 0",
        )
        assert found()[:2] == (Kind.REMOVED, 7)

    def test_only_a_seal_deleted(self, sealed: Write, superuser: Super) -> None:
        sealed(20)
        superuser("DELETE FROM journal_seal WHERE seq = 7")
        assert found()[:2] == (Kind.REMOVED, 7)

    def test_an_entry_put_in_past_the_trigger(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(
            "INSERT INTO journal_entry (at, actor_name, organisation, address, via, act, target_type, target_id,"
            " target_label, summary) SELECT at, '别人', '', '', 'page', act, target_type, target_id, target_label,"
            f" '插入' FROM journal_entry WHERE id = {entries[6].pk}"
        )
        forged = Entry.objects.get(summary="插入")
        assert found() == (Kind.INSERTED, None, forged.pk)
        assert f"不在链上的记录（记录号 {forged.pk}" in verify().sentence

    def test_an_entry_put_into_the_chain(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(
            "UPDATE journal_seal SET seq = -seq WHERE seq >= 7",
            "UPDATE journal_seal SET seq = -seq + 1 WHERE seq < 0",
            "INSERT INTO journal_entry (at, actor_name, organisation, address, via, act, target_type, target_id,"
            " target_label, summary) SELECT at, '别人', '', '', 'page', act, target_type, target_id, target_label,"
            f" '插入' FROM journal_entry WHERE id = {entries[6].pk}",
        )
        forged = Entry.objects.get(summary="插入")
        before = Seal.objects.get(seq=6)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('journal_entry_id_seq', %s)", [forged.pk])
            (body,) = [b for _, b in wire.read_bodies(cursor, [forged.pk])]
            (hash_,) = link(bytes(before.hash), [body])
            wire.write_seals(cursor, [(7, forged.pk, bytes(before.hash), hash_)])
        assert found()[1:] == (7, forged.pk)

    def test_two_rows_swapped(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(
            "UPDATE journal_seal SET seq = -1 WHERE seq = 7",
            "UPDATE journal_seal SET seq = 7 WHERE seq = 12",
            "UPDATE journal_seal SET seq = 12 WHERE seq = -1",
        )
        assert found() == (Kind.REORDERED, 7, entries[11].pk)

    def test_two_entries_exchanged_under_their_seals(self, sealed: Write, superuser: Super) -> None:
        sealed(20)
        superuser(
            "UPDATE journal_seal SET entry_id = -entry_id WHERE seq IN (7, 12)",
            "UPDATE journal_seal a SET entry_id = (SELECT -entry_id FROM journal_seal b WHERE b.seq = 19 - a.seq)"
            " WHERE seq IN (7, 12)",
            "UPDATE journal_seal SET entry_id = -entry_id WHERE seq IN (7, 12) AND entry_id < 0",
        )
        assert found()[1] == 7

    def test_a_hash_written_by_hand(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser("UPDATE journal_seal SET hash = 'short' WHERE seq = 7")
        assert found() == (Kind.SEAL_CHANGED, 7, entries[6].pk)

    def test_the_tail_cut_off(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(f"DELETE FROM journal_entry WHERE id >= {entries[14].pk}", "DELETE FROM journal_seal WHERE seq >= 15")
        assert found()[:2] == (Kind.TRUNCATED, 15)
        assert "序号 15 至 20" in verify().sentence

    def test_all_of_it_gone(self, sealed: Write, superuser: Super) -> None:
        sealed(20)
        superuser("TRUNCATE journal_entry, journal_seal")
        assert found()[:2] == (Kind.TRUNCATED, 1)


class TestRebuilt:
    """With every right on the database, but without the key."""

    @pytest.mark.parametrize("first", [1, 7, 20])
    def test_changed_and_chained_anew(self, sealed: Write, superuser: Super, first: int) -> None:
        entries = sealed(20)
        superuser(f"UPDATE journal_entry SET summary = '改过' WHERE id = {entries[first - 1].pk}")
        rebuild(superuser, first)
        assert found() == (Kind.REPLACED, first, entries[first - 1].pk)

    def test_removed_and_chained_anew(self, sealed: Write, superuser: Super) -> None:
        entries = sealed(20)
        superuser(f"DELETE FROM journal_entry WHERE id = {entries[6].pk}")
        rebuild(superuser, 7)
        assert found() == (Kind.REPLACED, 7, entries[7].pk)

    def test_and_the_heads_signed_with_another_key(self, sealed: Write, superuser: Super, tmp_path: Path) -> None:
        entries = sealed(20)
        superuser(f"UPDATE journal_entry SET summary = '改过' WHERE id = {entries[6].pk}")
        rebuild(superuser, 7)
        self.forge_heads(superuser, FileSigner(tmp_path / "forger"))
        assert found()[:2] == (Kind.HEAD_FORGED, 1)

    def test_the_export_beside_the_database_names_the_row_all_the_same(
        self, sealed: Write, superuser: Super, tmp_path: Path
    ) -> None:
        entries = sealed(20)
        exporting.export_heads()
        superuser(f"UPDATE journal_entry SET summary = '改过' WHERE id = {entries[6].pk}")
        rebuild(superuser, 7)
        self.forge_heads(superuser, FileSigner(tmp_path / "forger"))
        assert found() == (Kind.REPLACED, 7, entries[6].pk)

    def test_and_so_does_one_that_was_carried_away(
        self, sealed: Write, superuser: Super, tmp_path: Path, home: Path
    ) -> None:
        entries = sealed(20)
        exporting.export_heads()
        away = tmp_path / "away"
        shutil.move(home / "journal-heads", away)
        superuser(f"UPDATE journal_entry SET summary = '改过' WHERE id = {entries[6].pk}")
        rebuild(superuser, 7)
        superuser("TRUNCATE journal_signedhead")
        self.forge_heads(superuser, FileSigner(tmp_path / "forger"))
        problem = verify(heads=away).verdict.problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.entry_id) == (Kind.REPLACED, 7, entries[6].pk)

    def test_the_tail_cut_with_its_heads(self, sealed: Write, superuser: Super) -> None:
        sealed(10)
        entries = sealed(10)
        exporting.export_heads()
        superuser(
            f"DELETE FROM journal_entry WHERE id >= {entries[0].pk}",
            "DELETE FROM journal_seal WHERE seq > 10",
            "DELETE FROM journal_signedhead WHERE seq > 10",
        )
        assert found()[:2] == (Kind.TRUNCATED, 11)

    def test_heads_deleted(self, sealed: Write, superuser: Super) -> None:
        sealed(20)
        superuser("DELETE FROM journal_signedhead")
        assert found()[:2] == (Kind.UNSIGNED, 1)

    def test_a_long_tail_without_heads(self, write: Write, superuser: Super) -> None:
        write(1)
        sealing.seal()
        write(EVERY + 5)
        sealing.seal()
        superuser("DELETE FROM journal_signedhead WHERE seq > 1")
        assert found()[:2] == (Kind.UNSIGNED, 2)

    def forge_heads(self, superuser: Super, signer: FileSigner) -> None:
        superuser("DELETE FROM journal_signedhead")
        rows = list(Seal.objects.order_by("seq"))
        marks = b"".join(bytes(r.hash)[:MARK] for r in rows)
        at = dt.datetime.now(dt.UTC)
        head = Head(seq=rows[-1].seq, hash=bytes(rows[-1].hash), at=at, prev=ZERO, marks=marks)
        SignedHead.objects.create(**SignedHead.values(sign(head, signer)))


class TestPart:
    def test_starts_at_the_head_before(self, sealed: Write) -> None:
        for _ in range(3):
            sealed(10)
        report = verify(first=15, last=25)
        assert report.intact
        assert report.verdict.checked == 15  # 11 to 25
        assert report.verdict.last[0] == 25

    def test_finds_what_lies_in_it(self, sealed: Write, superuser: Super) -> None:
        entries = [e for _ in range(3) for e in sealed(10)]
        superuser(f"UPDATE journal_entry SET summary = '改过' WHERE id = {entries[17].pk}")
        assert verify(first=1, last=10).intact
        assert verify(first=25).intact  # held against the signed head before, which is genuine
        problem = verify(first=12, last=19).verdict.problem
        assert problem is not None
        assert (problem.kind, problem.seq) == (Kind.CHANGED, 18)

    @pytest.mark.parametrize("bounds", [{"last": 5}, {"first": 900}, {"first": 1, "last": 10**15}])
    def test_odd_bounds_are_taken_as_meant(self, sealed: Write, bounds: dict[str, int]) -> None:
        sealed(10)
        assert verify(**bounds).intact


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    def test_a_busy_journal_is_verified_without_false_alarm(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verifying, "PORTION", 50)
        write(200)
        sealing.seal()
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                write(EVERY)
                sealing.seal()
                exporting.export_heads()
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            reports = [verify() for _ in range(8)]
        finally:
            stop.set()
            thread.join()
        assert [r.sentence for r in reports if not r.intact] == []


def test_pending_of_an_aborted_act_leaves_no_trace(sealed: Write) -> None:
    sealed(1)
    with transaction.atomic():
        sid = transaction.savepoint()
        Entry.objects.create(at=dt.datetime.now(dt.UTC), actor_name="a", via="page", act="x.y.z", summary="s")
        transaction.savepoint_rollback(sid)
    assert not Pending.objects.exists()
    assert verify().intact
    assert options.current().retention_days >= options.RETENTION_DAYS_MIN
