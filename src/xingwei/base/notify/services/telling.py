"""Telling people and groups: the page at once, the outbox for everything that leaves the house."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.journal.who import Who
from xingwei.base.site import queries as site

from .. import kinds, queries
from ..channels.page import transport as page
from ..engine import routing
from ..engine.routing import Contact, Quiet
from ..engine.texts import clean, one_line
from ..models import Gateway, Lane, Notification, Outbox, Preference, QuietHours, Robot
from ..models.inbox import KEY_LENGTH, TEXT_LENGTH, TITLE_LENGTH, URL_LENGTH
from ..models.outbox import LANE_LENGTH
from ..wake import wake

FULL = "待发消息已达上限，这条只在站内通知。"


def tell(
    actor: Who,
    people: Iterable[Any],
    *,
    kind: str,
    title: str,
    text: str = "",
    url: str = "",
    urgent: bool = False,
    key: str = "",
) -> list[Notification]:
    """Tell people (accounts or their ids): on the page, and by the channels that reach them.

    Call it in the transaction of the act that there is something to tell about: with it, all is written or
    nothing, and nothing is sent before commit. Returns the notifications made now: accounts that are switched
    off, and persons who were told this key before, are left out.
    """
    ids = {p.pk if isinstance(p, models.Model) else int(p) for p in people if p is not None}
    if not ids:
        return []
    content = _content(title, text, url)
    with transaction.atomic():
        persons = list(get_user_model()._default_manager.filter(pk__in=ids, is_active=True).order_by("pk"))
        made = page.write(
            persons, sender=actor.name, kind=kind, content=content, urgent=urgent, key=clean(key, KEY_LENGTH)
        )
        if not made:
            return []
        told = {n.person_id for n in made}
        _send_to_persons([p for p in persons if p.pk in told], made, content)
        record(
            actor,
            "notify.person.tell",
            ("notify.notification", str(made[0].pk), kinds.label(kind)),
            f"通知 {len(made)} 人：{kinds.label(kind)}{'（紧急）' if urgent else ''}",
            after={"kind": kind, "key": key, "people": sorted(told), "urgent": urgent},
        )
    return made


def broadcast(
    actor: Who,
    *,
    topic: str,
    title: str,
    text: str = "",
    url: str = "",
    urgent: bool = False,
    key: str = "",
) -> list[Outbox]:
    """Tell the groups whose robots are subscribed to the topic; the same key reaches a group once only.

    An urgent one is also sent to the duty numbers of the SMS and voice gateways: a level-1 fault is never
    left to a robot alone. Call it in the transaction of the act. Returns the deliveries made now.
    """
    content = _content(title, text, url)
    key = clean(key, KEY_LENGTH)
    with transaction.atomic():
        rows = [
            Outbox(channel=r.channel, lane=r.lane, robot=r, kind=topic, payload=content, urgent=urgent, key=key)
            for r in Robot.objects.filter(on=True)
            if not r.topics or topic in r.topics
        ]
        if urgent:
            rows += _to_duty_numbers(topic, content, key)
        made = _queue(rows)
        if made:
            record(
                actor,
                "notify.group.tell",
                ("notify.outbox", str(made[0].pk), kinds.label(topic)),
                f"群发 {len(made)} 处：{kinds.label(topic)}{'（紧急）' if urgent else ''}",
                after={"topic": topic, "key": key, "urgent": urgent},
            )
    return made


def send_to(channel: str, address: str, *, kind: str, payload: dict[str, Any], key: str = "") -> list[Outbox]:
    """One delivery to a bare address: the answer to a message that came in. In the caller's transaction."""
    row = Outbox(channel=channel, lane=_lane(channel, address), address=address, kind=kind, payload=payload, key=key)
    return _queue([row])


def _content(title: str, text: str, url: str) -> dict[str, Any]:
    return {
        "title": clean(one_line(title), TITLE_LENGTH) or "通知",
        "text": clean(text.strip(), TEXT_LENGTH),
        "url": url if len(url) <= URL_LENGTH else "",
    }


def _send_to_persons(persons: Sequence[Any], made: Sequence[Notification], content: dict[str, Any]) -> None:
    configured = queries.configured_channels()
    if not configured or not persons:
        return
    chosen: dict[int, dict[tuple[str, str], bool]] = defaultdict(dict)
    kind, urgent = made[0].kind, made[0].urgent
    for p in Preference.objects.filter(person__in=persons, kind__in=[kind, routing.EVERY_KIND]):
        chosen[p.person_id][p.kind, p.channel] = p.on
    quiet = {q.person_id: Quiet(q.since, q.until) for q in QuietHours.objects.filter(person__in=persons)}
    now = timezone.now()
    notes = {n.person_id: n for n in made}
    rows = []
    for person in persons:
        contact = contact_of(person)
        for channel in routing.channels(contact, configured, kind, chosen[person.pk], urgent=urgent):
            address = contact.address(channel)
            rows.append(
                Outbox(
                    channel=channel, lane=_lane(channel, address), person=person, address=address,
                    notification=notes[person.pk], kind=kind, payload=content, urgent=urgent,
                    key=notes[person.pk].key,
                    next_try_at=routing.not_before(now, quiet.get(person.pk), urgent=urgent),
                )
            )  # fmt: skip
    _queue(rows)


def contact_of(person: Any) -> Contact:
    return Contact(wecom=person.wecom_id.strip(), mail=person.email.strip(), mobile=person.mobile.strip())


def _to_duty_numbers(topic: str, content: dict[str, Any], key: str) -> list[Outbox]:
    wanted = {(g.kind, mobile): None for g in Gateway.objects.filter(on=True) for mobile in g.duty_mobiles}
    return [
        Outbox(
            channel=kind, lane=_lane(kind, mobile), address=mobile, kind=topic, payload=content, urgent=True, key=key
        )
        for kind, mobile in wanted
    ]


def _lane(channel: str, address: str) -> str:
    return f"{channel}:{address}"[:LANE_LENGTH]


def _queue(rows: Sequence[Outbox]) -> list[Outbox]:
    """Put deliveries into the outbox and have them sent after commit. A full outbox takes urgent ones only."""
    if not rows:
        return []
    ordinary = [r for r in rows if not r.urgent]
    if ordinary and queries.waiting() + len(ordinary) > int(site.value("notify.queue.max")):
        for row in ordinary:
            row.state, row.said, row.finished_at = Outbox.State.DEAD, FULL, timezone.now()
    Lane.objects.bulk_create([Lane(key=lane) for lane in {r.lane for r in rows}], ignore_conflicts=True)
    keyed = rows[0].key
    if keyed:
        mine = Outbox.objects.filter(key=keyed, lane__in=[r.lane for r in rows])
        before = set(mine.values_list("pk", flat=True))
        Outbox.objects.bulk_create(rows, ignore_conflicts=True)
        made = list(mine.exclude(pk__in=before))
    else:
        made = Outbox.objects.bulk_create(rows)
    wake()
    return made
