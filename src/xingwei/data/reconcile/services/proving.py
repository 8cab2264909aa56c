"""After something was done, the run that proves it: the difference must not be there any more."""

from __future__ import annotations

import logging

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor

from ..models import Difference, Remedy, Run

log = logging.getLogger(__name__)


def ask_for_proof(remedy: Remedy) -> None:
    """Queue a run over the difference's day, in the transaction of what was done."""
    from . import runs
    from .base import ReconcileRefused

    difference = remedy.difference
    try:
        run = runs.ask(
            system_actor("task"), difference.reconciliation, difference.day, difference.day, why=Run.Why.PROOF
        )
    except ReconcileRefused as refused:  # by hand from files: the next run of its author proves it
        log.info("no proof for remedy %s: %s", remedy.pk, refused)
        return
    remedy.proof = run
    remedy.save(update_fields=["proof"])


def after(run: Run) -> None:
    """What this run proves: differences with a remedy done before it that it no longer finds."""
    if run.state != Run.State.DONE or run.replay_of_id:
        return
    waiting = Remedy.objects.filter(
        state=Remedy.State.DONE, difference__reconciliation=run.reconciliation,
        difference__day__range=(run.since, run.until), done_at__lt=run.began_at,
    ).select_related("difference")  # fmt: skip
    for remedy in waiting:
        gone = remedy.difference.state == Difference.State.RESOLVED
        if not gone and remedy.proof_id != run.pk:
            continue
        with transaction.atomic():
            row: Remedy = Remedy.objects.select_for_update().get(pk=remedy.pk)
            row.state = Remedy.State.PROVED if gone else Remedy.State.FAILED
            row.proof = run
            if not gone:
                row.result = f"{row.result} 再核后差异仍在。".strip()[:500]
            row.save(update_fields=["state", "proof", "result"])
            record(
                system_actor("task"), f"reconcile.remedy.{'proved' if gone else 'unproved'}", row,
                f"第 {run.pk} 次核对{'证明已平' if gone else '仍见差异'}", after={"run": run.pk, "state": row.state},
            )  # fmt: skip
