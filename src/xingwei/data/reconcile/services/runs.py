"""Runs: asked for, carried out by the worker, replayed. What a run found goes into the differences' lives."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import time
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime.queue import wake
from xingwei.base.ui.views import ServiceRefused

from .. import kept
from ..kept import Kept
from ..models import Reconciliation, Run
from . import inputs, lives, matching, proving
from .base import ReconcileRefused

log = logging.getLogger(__name__)
Why, State = Run.Why, Run.State
STALE = dt.timedelta(hours=2)
WAIT_FOR_INPUT = "还没有"


def ask(
    actor: Actor, row: Reconciliation, since: dt.date, until: dt.date, *, why: str = Why.HAND,
    uploads: Mapping[str, Kept] | None = None,
) -> Run:  # fmt: skip
    """Queue a run over these days; one that waits already is taken instead. Raises Denied, ReconcileRefused.

    uploads: side → the file to take, for sides whose source is an upload.
    """
    require(actor, "reconcile.reconciliation:run")
    if until < since:
        raise ReconcileRefused("结束日期早于开始日期，请改一下。")
    if (until - since).days > 366:
        raise ReconcileRefused("一次最多核对 366 天。")
    if until > timezone.localdate():
        raise ReconcileRefused("结束日期还没有到。")
    version = row.versions.filter(number=row.current).first()
    if version is None:
        raise ReconcileRefused(f"对账“{row}”还没有内容，请先补上。")
    _uploads_there(version.document, uploads or {})
    with transaction.atomic():
        Reconciliation.objects.select_for_update().get(pk=row.pk)
        waiting = row.runs.filter(since=since, until=until, why=why, state=State.WAITING).first()
        if waiting is not None and not uploads:
            found: Run = waiting
            return found
        run: Run = row.runs.create(
            version=version,
            since=since,
            until=until,
            why=why,
            asked_by=actor.name[:60],
            person_id=actor.id,
            inputs={side: [file.plain()] for side, file in (uploads or {}).items()},
        )
        if why in {Why.HAND, Why.REPLAY}:
            record(
                actor, "reconcile.run.ask", run, f"核对“{row}” {since:%m-%d} 至 {until:%m-%d}",
                after={"run": run.pk, "version": version.number},
            )  # fmt: skip
        _wake()
    return run


def _uploads_there(document: Mapping[str, Any], uploads: Mapping[str, Kept]) -> None:
    missing = [s for s, source in document["sources"].items() if source.get("upload") and s not in uploads]
    if missing:
        names = "、".join(matching.side_titles(document["spec"]).get(side, side) for side in missing)
        raise ReconcileRefused(f"请选好要核对的文件：{names}。")


def replay(actor: Actor, run: Run) -> Run:
    """The same version over the very same inputs once more; the result must be the same. Raises Denied, Refused."""
    require(actor, "reconcile.reconciliation:run")
    if run.state != State.DONE:
        raise ReconcileRefused("这次核对没有做完，没有可以重放的结果。")
    gone = [f["name"] for files in run.inputs.values() for f in files if not Kept.of(f).path.is_file()]
    if gone:
        raise ReconcileRefused(f"输入文件已过保留期清出，不能重放：{'、'.join(gone[:3])}。")
    with transaction.atomic():
        waiting = Run.objects.filter(replay_of=run, state__in=[State.WAITING, State.RUNNING]).first()
        if waiting is not None:
            same: Run = waiting
            return same
        made: Run = run.reconciliation.runs.create(
            version=run.version,
            since=run.since,
            until=run.until,
            why=Why.REPLAY,
            replay_of=run,
            inputs=run.inputs,
            asked_by=actor.name[:60],
            person_id=actor.id,
        )
        record(actor, "reconcile.run.replay", made, f"重放第 {run.pk} 次核对", after={"replay_of": run.pk})
        _wake()
    return made


def _wake() -> None:
    from ..tasks import run_waiting

    wake(run_waiting)


def run_due(limit: int = 50) -> int:
    """Carry out what waits, oldest first; returns how many. Safe to call from several processes."""
    Run.objects.filter(state=State.RUNNING, began_at__lt=timezone.now() - STALE).update(
        state=State.FAILED, problem="核对中断了，请重新核对。", ended_at=timezone.now()
    )
    done = 0
    while done < limit and (run := _take()) is not None:
        perform(run)
        done += 1
    return done


def _take() -> Run | None:
    with transaction.atomic():
        rows = Run.objects.filter(state=State.WAITING).select_for_update(skip_locked=True, of=("self",))
        run: Run | None = rows.select_related("reconciliation", "version").order_by("id").first()
        if run is not None:
            run.state, run.began_at = State.RUNNING, timezone.now()
            run.save(update_fields=["state", "began_at"])
    return run


def perform_now(run: Run) -> Run:
    """Carry it out in this process, unless another has taken it; returns it as it is then."""
    with transaction.atomic():
        found = Run.objects.filter(pk=run.pk, state=State.WAITING).select_for_update(skip_locked=True).first()
        if found is not None:
            found.state, found.began_at = State.RUNNING, timezone.now()
            found.save(update_fields=["state", "began_at"])
    if found is not None:
        perform(found)
    done: Run = Run.objects.select_related("reconciliation", "version").get(pk=run.pk)
    return done


def perform(run: Run) -> Run:
    """Do it now, in this process. A run that cannot be done says why in `problem`; it never raises for its inputs."""
    began = time.perf_counter()
    place = kept.workdir(run.pk)
    try:
        given = _inputs(run, place)
        now = run.replay_of.began_at if run.replay_of else run.began_at
        outcome = matching.run(run.version.document, given, place, (run.since, run.until), now)
        if not any(outcome.facts["rows"].values()):
            raise ReconcileRefused("这几天各方都还没有数据，抽取完成、账单到齐后再核。")
        _finish(run, given, outcome, time.perf_counter() - began)
    except ServiceRefused as refused:
        _fail(run, str(refused), time.perf_counter() - began)
    except Exception:
        log.exception("run %s failed", run.pk)
        _fail(run, "核对中出了意外，已记入运行日志，请告诉驻场工程师。", time.perf_counter() - began)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    proving.after(run)
    return run


def _inputs(run: Run, place: Any) -> dict[str, list[Kept]]:
    if run.replay_of_id:
        return {side: [Kept.of(f) for f in found] for side, found in run.inputs.items()}
    uploads = {side: Kept.of(found[0]) for side, found in run.inputs.items() if found}
    return inputs.gather(run, place, uploads)


def _finish(run: Run, given: Mapping[str, list[Kept]], outcome: matching.Result, seconds: float) -> None:
    kept_file = kept.keep(outcome.differences, f"differences-{run.pk}.parquet") if outcome.differences else None
    with transaction.atomic():
        row: Run = Run.objects.select_for_update().get(pk=run.pk)
        row.state, row.ended_at, row.seconds = State.DONE, timezone.now(), round(seconds, 3)
        row.inputs = {side: [f.plain() for f in found] for side, found in given.items()}
        row.verdict, row.gap, row.residual = outcome.verdict, outcome.gap, outcome.residual
        row.rows = outcome.rows
        row.bridge = outcome.bridge
        row.facts = run.facts | outcome.facts | {"differences": kept_file.plain() if kept_file else None}
        row.outcome_digest = outcome.digest
        if row.replay_of_id:
            row.facts["same"] = row.replay_of is not None and row.replay_of.outcome_digest == outcome.digest
        row.save()
        if not row.replay_of_id:
            lives.take(row, outcome)
        record(
            system_actor("task"), "reconcile.run.done", row,
            f"核对“{row.reconciliation}”完成：{row.get_verdict_display()}",
            after={"run": row.pk, "verdict": row.verdict, "rows": row.rows, "gap": str(row.gap)},
        )  # fmt: skip
    for name in ("state", "verdict", "rows", "gap", "residual", "bridge", "facts", "inputs", "ended_at",
                 "seconds", "outcome_digest"):  # fmt: skip
        setattr(run, name, getattr(row, name))


def _fail(run: Run, problem: str, seconds: float) -> None:
    run.state, run.problem, run.ended_at, run.seconds = State.FAILED, problem[:1000], timezone.now(), round(seconds, 3)
    run.save(update_fields=["state", "problem", "ended_at", "seconds"])


def due(now: dt.datetime | None = None) -> list[Run]:
    """Ask for the runs whose time has come: nightly, every few minutes, and the month before clearing."""
    at = timezone.localtime(now or timezone.now())
    today, asked = at.date(), []
    for row in Reconciliation.objects.filter(active=True, current__gt=0):
        wanted: list[tuple[str, dt.date, dt.date]] = []
        yesterday = today - dt.timedelta(days=1)
        if row.nightly_at and at.time() >= row.nightly_at and not _done(row, Why.NIGHTLY, yesterday, at):
            wanted.append((Why.NIGHTLY, yesterday - dt.timedelta(days=row.days - 1), yesterday))
        if row.clearing_day and row.nightly_at and at.time() >= row.nightly_at and at.day == row.clearing_day:
            month = (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
            last = today.replace(day=1) - dt.timedelta(days=1)
            if not _done(row, Why.CLEARING, last, at):
                wanted.append((Why.CLEARING, month, last))
        if row.every_minutes and _quiet(row, dt.timedelta(minutes=row.every_minutes), at):
            wanted.append((Why.PERIODIC, today, today))
        for why, since, until in wanted:
            try:
                asked.append(ask(system_actor("task"), row, since, until, why=why))
            except ReconcileRefused as refused:
                log.info("%s is not asked for: %s", row.code, refused)
    return asked


def _done(row: Reconciliation, why: str, until: dt.date, now: dt.datetime) -> bool:
    """Done, under way, or failed less than an hour ago: a bill that comes late is asked for again."""
    recent = row.runs.filter(why=why, until=until)
    return (
        recent.exclude(state=State.FAILED).exists() or recent.filter(asked_at__gt=now - dt.timedelta(hours=1)).exists()
    )


def _quiet(row: Reconciliation, span: dt.timedelta, now: dt.datetime) -> bool:
    mine = row.runs.filter(why=Why.PERIODIC)
    open_now = mine.filter(state__in=[State.WAITING, State.RUNNING])
    return not (open_now.exists() or mine.filter(asked_at__gt=now - span).exists())
