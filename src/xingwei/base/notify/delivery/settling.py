"""What became of a delivery: sent, tried again later, or given up. Only the holder of the claim may say."""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor

from ..engine import outcomes, retry
from ..engine.outcomes import Outcome, Result
from ..engine.texts import clean
from ..engine.wire import Answer
from ..models import Lane, Outbox
from .claiming import Job

log = logging.getLogger(__name__)
TOO_OLD = dt.timedelta(hours=24)


def settle(job: Job, outcome: Outcome, answers: Sequence[Answer]) -> bool:
    """Write down what came of a job. False where its claim had run out: somebody else has it now."""
    now = timezone.now()
    with transaction.atomic():
        row = Outbox.objects.select_for_update().filter(pk=job.id, claim=job.claim, state=Outbox.State.SENDING).first()
        if row is None:
            log.warning("delivery %s was settled too late (%s)", job.id, outcome.result.value)
            return False
        row.answer = clean(_answer_text(answers), 1000)
        row.said, row.claim, row.claimed_until = clean(outcome.said, 300), None, None
        _move(row, outcome, now)
        row.save()
        if outcome.result is Result.LIMITED:
            Lane.objects.filter(pk=job.lane).update(
                blocked_until=now + outcome.pause, blocked_why=clean(outcome.said, 200)
            )
        if answers:
            job.transport.learn(answers)
            _remember(job, outcome, now)
    return True


def _move(row: Outbox, outcome: Outcome, now: dt.datetime) -> None:
    if outcome.result is Result.SENT:
        row.state, row.finished_at = Outbox.State.SENT, now
        return
    wait: dt.timedelta | None = None
    if outcome.result is Result.LIMITED:  # no fault of the message: it costs no attempt
        row.attempts = max(row.attempts - 1, 0)
        wait = outcome.pause if now - row.created_at < TOO_OLD else None
    elif outcome.result is Result.RETRY:
        wait = retry.wait(row.attempts, urgent=row.urgent, luck=random.random())  # noqa: S311 - not a secret
    if wait is None:
        row.state, row.finished_at = Outbox.State.DEAD, now
        record_failure(row, row.said)
    else:
        row.state, row.next_try_at = Outbox.State.FAILED, now + wait


def record_failure(row: Outbox, why: str) -> None:
    """A delivery is given up: an act that other rooms may subscribe to. Names no address, no text."""
    record(
        system_actor(),
        "notify.delivery.fail",
        ("notify.outbox", str(row.pk), row.get_channel_display()),
        f"{row.get_channel_display()}通知发送失败：{why}",
        after={"channel": row.channel, "kind": row.kind, "urgent": row.urgent, "person": row.person_id},
    )


def held_back(pause: dt.timedelta) -> Outcome:
    """For what was claimed behind a message that was refused as too fast, and therefore not sent."""
    return outcomes.limited("前一条被限流，等待后再发", pause)


def _answer_text(answers: Sequence[Answer]) -> str:
    return "\n".join(f"HTTP {a.status} {a.body}" if a.arrived else a.trouble for a in answers[-1:])


def _remember(job: Job, outcome: Outcome, now: dt.datetime) -> None:
    """On the channel's own row: when it last worked, when not, and what was said."""
    source: Any = job.transport.source
    field = "last_sent_at" if outcome.result is Result.SENT else "last_failed_at"
    type(source).objects.filter(pk=source.pk).update(**{field: now, "last_said": clean(outcome.said, 300)})
