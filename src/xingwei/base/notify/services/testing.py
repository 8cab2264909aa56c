"""Trying a channel out: one message now, and the service's real answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from .. import queries
from ..channels.base import Message, Transport, Unsendable
from ..channels.carry import carry, client
from ..channels.gateway.transport import HttpGateway
from ..channels.mail.transport import Mail
from ..channels.registry import of_robot
from ..channels.wecom.transport import WecomApplication
from ..engine import rates
from ..engine.outcomes import Outcome, Result
from ..engine.wire import Answer
from ..models import Gateway, Lane, MailServer, Outbox, Robot, WecomApp
from ..wake import wake
from .base import Refused

Source = Robot | Gateway | MailServer | WecomApp
TITLE = "测试消息"
TEXT = "收到这条，说明通知渠道已经配好，不需要处理。"


@dataclass(frozen=True, slots=True)
class Tried:
    """queued: the delivery where a relay has to carry it; then there is no outcome yet."""

    outcome: Outcome | None
    answers: Sequence[Answer] = ()
    queued: Outbox | None = None

    @property
    def ok(self) -> bool:
        return self.outcome is not None and self.outcome.result is Result.SENT


def try_out(actor: Actor, source: Source, address: str = "") -> Tried:
    """Send a test message to the robot's group, or to the address. Raises Refused where it cannot be sent."""
    require(actor, "notify.channel:change")
    channel, lane = _lane(source, address)
    if channel in queries.relayed_channels():
        return Tried(None, queued=_queue(actor, source, channel, lane, address))
    try:
        transport = _transport(source)
        now = timezone.now()
        message = Message(f"xingwei-test-{int(now.timestamp())}", address, TITLE, f"{TEXT}（{actor.name}）", "", False)
        calls = transport.prepare(message, now)
    except Unsendable as why:
        raise Refused(str(why)) from why
    _spend(lane, transport, now)
    with client() as http:
        answers = carry(calls, http)
    outcome = transport.judge(answers)
    with transaction.atomic():
        transport.learn(answers)
        if outcome.result is Result.LIMITED:
            Lane.objects.filter(pk=lane).update(blocked_until=now + outcome.pause, blocked_why=outcome.said[:200])
        field = "last_sent_at" if outcome.result is Result.SENT else "last_failed_at"
        type(source).objects.filter(pk=source.pk).update(**{field: now, "last_said": outcome.said[:300]})
        record(
            actor, "notify.channel.test", source, f"测试{source}：{outcome.said}"[:300], after={"result": outcome.result.value}
        )  # fmt: skip
    return Tried(outcome, answers)


def _transport(source: Source) -> Transport:
    if isinstance(source, Robot):
        return of_robot(source)
    if isinstance(source, Gateway):
        return HttpGateway.of(source)
    return Mail.of(source) if isinstance(source, MailServer) else WecomApplication.of(source)


def _lane(source: Source, address: str) -> tuple[str, str]:
    if isinstance(source, Robot):
        return source.channel, source.lane
    channel = source.kind if isinstance(source, Gateway) else "mail" if isinstance(source, MailServer) else "wecom"
    return channel, f"{channel}:{address}"


def _spend(key: str, transport: Transport, now: dt.datetime) -> None:
    """A test counts like any other message: it must not push the lane over its limit either."""
    with transaction.atomic():
        Lane.objects.bulk_create([Lane(key=key)], ignore_conflicts=True)
        lane = Lane.objects.select_for_update().get(pk=key)
        lane.spent = rates.still_counting(lane.spent, transport.limits, now)
        free_at = max(rates.next_free(lane.spent, transport.limits, now), lane.blocked_until or now)
        if free_at > now:
            raise Refused(f"发送额度已用完，{timezone.localtime(free_at):%H:%M:%S} 以后再试。")
        lane.spent = [*lane.spent, now]
        lane.save()


def _queue(actor: Actor, source: Source, channel: str, lane: str, address: str) -> Outbox:
    with transaction.atomic():
        Lane.objects.bulk_create([Lane(key=lane)], ignore_conflicts=True)
        row = Outbox.objects.create(
            channel=channel,
            lane=lane,
            robot=source if isinstance(source, Robot) else None,
            address=address,
            kind="test",
            payload={"title": TITLE, "text": f"{TEXT}（{actor.name}）", "url": ""},
        )
        record(actor, "notify.channel.test", source, f"测试{source}：已交给中转")
        wake()
    return row
