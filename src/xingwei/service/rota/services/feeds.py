"""The secret address of a person's calendar feed: shown once, kept as a digest only."""

from __future__ import annotations

import hashlib
import secrets

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import CalendarFeed


def make_feed(actor: Actor) -> str:
    """A new token for the actor's feed; an earlier address stops working."""
    require(actor, "rota.shift:view")
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        feed, _ = CalendarFeed.objects.update_or_create(
            person_id=actor.id, defaults={"digest": digest(token), "created_at": timezone.now()}
        )
        record(actor, "rota.feed.make", feed, f"{actor.name} 生成值班日历订阅地址")
    return token


def forget_feed(actor: Actor) -> None:
    """The actor's feed ends."""
    require(actor, "rota.shift:view")
    with transaction.atomic():
        feed = CalendarFeed.objects.filter(person_id=actor.id).first()
        if feed is not None:
            record(actor, "rota.feed.forget", feed, f"{actor.name} 停用值班日历订阅地址")
            feed.delete()


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
