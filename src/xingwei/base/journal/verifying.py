"""Verifying the stored chain against its heads, those in the database and those outside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Max

from xingwei.base.runtime.crypto import known_public_keys

from . import options, wire
from .engine.chain import Kind, Problem, Verdict, Verifier
from .engine.heads import Head
from .engine.witness import Witness, gather, judge, sentence
from .exporting import read_heads
from .models import Entry, Pending, Seal, SignedHead

PORTION = 20_000
Progress = Callable[[int, int], None]
_LATEST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # PostgreSQL knows later years, Python does not


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. pending: entries that wait for the sealer. heads, exported: how many heads
    the rows were held against, and how many of them came from outside the database."""

    verdict: Verdict
    pending: int
    heads: int
    exported: int

    @property
    def intact(self) -> bool:
        return self.verdict.problem is None

    @property
    def sentence(self) -> str:
        return sentence(self.verdict)

    @property
    def remarks(self) -> list[str]:
        """What is not wrong, but worth knowing."""
        said = []
        if self.verdict.backdated:
            rows = "、".join(str(n) for n in self.verdict.backdated)
            said.append(f"序号 {rows} 的时间比前一个链头早一天以上，请核对服务器时钟。")
        if self.pending:
            said.append(f"还有 {self.pending:,} 条等待封存，不在本次校验之内。")
        return said


def verify(
    *,
    heads: Path | None = None,
    first: int | None = None,
    last: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Verify the whole chain, or the rows first to last (widened down to the head before).

    heads: a file or directory of exported heads that was kept off this machine. The local export is a
    witness as well. progress is told (rows checked, rows in all). Raises ExportError for an unreadable file.
    """
    if first is None and last is not None:
        first = 1
    exported = _outside(heads)
    stored, newest = _standing()
    witness = gather(stored, exported, known_public_keys(options.key_directory()))
    start = _anchor(witness, first)
    stop = None if first is None else min(last or newest, newest)
    verifier = Verifier(witness.heads, _Lookup(), start=start, stop=stop)
    _feed(verifier, start[0], stop or newest, progress)
    verdict = verifier.verdict()
    if verdict.problem is not None and _purged() != witness.start[0]:
        return verify(heads=heads, first=first, last=last, progress=progress)  # rows were purged meanwhile
    if first is None:
        verdict = judge(verdict, witness.trouble)
        if verdict.problem is None:
            verdict = replace(verdict, problem=_stray())
    return Report(_complete(verdict), Pending.objects.count(), len(witness.heads), len(exported))


def _standing() -> tuple[list[Head], int]:
    """The stored heads and the number of the last row, of one and the same moment."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        heads = [row.engine() for row in SignedHead.objects.order_by("id")]
        return heads, Seal.objects.aggregate(n=Max("seq"))["n"] or 0


def _purged() -> int:
    return SignedHead.objects.order_by("-id").values_list("purged", flat=True).first() or 0


def _feed(verifier: Verifier, after: int, last: int, progress: Progress | None) -> None:
    checked, total = 0, max(last - after, 0)
    with connection.cursor() as cursor:
        while after < last and (rows := wire.read_rows(cursor, after, PORTION)):
            after = rows[-1].seq
            if after > last:
                rows = [row for row in rows if row.seq <= last]
            whole = verifier.feed(rows)
            checked += len(rows)
            if progress:
                progress(checked, total)
            if not whole:
                return


def _outside(given: Path | None) -> list[Head]:
    """Exported heads: the local ones and those given, as one list in the order of signing."""
    local = read_heads(options.local_heads()) if options.local_heads().is_dir() else []
    if given is None:
        return local
    brought = read_heads(given)
    known = {h.digest() for h in brought}
    return sorted([*brought, *(h for h in local if h.digest() not in known)], key=lambda h: h.seq)


def _anchor(witness: Witness, first: int | None) -> tuple[int, bytes]:
    """Where to start: the beginning, or the last head before the first row that is wanted."""
    heads = [(h.seq, h.hash) for h in witness.heads if first and witness.start[0] < h.seq < first]
    return max(heads, default=witness.start)


class _Lookup:
    """engine.chain.Lookup on the table; no index, since it is asked only when something is wrong."""

    def after(self, hash_: bytes) -> int | None:
        return Seal.objects.filter(prev=hash_).order_by("seq").values_list("seq", flat=True).first()

    def having(self, hash_: bytes) -> int | None:
        return Seal.objects.filter(hash=hash_).order_by("seq").values_list("seq", flat=True).first()


def _stray() -> Problem | None:
    """The first entry that is neither sealed nor waiting: it was put in past the trigger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM journal_entry e LEFT JOIN journal_seal s ON s.entry_id = e.id"
            " LEFT JOIN journal_pending p ON p.entry_id = e.id"
            " WHERE s.seq IS NULL AND p.entry_id IS NULL ORDER BY e.id LIMIT 1"
        )
        row = cursor.fetchone()
    return Problem(Kind.INSERTED, None, row[0]) if row else None


def _complete(verdict: Verdict) -> Verdict:
    """Add what the tables know of the bad row: which entry it is, and when it was."""
    problem = verdict.problem
    if problem is None:
        return verdict
    entry_id = problem.entry_id
    if entry_id is None and problem.seq is not None and problem.kind is Kind.REPLACED:
        entry_id = Seal.objects.filter(seq=problem.seq).values_list("entry_id", flat=True).first()
    at = problem.at
    if at is None and entry_id is not None:
        readable = Entry.objects.filter(id=entry_id, at__lt=_LATEST)
        at = readable.values_list("at", flat=True).first()
    return replace(verdict, problem=replace(problem, entry_id=entry_id, at=at))
