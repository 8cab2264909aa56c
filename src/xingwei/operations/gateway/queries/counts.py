"""The numbers beside the tabs, kept for some seconds: every page shows them."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import policy

from ..models import Channel, Message, Queued

_TTL_S = 3.0
CAP = 100_000
_cache: dict[tuple[Any, ...], tuple[float, dict[str, int]]] = {}


def counts(actor: Actor) -> dict[str, int]:
    """waiting, dead, uncertain, quarantined (of two days) of the channels whose messages the actor may see."""
    key = (policy().scope(actor, "gateway.message:view"), actor.systems, actor.side)
    found = _cache.get(key)
    if found is None or time.monotonic() - found[0] > _TTL_S:
        found = _cache[key] = (time.monotonic(), _count(actor))
    return found[1]


def forget() -> None:
    """Drop this process's cache (after an act, and between tests)."""
    _cache.clear()


def _count(actor: Actor) -> dict[str, int]:
    ids = list(Channel.objects.restrict(actor, "gateway.message:view").values_list("pk", flat=True))
    rows = Queued.objects.filter(channel_id__in=ids)
    aside = rows.exclude(state=Queued.State.WAITING)
    since = timezone.now() - dt.timedelta(days=2)
    held = Message.objects.exclude(state=Message.State.ACCEPTED).filter(
        state=Message.State.QUARANTINED, received_at__gte=since, channel_id__in=ids
    )
    return {
        "waiting": rows.filter(state=Queued.State.WAITING)[:CAP].count(),
        "dead": aside.filter(state=Queued.State.DEAD).count(),
        "uncertain": aside.filter(state=Queued.State.UNCERTAIN).count(),
        "held": aside.filter(state=Queued.State.HELD).count(),
        "quarantined": held[:CAP].count(),
    }
