"""Entries get their place in the chain, one after another, whoever wrote them and however many sealers run."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction

from xingwei.base.journal import options, sealing, services, wire
from xingwei.base.journal.engine.canonical import EntryFields, decode, encode
from xingwei.base.journal.engine.heads import EVERY
from xingwei.base.journal.models import Entry, Pending, Seal, SignedHead
from xingwei.base.journal.who import Who

pytestmark = pytest.mark.django_db
Write = Callable[..., list[Entry]]
WHO = Who(id=None, name="系统", via="task")


def bodies() -> list[bytes]:
    with connection.cursor() as cursor:
        return [row.body for row in wire.read_rows(cursor, 0, 1000) if row.body is not None]


class TestSealing:
    def test_what_waits_is_sealed_in_order(self, write: Write) -> None:
        entries = write(5)
        assert Pending.objects.count() == 5
        assert sealing.seal() == 5
        assert Pending.objects.count() == 0
        assert list(Seal.objects.order_by("seq").values_list("seq", "entry_id")) == [
            (i, e.pk) for i, e in enumerate(entries, start=1)
        ]

    def test_nothing_waiting_is_nothing_done(self) -> None:
        assert sealing.seal() == 0
        assert not SignedHead.objects.exists()

    def test_the_chain_goes_on_where_it_stopped(self, write: Write) -> None:
        write(3)
        sealing.seal()
        write(2)
        sealing.seal()
        hashes = list(Seal.objects.order_by("seq").values_list("prev", "hash"))
        assert [bytes(p) for p, _ in hashes[1:]] == [bytes(h) for _, h in hashes[:-1]]

    def test_an_entry_that_is_sealed_already_only_leaves_the_queue(self, write: Write) -> None:
        """As after a restore, where loading the entries queues them again."""
        (entry,) = write(1)
        sealing.seal()
        Pending.objects.create(entry_id=entry.pk)
        assert sealing.seal() == 0
        assert not Pending.objects.exists()

    def test_portions_follow_each_other(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sealing, "BATCH", 4)
        told: list[int] = []
        write(10)
        assert sealing.seal(progress=told.append) == 10
        assert told == [4, 8, 10]

    def test_one_statement_may_write_many(self) -> None:
        Entry.objects.bulk_create(
            Entry(at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), actor_name="a", via="task", act="x.y.z", summary="s")
            for _ in range(30)
        )
        assert Pending.objects.count() == 30

    def test_the_body_is_what_the_engine_says_it_is(self, write: Write) -> None:
        """The database's own bytes, and the documented encoding of the values, are one and the same."""
        (entry,) = write(1)
        sealing.seal()
        with connection.cursor() as cursor:
            cursor.execute("SELECT before::text, after::text FROM journal_entry")
            before, after = cursor.fetchone()
        names = [f for f in EntryFields.__dataclass_fields__ if f not in {"before", "after"}]
        expected = EntryFields(**{n: getattr(entry, n) for n in names}, before=before, after=after)
        assert bodies() == [encode(expected)]
        assert decode(bodies()[0]) == expected


class TestHeads:
    def test_the_first_rows_get_one_at_once(self, write: Write) -> None:
        write(2)
        sealing.seal()
        assert list(SignedHead.objects.values_list("seq", flat=True)) == [2]

    def test_then_one_a_minute(self, write: Write) -> None:
        with time_machine.travel("2026-03-18T10:00:00+08:00", tick=False) as clock:
            write(2)
            sealing.seal()
            clock.shift(59)
            write(1)
            sealing.seal()
            assert SignedHead.objects.count() == 1
            clock.shift(1)
            sealing.seal()  # nothing new, but a row that no head covers yet
            assert list(SignedHead.objects.values_list("seq", flat=True)) == [2, 3]
            clock.shift(600)
            sealing.seal()
            assert SignedHead.objects.count() == 2

    def test_and_one_for_each_thousand(self, write: Write) -> None:
        write(1)
        sealing.seal()
        write(2 * EVERY + 7)
        sealing.seal()
        assert list(SignedHead.objects.values_list("seq", flat=True)) == [1, EVERY + 1, 2 * EVERY + 1]

    def test_a_head_on_demand_covers_the_rest(self, write: Write) -> None:
        write(2)
        sealing.seal()
        write(3)
        sealing.seal()
        with transaction.atomic():
            head = sealing.sign_now(options.signer())
        assert head is not None
        assert (head.seq, head.first) == (5, 3)

    def test_none_without_rows(self) -> None:
        assert sealing.sign_now(options.signer()) is None


