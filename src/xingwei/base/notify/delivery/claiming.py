"""Claiming deliveries. A claim names its worker's turn and runs out, so that a worker may die at any point.

What a dead worker had already sent is then sent again: a message twice is better than a fault untold.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Max, Min
from django.db.models.fields import IntegerField
from django.db.models.functions import Cast
from django.utils import timezone

from ..channels.base import Message, Transport, Unsendable, absolute
from ..channels.registry import of_delivery
from ..engine import rates, texts
from ..engine.plan import Due, plan
from ..engine.wire import Call
from ..models import Lane, Outbox, Relay

CLAIM = dt.timedelta(minutes=5)
DIGEST = "digest"
_LANES_A_ROUND = 50
_ROWS_A_LANE = 300


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed delivery with what has to be said. claim: the proof of ownership when it is settled."""

    id: int
    claim: uuid.UUID
    lane: str
    transport: Transport
    calls: tuple[Call, ...]


def release_expired(now: dt.datetime) -> int:
    """Give back what a worker claimed and never settled; how many these were."""
    stale = Outbox.objects.filter(state=Outbox.State.SENDING, claimed_until__lte=now)
    return stale.update(
        state=Outbox.State.FAILED, claim=None, claimed_until=None, next_try_at=now, said="上次发送中断，重新发送"
    )


def claim(channels: Collection[str], relay: Relay | None = None, limit: int = _LANES_A_ROUND) -> list[Job]:
    """Claim what is due on these channels, urgent lanes first. Each lane is claimed by one worker at a time."""
    now = timezone.now()
    jobs: list[Job] = []
    for lane in _due_lanes(channels, now, limit):
        with transaction.atomic():
            jobs += _claim_lane(lane, now, relay)
    return jobs


def _due_lanes(channels: Collection[str], now: dt.datetime, limit: int) -> list[str]:
    silent = Lane.objects.filter(blocked_until__gt=now).values("key")
    due = Outbox.objects.filter(state__in=Outbox.OPEN, next_try_at__lte=now, channel__in=channels)
    lanes = due.exclude(lane__in=silent).order_by().values("lane")
    urgency = Max(Cast(F("urgent"), IntegerField()))
    ranked = lanes.annotate(urgency=urgency, first=Min("next_try_at")).order_by("-urgency", "first", "lane")
    return list(ranked.values_list("lane", flat=True)[:limit])


def _claim_lane(key: str, now: dt.datetime, relay: Relay | None) -> list[Job]:
    lane = Lane.objects.select_for_update(skip_locked=True).filter(key=key).first()
    if lane is None or (lane.blocked_until and lane.blocked_until > now):
        return []
    rows = list(
        Outbox.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("robot")
        .filter(lane=key, state__in=Outbox.OPEN, next_try_at__lte=now)
        .order_by("-urgent", "id")[:_ROWS_A_LANE]
    )
    if not rows:
        return []
    try:
        transport = of_delivery(rows[0])
    except Unsendable as why:
        _give_up(rows, str(why), now)
        return []
    if transport.avoids_peak and rates.off_peak(now) > now:
        urgent = [r for r in rows if r.urgent]
        if not urgent:
            lane.blocked_until, lane.blocked_why = rates.off_peak(now), "避开整点和半点"
            lane.save()
            return []
        rows = urgent
    lane.spent = rates.still_counting(lane.spent, transport.limits, now)
    free = rates.free(lane.spent, transport.limits, now)
    chosen = _chosen(rows, free, transport, now)
    lane.spent = [*lane.spent, *[now] * len(chosen)]
    held_back = len(rows) > len(chosen) and free <= len(chosen)
    lane.blocked_until = rates.next_free(lane.spent, transport.limits, now) if held_back else None
    lane.blocked_why = "等待发送额度" if held_back else ""
    lane.save()
    return _claimed(chosen, transport, now, relay)


def _chosen(rows: Sequence[Outbox], free: int, transport: Transport, now: dt.datetime) -> list[Outbox]:
    """What goes out: single messages, and where there are more than tokens one summary of the rest.

    Answers to somebody are never merged; a summary that failed before goes first, like an urgent one.
    """
    by_id = {r.pk: r for r in rows}
    planned = plan([Due(r.pk, r.urgent or r.kind == DIGEST) for r in rows], free)
    chosen = [by_id[i] for i in planned.single]
    merged = [by_id[i] for i in planned.merged if not by_id[i].payload.get("reply")]
    if len(merged) == 1:
        chosen.append(merged[0])
    elif merged:
        chosen.append(_digest(merged, transport, now))
    return chosen


def _digest(rows: Sequence[Outbox], transport: Transport, now: dt.datetime) -> Outbox:
    ids = [r.pk for r in rows]
    inside = Outbox.objects.filter(digest__in=[r for r in rows if r.kind == DIGEST])
    members = [r for r in rows if r.kind != DIGEST] + list(inside)
    lines = [texts.Line(r.created_at, r.title, r.urgent) for r in members]
    title, text = texts.summary(lines, transport.room)
    first = rows[0]
    made = Outbox.objects.create(
        channel=first.channel,
        lane=first.lane,
        robot=first.robot,
        person_id=first.person_id,
        address=first.address,
        kind=DIGEST,
        payload={"title": title, "text": text, "url": ""},
        urgent=any(line.urgent for line in lines),
        created_at=min(r.created_at for r in members),
        next_try_at=now,
    )
    inside.update(digest=made)
    Outbox.objects.filter(pk__in=ids).update(
        state=Outbox.State.DIGESTED, digest=made, finished_at=now, said="发送太密，并入汇总", claim=None
    )
    return made


def _claimed(rows: Sequence[Outbox], transport: Transport, now: dt.datetime, relay: Relay | None) -> list[Job]:
    jobs = []
    for row in rows:
        try:
            # A gateway that failed is followed by the next one, so each delivery asks for its own transport.
            mine = of_delivery(row) if row.attempts else transport
            calls = mine.prepare(_message(row), now)
        except Unsendable as why:
            _give_up([row], str(why), now)
            continue
        ticket = uuid.uuid4()
        Outbox.objects.filter(pk=row.pk).update(
            state=Outbox.State.SENDING,
            claim=ticket,
            claimed_until=now + CLAIM,
            attempts=F("attempts") + 1,
            relay=relay,
        )
        jobs.append(Job(row.pk, ticket, row.lane, mine, calls))
    return jobs


def _message(row: Outbox) -> Message:
    return Message(
        ident=f"xingwei-{row.pk}-{int(row.created_at.timestamp())}",
        address=row.address,
        title=row.title,
        text=str(row.payload.get("text", "")),
        url=absolute(str(row.payload.get("url", ""))),
        urgent=row.urgent,
        reply=row.payload.get("reply"),
    )


def _give_up(rows: Sequence[Outbox], why: str, now: dt.datetime) -> None:
    from .settling import record_failure

    for row in rows:
        Outbox.objects.filter(pk=row.pk).update(
            state=Outbox.State.DEAD, said=why[:300], finished_at=now, claim=None, claimed_until=None
        )
        record_failure(row, why)
