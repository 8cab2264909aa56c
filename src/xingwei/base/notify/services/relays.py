"""What a relay does: fetch deliveries, and say what came of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..channels.base import Unsendable
from ..channels.registry import of_delivery
from ..delivery.claiming import Job, claim, release_expired
from ..delivery.settling import settle
from ..engine import outcomes
from ..engine.wire import Answer
from ..models import Outbox, Relay
from .base import Refused

PORTION = 50


@dataclass(frozen=True, slots=True)
class Report:
    id: int
    claim: uuid.UUID
    answers: Sequence[Answer]


def fetch(actor: Actor, code: str, limit: int) -> list[Job]:
    """Claim deliveries for a relay, and note that it was here. Raises Refused for one that is not in use.

    Not journalled: it happens every few seconds, and each delivery names the relay that carried it.
    """
    require(actor, "notify.relay:carry")
    relay = Relay.objects.filter(code=code, on=True).first()
    if relay is None:
        raise Refused("没有启用这个中转。请在“通知渠道”里核对中转的代码。")
    now = timezone.now()
    Relay.objects.filter(pk=relay.pk).update(last_seen_at=now, last_address=actor.address[:64])
    release_expired(now)
    return claim(relay.channels, relay, max(1, min(limit, PORTION)))


def report(actor: Actor, code: str, reports: Sequence[Report]) -> int:
    """Settle what a relay carried; the number settled. What was claimed by somebody else since is left alone."""
    require(actor, "notify.relay:carry")
    settled = 0
    for one in reports:
        row = Outbox.objects.select_related("robot").filter(pk=one.id, relay__code=code).first()
        if row is None or row.claim != one.claim:
            continue
        with transaction.atomic():
            settled += _settle(row, one)
    return settled


def _settle(row: Outbox, one: Report) -> bool:
    row.attempts -= 1  # the transport is that of the attempt, which the claim has counted
    try:
        transport = of_delivery(row)
    except Unsendable as why:
        Outbox.objects.filter(pk=row.pk, claim=one.claim).update(
            state=Outbox.State.DEAD, said=str(why)[:300], finished_at=timezone.now(), claim=None
        )
        return True
    job = Job(row.pk, one.claim, row.lane, transport, ())
    if not one.answers:
        return settle(job, outcomes.retry("中转没有报告结果"), [])
    return settle(job, transport.judge(one.answers), one.answers)


def clipped(answers: Sequence[Answer]) -> list[Answer]:
    """Answers as long as the database keeps them."""
    return [replace(a, body=a.body[:2000], trouble=a.trouble[:200]) for a in answers]
