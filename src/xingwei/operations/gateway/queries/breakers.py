"""What a breaker's page shows, from the rows themselves: calls in slots of time, episodes, catch-up, enquiries."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from ..engine.amounts import Money, total
from ..engine.episodes import Episode, Event, Slot, episodes
from ..models import Breaker, BreakerEvent, Channel, Queued
from . import amounts as amounts_of

SLOT = dt.timedelta(seconds=30)
HISTORY = dt.timedelta(days=180)

_SLOTS = """
SELECT slot, sum(ok)::int, sum(slow)::int, sum(failed)::int FROM (
  SELECT date_bin(%(step)s, done_at, %(since)s) AS slot,
         count(*) FILTER (WHERE latency_us <= %(slow)s) AS ok,
         count(*) FILTER (WHERE latency_us > %(slow)s) AS slow, 0 AS failed
  FROM gateway_delivery
  WHERE channel_id = %(channel)s AND done_at >= %(since)s AND done_at < %(until)s
    AND outcome IN ('delivered', 'answered')
  GROUP BY 1
  UNION ALL
  SELECT date_bin(%(step)s, at, %(since)s), 0, 0, count(*)
  FROM gateway_attempt
  WHERE channel_id = %(channel)s AND at >= %(since)s AND at < %(until)s AND outcome <> 'breaker'
  GROUP BY 1
) AS parts GROUP BY slot ORDER BY slot
"""

_CATCH_UP = """
SELECT m.id, m.received_at, m.type, m.reference, m.control_id, m.peer, d.outcome AS status, d.done_at, d.code,
       d.settled_by, NULL::jsonb AS inquiry, d.attempts, d.queued_at,
       CASE WHEN d.outcome IN ('degraded', 'skipped') AND m.reference <> '' THEN EXISTS (
         SELECT 1 FROM gateway_message n JOIN gateway_delivery e ON e.message_id = n.id
         WHERE n.reference = m.reference AND n.type = m.type AND n.received_at > m.received_at
           AND e.channel_id = d.channel_id AND e.outcome IN ('delivered', 'answered')) ELSE false END AS made_good
FROM gateway_delivery d JOIN gateway_message m ON m.id = d.message_id AND m.received_at = d.message_at
WHERE d.channel_id = %(channel)s AND d.queued_at >= %(since)s AND d.queued_at < %(until)s AND d.done_at >= %(since)s
UNION ALL
SELECT m.id, m.received_at, m.type, m.reference, m.control_id, m.peer, q.state, NULL, q.code, '', q.inquiry,
       q.attempts, q.queued_at, false
FROM gateway_queued q JOIN gateway_message m ON m.id = q.message_id AND m.received_at = q.message_at
WHERE q.channel_id = %(channel)s AND q.queued_at >= %(since)s AND q.queued_at < %(until)s
ORDER BY 2, 1
"""

_MEASURE = """
SELECT count(*) FILTER (WHERE outcome IN ('delivered', 'answered')),
       count(*) FILTER (WHERE outcome = 'degraded'),
       count(*) FILTER (WHERE outcome = 'skipped'),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - queued_at)::float8 * 1000)
         FILTER (WHERE outcome IN ('answered', 'degraded')),
       max(extract(epoch FROM done_at - queued_at)::float8 * 1000) FILTER (WHERE outcome IN ('answered', 'degraded'))
