"""Replay: messages go through the rules of today once more, in the order in which they came, behind what is there now.

A replayed message is a new one with the bytes of the first and `replay_of`; nothing of the first is changed. What
waited for the receiver's answer when it came (a settlement) is never replayed: the caller has long gone on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..channels.base import Received
from ..engine import documents, rules
from ..models import Channel, Message, Queued, RouteVersion
from ..models.numbers import number_of, parse
from ..queries import released
from ..queries.counts import forget
from . import lookups
from .base import GatewayRefused, announce, reason_of

MOST = 2_000
LONGEST = dt.timedelta(days=31)
BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be replayed: numbers, or a way in with a time, and within it a patient or a state."""

    channel: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    patient: str = ""
    type: str = ""
    state: str = ""
    numbers: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """One message with where it would go: (channel id, route version id, order key)."""

    message: Message
    received: Received
    ways: tuple[tuple[int, int, str], ...]


@dataclass(slots=True)
class Plan:
    """What a replay would do. refused: reason → how many."""

    ready: list[Ready] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    more: bool = False

    @property
    def rows(self) -> dict[str, list[tuple[str, int]]]:
        """For the page: types, targets and refusals with their numbers, most first."""
        return {
            "types": self.types.most_common(20),
            "targets": self.targets.most_common(),
            "refused": self.refused.most_common(),
        }

    @property
    def count(self) -> int:
        return len(self.ready)

    @property
    def deliveries(self) -> int:
        return sum(self.targets.values())


def dry_run(actor: Actor, selection: Selection) -> Plan:
    """What would happen, without doing it. Raises GatewayRefused where the selection is too wide or none."""
    require(actor, "gateway.message:replay")
    channels = {c.pk: c for c in Channel.objects.all()}
    allowed = set(Channel.objects.restrict(actor, "gateway.message:replay").values_list("pk", flat=True))
    routes = _routes()
    wanted = {c.pk for c in channels.values() if c.code in selection.targets}
    plan = Plan()
    for message in _messages(selection, allowed):
        if plan.count >= MOST:
            plan.more = True
            break
        source = channels[message.channel_id]
        if source.call:
            plan.refused["实时调用不能重放：调用方早已继续，结果不明的请裁定或查询"] += 1
            continue
        ready, why = _ready(message, source, routes, wanted)
        if ready is None:
            plan.refused[why] += 1
            continue
        plan.ready.append(ready)
        plan.types[ready.received.type or "未知"] += 1
        plan.targets.update(channels[c].name for c, _, _ in ready.ways if c in channels)
        plan.first = plan.first or message.received_at
        plan.last = message.received_at
    return plan


def replay(actor: Actor, selection: Selection, reason: str, *, expected: int | None = None) -> list[str]:
    """Replay in the order of receipt; returns the numbers of the new messages. expected: what the dry run had said;
    another number means that something changed meanwhile. Raises GatewayRefused."""
    said = reason_of(reason)
    with transaction.atomic():
        plan = dry_run(actor, selection)
        if plan.more:
            raise GatewayRefused(f"一次最多重放 {MOST:,} 条，请缩短时间分几次做")
        if not plan.ready:
            why = "；".join(plan.refused) or "没有符合条件的消息"
            raise GatewayRefused(f"没有可以重放的消息：{why}")
        if expected is not None and plan.count != expected:
            raise GatewayRefused(
                f"试算时是 {expected} 条，现在是 {plan.count} 条，请重新试算后再执行。没有重放任何消息。"
            )
        _room(plan)
        numbers = _write(plan.ready)
        targets = {c for r in plan.ready for c, _, _ in r.ways}
        word = numbers[0] if len(numbers) == 1 else f"{numbers[0]} 等 {len(numbers)} 条"
        first = plan.ready[0].message.number
        record(
            actor, "gateway.message.replay", ("gateway.message", first, first), f"重放为 {word}：{said}",
            after={"count": plan.count, "deliveries": plan.deliveries},
        )  # fmt: skip
        announce("queued", targets)
    forget()
    return numbers


def _messages(selection: Selection, allowed: set[int]) -> Iterator[Message]:
    rows = Message.objects.filter(channel_id__in=allowed)
    if selection.numbers:
        yield from _by_number(selection.numbers, rows)
        return
    if not selection.channel or selection.since is None:
        raise GatewayRefused("请选择通道和开始时间，或填写消息编号")
    until = selection.until or timezone.now()
    if until - selection.since > LONGEST:
        raise GatewayRefused("时间跨度最多 31 天，请分几次做")
    if until <= selection.since:
        raise GatewayRefused("结束时间应晚于开始时间")
    rows = rows.filter(
        channel_id__in=Channel.objects.filter(code=selection.channel).values("pk"),
        received_at__gte=selection.since,
        received_at__lt=until,
    )
    for name in ("patient", "type", "state"):
        if value := getattr(selection, name):
            rows = rows.filter(**{name: value})
    yield from rows.order_by("received_at", "id")[: MOST + 1].iterator(chunk_size=500)


def _by_number(numbers: tuple[str, ...], rows: Any) -> Iterator[Message]:
    found = []
    for number in dict.fromkeys(numbers):
        place = parse(number)
        if place is None:
            raise GatewayRefused(f"编号“{number[:40]}”读不懂，应形如 M-261124-418829")
        start = dt.datetime(place[0].year, place[0].month, place[0].day, tzinfo=dt.timezone(dt.timedelta(hours=8)))
        row = rows.filter(id=place[1], received_at__gte=start, received_at__lt=start + dt.timedelta(days=1)).first()
        if row is None:
            raise GatewayRefused(f"没有消息 {number}，或您不能重放它")
        found.append(row)
    yield from sorted(found, key=lambda m: (m.received_at, m.id))


