"""A person's own inbox and wishes.

Reading is not journalled: the row's read_at is the record of it, and it is nobody's act but its owner's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor

from .. import kinds
from ..engine.routing import EVERY_KIND, PERSONAL
from ..models import Notification, Preference, QuietHours
from .base import Refused


def mark_read(actor: Actor, notification: Notification) -> Notification:
    """The actor has read one of their own; raises Refused for another person's."""
    if notification.person_id != actor.id:
        raise Refused("这不是您的通知。")
    if notification.read_at is None:
        now = timezone.now()
        Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=now)
        notification.read_at = now
    return notification


def mark_all_read(actor: Actor, *, up_to: int | None = None) -> int:
    """All of the actor's own that are unread, up to that one where given; how many these were."""
    rows = Notification.objects.filter(person_id=actor.id, read_at=None)
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return rows.update(read_at=timezone.now())


def set_preferences(
    actor: Actor, choices: Mapping[tuple[str, str], bool | None], quiet: tuple[dt.time, dt.time] | None
) -> None:
    """Replace the actor's own choices. choices: (kind, channel) → on, off or None for the usual.

    quiet: hours in which ordinary messages wait, None for none. Raises Refused for an unknown kind or channel.
    """
    known = {EVERY_KIND, *kinds.kinds()}
    for kind, channel in choices:
        if kind not in known or channel not in PERSONAL:
            raise Refused("没有这个通知种类或渠道，请刷新页面再选。")
    if actor.id is None:
        raise Refused("请先登录。")
    with transaction.atomic():
        before = {f"{p.kind} {p.channel}": p.on for p in Preference.objects.filter(person_id=actor.id)}
        Preference.objects.filter(person_id=actor.id).delete()
        made = [
            Preference(person_id=actor.id, kind=kind, channel=channel, on=on)
            for (kind, channel), on in choices.items()
            if on is not None
        ]
        Preference.objects.bulk_create(made)
        if quiet and quiet[0] != quiet[1]:
            QuietHours.objects.update_or_create(person_id=actor.id, defaults={"since": quiet[0], "until": quiet[1]})
        else:
            QuietHours.objects.filter(person_id=actor.id).delete()
        after = {f"{p.kind} {p.channel}": p.on for p in made}
        record(
            actor,
            "notify.preference.set",
            ("notify.preference", str(actor.id), actor.name),
            "修改本人的通知偏好",
            before=before,
            after=after | ({"quiet": [str(t) for t in quiet]} if quiet else {}),
        )
