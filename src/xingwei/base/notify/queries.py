"""Reading notification: the inbox, what is configured, the state of the outbox."""

from __future__ import annotations

from django.db.models import Value

from xingwei.base.policy.engine import Actor
from xingwei.base.site import queries as site

from .models import Gateway, MailServer, Notification, Outbox, Relay, WecomApp

BELL_CAP = 100


def unread(actor: Actor) -> int:
    """How many of the actor's own are unread, at most BELL_CAP."""
    if actor.id is None:
        return 0
    return Notification.objects.filter(person_id=actor.id, read_at=None).order_by()[:BELL_CAP].count()


def newest(actor: Actor) -> int:
    """The number of the actor's latest notification; 0 for none."""
    rows = Notification.objects.filter(person_id=actor.id).order_by("-id").values_list("pk", flat=True)
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
