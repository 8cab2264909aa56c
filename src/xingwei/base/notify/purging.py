"""What is older than the installation keeps it goes, a portion at a time; the journal says how much it was."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor
from xingwei.base.site import queries as site

from .models import InboundMessage, Lane, Notification, Outbox

_PORTION = 5_000
_IDLE_LANE = dt.timedelta(days=2)


def purge() -> dict[str, int]:
    """Delete old notifications, finished deliveries, messages that were dealt with, lanes nobody waits in."""
    limit = timezone.now() - dt.timedelta(days=int(site.value("notify.keep.days")))
    done = {
        "notification": _delete(Notification.objects.filter(at__lt=limit)),
        "outbox": _delete(Outbox.objects.filter(created_at__lt=limit).exclude(state__in=Outbox.UNFINISHED)),
        "inbound": _delete(
            InboundMessage.objects.filter(received_at__lt=limit).exclude(state=InboundMessage.State.RECEIVED)
        ),
    }
    waiting = Outbox.objects.filter(state__in=Outbox.UNFINISHED).values("lane")
    idle = timezone.now() - _IDLE_LANE
    quiet = Lane.objects.exclude(pk__in=waiting).filter(models.Q(blocked_until=None) | models.Q(blocked_until__lt=idle))
    _delete(quiet.exclude(spent__len__gt=0) | quiet.filter(spent__0__lt=idle))
    if any(done.values()):
        with transaction.atomic():
            record(system_actor(), "notify.purge", None, "清理到期的通知与发送记录", after=done)
    return done


def _delete(rows: models.QuerySet[Any]) -> int:
    n = 0
    while portion := list(rows.order_by().values_list("pk", flat=True)[:_PORTION]):
        with transaction.atomic():
            n += rows.model._default_manager.filter(pk__in=portion).delete()[1].get(rows.model._meta.label, 0)
    return n
