"""Verifications that are kept: who asked, how far it is, what it found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from . import verifying
from .exporting import ExportError
from .models import Verification
from .services import record
from .who import Who

_EVERY = dt.timedelta(seconds=1)  # progress is written no more often


def start(actor: Who, *, first: int | None = None, last: int | None = None) -> Verification:
    """Note that a verification was asked for; `run` does it."""
    return Verification.objects.create(
        asked_by=actor.name, asked_by_id=actor.id, asked_at=timezone.now(), first_seq=first, last_seq=last
    )


def ask(actor: Who, *, first: int | None = None, last: int | None = None) -> Verification:
    """Have the chain, or the rows first to last, verified in the background."""
    from .tasks import run_verification

    with transaction.atomic():
        verification = start(actor, first=first, last=last)
        record(actor, "journal.chain.ask", verification, f"发起审计日志校验（{_extent(verification)}）")
        run_verification.defer(verification_id=verification.pk, actor_id=actor.id, actor_name=actor.name)
    return verification


def run(
    verification_id: int,
    actor: Who,
    *,
    heads: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Do it, keeping the row up to date; recorded as journal.chain.verify, or journal.chain.broken.

    A verification that was begun already is left alone. Raises ExportError for an unreadable file of heads,
    after noting it.
    """
    rows = Verification.objects.filter(pk=verification_id)
    begun = rows.filter(state=Verification.QUEUED).update(state=Verification.RUNNING, touched_at=timezone.now())
    verification = rows.get()
    if not begun:
        return verification
    try:
        report = verifying.verify(
            heads=heads,
            first=verification.first_seq,
            last=verification.last_seq,
            progress=_teller(verification_id, progress),
        )
    except Exception as error:
        known = isinstance(error, ExportError)
        said = str(error) if known else "校验程序出错，没有完成。请查看服务日志。"
        rows.update(state=Verification.FAILED, finished_at=timezone.now(), sentence=said[:500])
        raise
    return _finish(verification, report, actor)


def _finish(verification: Verification, report: verifying.Report, actor: Who) -> Verification:
    problem = report.verdict.problem
    with transaction.atomic():
        verification.state = Verification.DONE
        verification.finished_at = verification.touched_at = timezone.now()
        verification.checked = report.verdict.checked
        verification.total = max(verification.total, report.verdict.checked)
        verification.intact = report.intact
        verification.sentence = report.sentence[:500]
        verification.remarks = report.remarks
        if problem is not None:
            verification.problem = {
                "kind": problem.kind.value,
                "seq": problem.seq,
                "until": problem.until,
                "entry_id": problem.entry_id,
                "at": problem.at.isoformat() if problem.at else None,
            }
        verification.save()
        act = "journal.chain.verify" if report.intact else "journal.chain.broken"
        after = {"checked": report.verdict.checked, "heads": report.heads, "problem": verification.problem}
        record(actor, act, verification, report.sentence, after=after)
    return verification


def _teller(verification_id: int, progress: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
    told = timezone.now()

    def tell(checked: int, total: int) -> None:
        nonlocal told
        if progress:
            progress(checked, total)
        if timezone.now() - told >= _EVERY:
            told = timezone.now()
            row = Verification.objects.filter(pk=verification_id)
            row.update(checked=checked, total=total, touched_at=told)

    return tell


def _extent(verification: Verification) -> str:
    if verification.first_seq is None and verification.last_seq is None:
        return "全部"
    return f"序号 {verification.first_seq or 1} 至 {verification.last_seq or '最新'}"