FROM gateway_delivery WHERE channel_id = %s AND done_at >= %s AND done_at < %s
"""

LABELS = {
    "delivered": "已补送", "answered": "已办成", "degraded": "按方案应答", "skipped": "跳过并标记", "dropped": "不转发",
    "cancelled": "已取消", "waiting": "待补", "held": "暂缓", "sending": "补送中", "uncertain": "结果不明", "dead": "死信",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """One message of an episode and what became of it. made_good: the same business went through later."""

    id: int
    received_at: dt.datetime
    type: str
    reference: str
    control_id: str
    peer: str
    status: str
    done_at: dt.datetime | None
    code: str
    settled_by: str
    inquiry: dict[str, Any] | None
    attempts: int
    queued_at: dt.datetime
    made_good: bool
    amount: Decimal | None = None
    """Yuan; None where the message moves no money, or does not say how much (`amount_unknown`)."""
    amount_unknown: bool = False

    @property
    def number(self) -> str:
        from ..models.numbers import number_of

        return number_of(self.received_at, self.id)

    @property
    def label(self) -> str:
        return "已补办" if self.made_good else LABELS.get(self.status, self.status)

    @property
    def must_reconcile(self) -> bool:
        """Answered by the plan, skipped, uncertain or settled by enquiry: somebody must look at it afterwards."""
        return self.status in {"degraded", "skipped", "uncertain", "dead"} or bool(self.settled_by)


def breakers(channels: Any) -> list[Channel]:
    """The ways out of a queryset with breaker, gauge and plan, the abnormal ones first."""
    order = {"cut": 0, "open": 1, "half_open": 2}
    rows = channels.filter(direction=Channel.Direction.OUT).select_related(
        "system", "interface", "breaker_now", "gauge", "plan"
    )
    return sorted(rows, key=lambda c: (order.get(state_of(c), 3), c.code))


def state_of(channel: Channel) -> str:
    row = getattr(channel, "breaker_now", None)
    return str(row.state) if row else Breaker.State.CLOSED


def slots(channel: Channel, since: dt.datetime, until: dt.datetime, slow_s: float) -> list[Slot]:
    """Calls by 30 seconds from the delivered rows and the failed attempts; empty slots are left out."""
    values: dict[str, Any] = {
        "step": SLOT,
        "since": since,
        "until": until,
        "slow": int(slow_s * 1_000_000),
        "channel": channel.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SLOTS, values)
        return [Slot(at, ok, slow, failed) for at, ok, slow, failed in cursor.fetchall()]


def history(channel: Channel, now: dt.datetime | None = None) -> list[Episode]:
    """The episodes of the last half year, oldest first."""
    since = (now or timezone.now()) - HISTORY
    rows = BreakerEvent.objects.filter(channel=channel, at__gte=since).order_by("at", "id")[:5000]
    return episodes(Event(r.at, r.before, r.after, r.reason, r.by) for r in rows)


def catch_up(channel: Channel, since: dt.datetime, until: dt.datetime | None) -> Iterator[CaughtUp]:
    """Every message that was meant for the way out while it was not closed, in order of arrival; streamed."""
    end = until or timezone.now() + dt.timedelta(days=1)
    priced = bool(amounts_of.declared(channel))
    with connection.cursor() as cursor:
        cursor.execute(_CATCH_UP, {"channel": channel.pk, "since": since, "until": end})
        names = [c[0] for c in cursor.description]
        while rows := cursor.fetchmany(500):
            found = [CaughtUp(**_values(dict(zip(names, row, strict=True)))) for row in rows]
            yield from _priced(channel, found) if priced else found


def _values(row: dict[str, Any]) -> dict[str, Any]:
    if isinstance(row["inquiry"], str):
        row["inquiry"] = json.loads(row["inquiry"])
    return row


def _priced(channel: Channel, rows: list[CaughtUp]) -> list[CaughtUp]:
    worth = amounts_of.of(channel, [(r.id, r.received_at, r.type) for r in rows])
    return [replace(r, amount=worth[r.id], amount_unknown=worth[r.id] is None) if r.id in worth else r for r in rows]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the catch-up is. total is the sum of all the others."""

    done: int = 0
    degraded: int = 0
    made_good: int = 0
    skipped: int = 0
    sending: int = 0
    waiting: int = 0
    uncertain: int = 0
    dead: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        return sum(getattr(self, name) for name in self.__slots__)

    def parts(self) -> list[tuple[str, str, int]]:
        """(key, label, number) of what is there."""
        labels = {
            "done": "已补送", "made_good": "已补办", "degraded": "按方案应答，待对账", "skipped": "跳过并标记",
            "sending": "补送中", "waiting": "待补", "uncertain": "结果不明", "dead": "死信", "other": "其他",
        }  # fmt: skip
        return [(key, label, getattr(self, key)) for key, label in labels.items() if getattr(self, key)]


_BUCKETS = {
    "delivered": "done", "answered": "done", "degraded": "degraded", "skipped": "skipped", "sending": "sending",
    "waiting": "waiting", "held": "waiting", "uncertain": "uncertain", "dead": "dead",
}  # fmt: skip


def progress(rows: Sequence[CaughtUp]) -> Progress:
    """Counted from the rows, so that the parts add up to what is listed."""
    counts: dict[str, int] = {}
    for row in rows:
        key = "made_good" if row.made_good else _BUCKETS.get(row.status, "other")
        counts[key] = counts.get(key, 0) + 1
    return Progress(**counts)


def money(rows: Sequence[CaughtUp]) -> dict[str, Money]:
    """By the same parts as `progress`, and `all`: a business that was tried again counts once there."""
    parts: dict[str, list[Decimal | None]] = {}
    once: dict[tuple[str, str], Decimal | None] = {}
    for row in rows:
        if row.amount is None and not row.amount_unknown:
            continue
        key = "made_good" if row.made_good else _BUCKETS.get(row.status, "other")
        parts.setdefault(key, []).append(row.amount)
        once[row.type, row.reference or str(row.id)] = row.amount
    return {key: total(found) for key, found in parts.items()} | ({"all": total(once.values())} if once else {})


def uncertain(channel: Channel) -> list[Queued]:
    """Deliveries whose outcome nobody knows yet, oldest first, with their messages' numbers."""
    return list(Queued.objects.filter(channel_id=channel.pk, state=Queued.State.UNCERTAIN).order_by("id")[:100])


def measure(channel: Channel, since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    """What was measured in a time: calls, answers by the plan, the callers' p99 and how it was in the hour before."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, [channel.pk, since, until])
        answered, degraded, skipped, p99, slowest = cursor.fetchone()
        cursor.execute(_MEASURE, [channel.pk, since - dt.timedelta(hours=1), since])
        usual = cursor.fetchone()[3]
    rows = list(catch_up(channel, since, until))
    done = progress(rows)
    return {
        "answered": answered,
        "degraded": degraded,
        "skipped": skipped,
        "stored": len([r for r in rows if r.status not in {"degraded", "skipped", "answered"}]),
        "caught_up": done.done + done.made_good,
        "left": done.waiting + done.sending + done.uncertain + done.dead,
        "p99_ms": round(p99, 1) if p99 is not None else None,
        "usual_p99_ms": round(usual, 1) if usual is not None else None,
        "ratio": round(p99 / usual, 2) if p99 and usual else None,
        "slowest_ms": round(slowest, 1) if slowest is not None else None,
    }
