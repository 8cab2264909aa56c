"""Reading notification: the inbox, what is configured, the state of the outbox."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min, Q, Value
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.site import queries as site
from xingwei.base.ui import words
from xingwei.base.ui.registry import Banner
from xingwei.base.ui.registry import Count as Badge

from .models import Gateway, InboundMessage, MailServer, Notification, Outbox, Relay, Robot, WecomApp

BELL_CAP = 100


def unread(actor: Actor) -> int:
    """How many of the actor's own are unread, at most BELL_CAP."""
    if actor.id is None:
        return 0
    return Notification.objects.filter(person_id=actor.id, read_at=None).order_by()[:BELL_CAP].count()


def newest(actor: Actor) -> int:
    """The number of the actor's latest notification; 0 for none."""
    rows = Notification.objects.filter(person_id=actor.id).order_by("-at", "-id").values_list("pk", flat=True)
    return rows.first() or 0


def urgent_since(actor: Actor, last: int) -> list[Notification]:
    """The actor's unread urgent ones after that number, at most three."""
    rows = Notification.objects.filter(person_id=actor.id, read_at=None, urgent=True, pk__gt=last)
    return list(rows.order_by("-id")[:3])


def configured_channels() -> frozenset[str]:
    """The channels by which a person can be reached now."""
    mail = MailServer.objects.filter(on=True).annotate(c=Value("mail")).values_list("c")
    wecom = WecomApp.objects.filter(on=True).annotate(c=Value("wecom")).values_list("c")
    gateways = Gateway.objects.filter(on=True).order_by().values_list("kind")
    return frozenset(c for (c,) in mail.union(wecom, gateways))


def waiting() -> int:
    """Deliveries that are not finished, counted up to a little over the limit."""
    cap = int(site.value("notify.queue.max"))
    return Outbox.objects.filter(state__in=Outbox.UNFINISHED).order_by()[: cap + 1].count()


def relayed_channels() -> set[str]:
    """Channels whose deliveries a relay fetches."""
    return {c for channels in Relay.objects.filter(on=True).values_list("channels", flat=True) for c in channels}


def robot_choices() -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in Robot.objects.values_list("pk", "name")[:100]]


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """The state of the outbox at a glance. oldest: of what is not finished; the last day's counts by outcome."""

    queued: int
    failed: int
    sending: int
    oldest: dt.datetime | None
    oldest_urgent: dt.datetime | None
    sent_today: int
    dead_today: int
    limit: int

    @property
    def waiting(self) -> int:
        return self.queued + self.failed + self.sending


def outbox_health() -> OutboxHealth:
    """Two queries over partial indexes; what is not finished is bounded by the queue's limit."""
    states = Outbox.State
    unfinished = Outbox.objects.filter(state__in=Outbox.UNFINISHED).aggregate(
        queued=Count("pk", filter=Q(state=states.QUEUED)),
        failed=Count("pk", filter=Q(state=states.FAILED)),
        sending=Count("pk", filter=Q(state=states.SENDING)),
        oldest=Min("created_at"),
        oldest_urgent=Min("created_at", filter=Q(urgent=True)),
    )
    day = Outbox.objects.filter(created_at__gte=timezone.now() - dt.timedelta(hours=24)).aggregate(
        sent_today=Count("pk", filter=Q(state__in=[states.SENT, states.DIGESTED])),
        dead_today=Count("pk", filter=Q(state=states.DEAD)),
    )
    return OutboxHealth(**unfinished, **day, limit=int(site.value("notify.queue.max")))


def alarm(actor: Actor) -> Banner | None:
    """The banner for who looks after the outbox: an urgent one waits too long, was lost, or the queue is full."""
    if not may(actor, "notify.outbox:view"):
        return None
    now = timezone.now()
    unfinished = Outbox.objects.filter(state__in=Outbox.UNFINISHED).aggregate(
        n=Count("pk"), oldest=Min("created_at", filter=Q(urgent=True))
    )
    url = reverse("notify:outbox")
    limit = dt.timedelta(minutes=int(site.value("notify.urgent.wait")))
    if unfinished["oldest"] and now - unfinished["oldest"] > limit:
        waits = words.duration(now - unfinished["oldest"])
        return Banner("late", f"有紧急通知等了 {waits} 还没有发出去，请改用电话通知。", f"{url}?urgent=1", "看发件箱")
    lost = Outbox.objects.filter(state=Outbox.State.DEAD, urgent=True, finished_at__gte=now - dt.timedelta(hours=1))
    if n := lost.order_by()[:BELL_CAP].count():
        return Banner("late", f"近 1 小时有 {n} 条紧急通知没有发出去。", f"{url}?state=dead&urgent=1", "看发件箱")
    if unfinished["n"] >= int(site.value("notify.queue.max")):
        return Banner("warn", "待发通知已达上限，普通通知只在站内显示。", url, "看发件箱")
    return None


def only_robots() -> bool:
    """Whether urgent messages could leave the house by chat robots alone."""
    return Robot.objects.filter(on=True).exists() and not Gateway.objects.filter(on=True).exists()


def quarantined() -> int:
    rows = InboundMessage.objects.filter(state=InboundMessage.State.QUARANTINED)
    return rows.order_by()[:BELL_CAP].count()


def inbound_count(actor: Actor) -> Badge | None:
    """Beside the navigation entry: what waits for a person."""
    n = quarantined()
    return Badge(n, hot=True, title=f"{n} 封来信被隔离") if n else None
