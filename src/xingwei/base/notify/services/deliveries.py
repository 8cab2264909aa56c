"""What a person does with a delivery: send it again, or not at all."""

from __future__ import annotations

import datetime as dt

from django.db import models, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Lane, Outbox
from ..wake import wake
from .base import Refused

_AGAIN = (Outbox.State.DEAD, Outbox.State.FAILED, Outbox.State.CANCELLED)
_MOST_AT_ONCE = 500


def retry(actor: Actor, row: Outbox) -> Outbox:
    """Send a failed or cancelled delivery now, with all its attempts anew; its lane is given another chance too.

    Raises Refused for one that is under way or done.
    """
    require(actor, "notify.outbox:handle")
    with transaction.atomic():
        locked: Outbox = Outbox.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if locked.state not in _AGAIN:
            raise Refused(f"这条{locked.get_state_display()}，不能重发。")
        _again(Outbox.objects.filter(pk=locked.pk))
        record(actor, "notify.delivery.retry", _target(locked), f"重发{locked.get_channel_display()}通知")
        wake()
    locked.refresh_from_db()
    return locked


def retry_failed(actor: Actor, since: dt.datetime) -> int:
    """Send again what was given up since then, at most 500; how many these were."""
    require(actor, "notify.outbox:handle")
    with transaction.atomic():
        dead = Outbox.objects.filter(state=Outbox.State.DEAD, created_at__gte=since).order_by("-id")
        ids = list(dead.values_list("pk", flat=True)[:_MOST_AT_ONCE])
        n = _again(Outbox.objects.filter(pk__in=ids, state=Outbox.State.DEAD))
        if n:
            record(actor, "notify.delivery.retry", None, f"重发 {n} 条发送失败的通知", after={"count": n})
            wake()
    return n


def cancel(actor: Actor, row: Outbox) -> Outbox:
    """A delivery that waits is not sent. Raises Refused for one that is under way or done."""
    require(actor, "notify.outbox:handle")
    with transaction.atomic():
        locked: Outbox = Outbox.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if locked.state not in Outbox.OPEN:
            raise Refused(f"这条{locked.get_state_display()}，不能取消。")
        cancel_open(Outbox.objects.filter(pk=locked.pk), f"由{actor.name}取消")
        record(actor, "notify.delivery.cancel", _target(locked), f"取消{locked.get_channel_display()}通知")
    locked.refresh_from_db()
    return locked


def cancel_open(rows: models.QuerySet[Outbox], why: str) -> int:
    """Cancel what of the rows waits; in the caller's transaction."""
    return rows.filter(state__in=Outbox.OPEN).update(
        state=Outbox.State.CANCELLED, said=why[:300], finished_at=timezone.now()
    )


def _again(rows: models.QuerySet[Outbox]) -> int:
    lanes = list(rows.values_list("lane", flat=True))
    Lane.objects.filter(pk__in=lanes).update(blocked_until=None, blocked_why="")
    now = timezone.now()
    return rows.update(state=Outbox.State.QUEUED, attempts=0, next_try_at=now, finished_at=None, said="", answer="")


def _target(row: Outbox) -> tuple[str, str, str]:
    return ("notify.outbox", str(row.pk), row.get_channel_display())
