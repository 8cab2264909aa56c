"""The lives of differences: what a run found becomes new, persisting or resolved rows, with an owner and a deadline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from ..models import Difference, Run, Sighting
from .matching import Found, Result

LEDGER = 50_000  # differences of one run that get a life of their own; the bridge and the file hold all
PORTION = 1_000
State = Difference.State


def take(run: Run, outcome: Result) -> None:
    """Write what this run found, in its transaction. Only the days of the run are judged: what it did not look at
    keeps its state."""
    now = timezone.now()
    found = outcome.found(LEDGER)
    if outcome.rows > len(found):
        run.facts["beyond"] = outcome.rows - len(found)
        run.save(update_fields=["facts"])
    known = {
        d.key: d
        for start in range(0, len(found), PORTION)
        for d in Difference.objects.filter(
            reconciliation=run.reconciliation, key__in=[f.key for f in found[start : start + PORTION]]
        ).select_for_update()
    }
    fresh, again = [], []
    for one in found:
        row = known.get(one.key)
        if row is None:
            fresh.append(_born(run, one, now))
        else:
            again.append(_seen(run, row, one, now))
    Difference.objects.bulk_create(fresh, batch_size=PORTION)
    Difference.objects.bulk_update(
        again,
        ["state", "kind", "cause", "title", "rule", "confidence", "left", "right", "gap", "reference", "data", "last_run",
         "times", "seen_at", "resolved_at", "due_at", "opened_at"],
        batch_size=PORTION,
    )  # fmt: skip
    _sightings(run, [*fresh, *again])
    gone = Difference.objects.filter(
        reconciliation=run.reconciliation, state__in=[State.NEW, State.PERSISTING], day__range=(run.since, run.until)
    ).exclude(last_run=run)
    if run.verdict != Run.Verdict.INCOMPLETE and outcome.rows <= LEDGER:
        gone.update(state=State.RESOLVED, resolved_at=now)


def _born(run: Run, one: Found, now: dt.datetime) -> Difference:
    hours = one.hours or (36 if one.expected else run.reconciliation.due_hours)
    return Difference(
        reconciliation=run.reconciliation, key=one.key, state=State.NEW, day=one.day or run.until, pair=one.pair, kind=one.kind,
        cause=one.cause, title=one.title, rule=one.rule, confidence=one.confidence, left=one.left, right=one.right, gap=one.gap,
        reference=one.reference[:120], data=one.data, first_run=run, last_run=run, opened_at=now, seen_at=now,
        due_at=now + dt.timedelta(hours=hours),
    )  # fmt: skip


def _seen(run: Run, row: Difference, one: Found, now: dt.datetime) -> Difference:
    if row.state == State.RESOLVED:  # it is back: a life of its own, under the same number
        row.state, row.opened_at, row.resolved_at = State.NEW, now, None
        row.due_at = now + dt.timedelta(hours=run.reconciliation.due_hours)
    elif row.state == State.ACCEPTED:
        if row.gap != one.gap:  # accepted was another amount
            row.state, row.resolved_at = State.PERSISTING, None
    elif row.last_run_id != run.pk:
        row.state = State.PERSISTING
    row.kind, row.cause, row.title, row.rule = one.kind, one.cause, one.title, one.rule
    row.confidence = one.confidence
    row.left, row.right, row.gap, row.reference = one.left, one.right, one.gap, one.reference[:120]
    row.data, row.last_run, row.seen_at, row.times = one.data, run, now, row.times + 1
    return row


def _sightings(run: Run, rows: Sequence[Difference]) -> None:
    Sighting.objects.bulk_create(
        [
            Sighting(
                run=run,
                difference=d,
                state=d.state,
                pair=d.pair,
                kind=d.kind,
                cause=d.cause,
                title=d.title,
                left=d.left,
                right=d.right,
                gap=d.gap,
            )
            for d in rows
        ],
        batch_size=PORTION,
    )