def _routes() -> dict[int, list[tuple[RouteVersion, rules.Route, list[int]]]]:
    """The routes in force of each way in, compiled, with the ways out they name."""
    ids = dict(Channel.objects.filter(direction="out").values_list("code", "pk"))
    found: dict[int, list[tuple[RouteVersion, rules.Route, list[int]]]] = {}
    versions = RouteVersion.objects.filter(state="released", route__active=True).select_related("route__source")
    maps = released.maps()
    for version in versions.order_by("route__code"):
        source = version.route.source
        try:
            compiled = rules.compile(version.document, maps, released.document_of(source.kind, source.settings))
        except rules.RuleProblem:
            continue
        targets = [ids[code] for code in compiled.targets if code in ids]
        found.setdefault(source.pk, []).append((version, compiled, targets))
    return found


def _ready(
    message: Message,
    source: Channel,
    routes: dict[int, list[tuple[RouteVersion, rules.Route, list[int]]]],
    wanted: set[int],
) -> tuple[Ready | None, str]:
    received = _received(message, source)
    ways: list[tuple[int, int, str]] = []
    try:
        for version, route, targets in routes.get(source.pk, []):
            if not route.matches(received):
                continue
            key = route.key(received) or received.key
            ways += [(t, version.pk, key) for t in targets if not wanted or t in wanted]
    except (documents.DocumentProblem, rules.RuleProblem) as problem:
        return None, f"原文读不懂：{problem}"
    if not ways:
        return None, "没有路由受理"
    try:
        documents.read(released.document_of(source.kind, source.settings), received.raw, received.charset)
    except documents.DocumentProblem as problem:
        return None, f"原文读不懂：{problem.reason}"
    return Ready(message, received, tuple(ways)), ""


def _received(message: Message, source: Channel) -> Received:
    """The message as its listener handed it over; what was quarantined for its form is read anew."""
    found = Received(
        bytes(message.raw), message.control_id, message.type, message.key, message.patient, message.reference,
        message.event_at, message.charset, message.peer,
    )  # fmt: skip
    if message.state != Message.State.QUARANTINED or found.type:
        return found
    kind = released.document_of(source.kind, source.settings)
    try:
        document = documents.read(kind, found.raw, found.charset)
    except documents.DocumentProblem:
        return found
    if kind == "hl7":
        found.type, found.control_id = document.get("MSH-9"), found.control_id or document.get("MSH-10")
        found.patient = found.patient or document.get("PID-3.1")
        found.key = found.key or found.patient or source.code
    return found


def _room(plan: Plan) -> None:
    """The queues' bounds hold for a replay as for live traffic."""
    counted = Counter(c for r in plan.ready for c, _, _ in r.ways)
    for channel in Channel.objects.filter(pk__in=counted):
        waiting = Queued.objects.filter(channel_id=channel.pk, state="waiting")[: channel.capacity].count()
        if waiting + counted[channel.pk] > channel.capacity:
            raise GatewayRefused(f"“{channel.name}”的队列放不下：已有 {waiting:,} 条，上限 {channel.capacity:,} 条")


def _write(ready: list[Ready]) -> list[str]:
    """Messages and their deliveries, with ids of blocks of their own, in the order of receipt."""
    ids = _ids(len(ready) + sum(len(r.ways) for r in ready))
    now = timezone.now()
    numbers, messages, queued = [], [], []
    for n, item in enumerate(ready):
        at = now + dt.timedelta(microseconds=n)
        pk = next(ids)
        r, m = item.received, item.message
        messages.append((pk, at, r.control_id, r.type, r.key, r.patient, len(item.ways), m.id, m.received_at, m.id))
        for channel_id, version_id, key in item.ways:
            queued.append((next(ids), pk, at, channel_id, version_id, key, at, len(r.raw)))
        numbers.append(number_of(at, pk))
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO gateway_message (id, received_at, channel_id, state, control_id, type, key, patient, reference,
                 event_at, charset, peer, size, digest, raw, answer, targets, replay_of)
               SELECT %s, %s, channel_id, 'accepted', %s, %s, %s, %s, reference, event_at, charset, peer, size, digest,
                 raw, answer, %s, %s FROM gateway_message WHERE received_at = %s AND id = %s""",
            [(pk, at, c, t, k, p, n, origin, was, mid) for pk, at, c, t, k, p, n, origin, was, mid in messages],
        )
        cursor.executemany(
            """INSERT INTO gateway_queued (id, message_id, message_at, channel_id, route_version_id, order_key, state,
                 queued_at, size) VALUES (%s, %s, %s, %s, %s, %s, 'waiting', %s, %s)""",
            queued,
        )
    lookups.copy((origin, pk, at) for pk, at, *_, origin, _was, _mid in messages)
    return numbers


def _ids(count: int) -> Iterator[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('gateway_ids') FROM generate_series(1, %s)", [-(-count // BLOCK)])
        blocks = [row[0] for row in cursor.fetchall()]
    return (pk for block in sorted(blocks) for pk in range(block, block + BLOCK))