class TestAppendOnly:
    """The database refuses, whoever asks and in whatever way."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE journal_entry SET summary = 'x'",
            "DELETE FROM journal_entry",
            "TRUNCATE journal_entry",
            "UPDATE journal_seal SET seq = seq + 1",
            "DELETE FROM journal_seal",
            "TRUNCATE journal_seal",
            "UPDATE journal_signedhead SET purged = 5",
            "DELETE FROM journal_signedhead",
            "TRUNCATE journal_signedhead",
        ],
    )
    def test_refused(self, sealed: Write, statement: str) -> None:
        sealed(3)
        with (
            pytest.raises((ProgrammingError, InternalError), match="审计日志"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert (Entry.objects.count(), Seal.objects.count()) == (3, 3)

    def test_an_entry_is_sealed_once_only(self, sealed: Write) -> None:
        (entry,) = sealed(1)
        with pytest.raises(IntegrityError), transaction.atomic():
            Seal.objects.create(seq=2, entry_id=entry.pk, prev=b"\0" * 32, hash=b"\0" * 32)


class TestRecord:
    def test_needs_a_transaction(self, transactional_db: None) -> None:
        with pytest.raises(services.NotInTransaction):
            services.record(WHO, "x.y.z", None, "s")

    def test_takes_whatever_text_there_is(self) -> None:
        odd = "坏\x00名\ud800字😀"
        with transaction.atomic():
            services.record(WHO, "x.y.z", ("t", "1", odd * 100), odd, after={"file": odd, "n": float("nan")})
        entry = Entry.objects.get()
        assert entry.summary == "坏名?字😀"
        assert entry.after == {"file": "坏名?字😀", "n": "nan"}
        assert len(entry.target_label) == 200
        assert sealing.seal() == 1

    def test_values_keep_their_exactness(self) -> None:
        at = dt.datetime(2026, 3, 18, 10, 24, tzinfo=dt.timezone(dt.timedelta(hours=8)))
        with transaction.atomic():
            services.record(WHO, "x.y.z", None, "s", after={"fee": Decimal("89.50"), "at": at, "kinds": {"a"}})
        assert Entry.objects.get().after == {"fee": "89.50", "at": "2026-03-18T02:24:00+00:00", "kinds": ["a"]}

    def test_a_roll_back_leaves_nothing(self) -> None:
        class Stop(Exception):
            pass

        def act() -> None:
            with transaction.atomic():
                services.record(WHO, "x.y.z", None, "s")
                raise Stop

        with pytest.raises(Stop):
            act()
        assert not Entry.objects.exists()
        assert not Pending.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSideBySide:
    def test_several_writers_and_sealers(self, home: Any) -> None:
        """Every entry is sealed exactly once, without a gap."""

        def write() -> None:
            for _ in range(25):
                with transaction.atomic():
                    services.record(WHO, "x.y.z", None, "s")
            connection.close()

        def seal() -> None:
            for _ in range(10):
                sealing.seal()
            connection.close()

        threads = [threading.Thread(target=t) for t in (write, seal, write, seal, write)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sealing.seal()
        assert list(Seal.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 76))
        assert set(Seal.objects.values_list("entry_id", flat=True)) == set(Entry.objects.values_list("id", flat=True))

    def test_a_late_commit_is_sealed_late_and_nothing_is_lost(self, home: Any) -> None:
        """Ids are given before commit: a lower one may appear after a higher one was sealed."""
        recorded, go_on = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                services.record(WHO, "x.slow.z", None, "s")
                recorded.set()
                go_on.wait(10)
            connection.close()

        thread = threading.Thread(target=slow)
        thread.start()
        recorded.wait(10)
        with transaction.atomic():
            services.record(WHO, "x.fast.z", None, "s")
        assert sealing.seal() == 1
        go_on.set()
        thread.join()
        assert sealing.seal() == 1
        acts = [Entry.objects.get(pk=s.entry_id).act for s in Seal.objects.order_by("seq")]
        assert acts == ["x.fast.z", "x.slow.z"]
