"""Everything that the page of one message shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from ..engine import masking, text
from ..models import Attempt, Channel, Delivery, Message, Queued, RouteVersion
from ..models.numbers import number_of, parse

_DAY = dt.timedelta(days=1)
_OUTCOMES = {
    "timeout": ("warn", "clock-x", "超时"),
    "refused": ("late", "circle-x", "拒绝"),
    "rejected": ("late", "circle-x", "对方拒收"),
    "broken": ("late", "plug-connected-x", "线路中断"),
    "uncertain": ("warn", "zoom-question", "结果不明"),
    "breaker": ("pause", "hand-stop", "熔断，未发送"),
}
_DONE = {
    "delivered": ("ok", "circle-check"), "answered": ("ok", "circle-check"), "degraded": ("pause", "shield-half"),
    "skipped": ("pause", "player-skip-forward"), "dropped": ("unknown", "filter-off"), "cancelled": ("unknown", "ban"),
}  # fmt: skip
_WAITING = {
    "waiting": ("unknown", "hourglass"), "sending": ("unknown", "send"), "uncertain": ("warn", "zoom-question"),
    "held": ("pause", "player-pause"), "dead": ("late", "mail-exclamation"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a message's way. kind: ok, warn, late, pause, unknown."""

    kind: str
    icon: str
    title: str
    when: str
    text: str
    end: bool = False


def find(number: str) -> Message | None:
    """By its number: the day finds the partition, the id the row."""
    found = parse(number)
    if found is None or found[1] > 2**63 - 1:
        return None
    day, pk = found
    start = dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    return Message.objects.filter(id=pk, received_at__gte=start, received_at__lt=start + _DAY).first()


def ends_of(rows: Sequence[Queued | Delivery]) -> tuple[dict[int, RouteVersion], dict[int, Channel]]:
    """The versions that deliveries went through and the channels they go to, by id."""
    wanted = {r.route_version_id for r in rows if r.route_version_id}
    found = RouteVersion.objects.filter(pk__in=wanted).select_related("route__source", "author", "approver")
    channels = Channel.objects.filter(pk__in={r.channel_id for r in rows})
    return {v.pk: v for v in found.order_by("route__code", "number")}, {c.pk: c for c in channels}


def number_by_id(pk: int) -> str:
    """The number of a message of which only the id is known."""
    row = Message.objects.filter(id=pk).only("id", "received_at").first()
    return number_of(row.received_at, row.id) if row else ""


def neighbours(message: Message) -> tuple[str, str]:
    """The numbers of the message before and after it of the same order key, within a day; "" for none."""
    if not message.key:
        return "", ""
    narrower = ""
    values: list[Any] = [message.channel_id, message.key]
    for name in ("patient", "reference"):
        if getattr(message, name) == message.key:
            narrower = f" AND {name} = %s AND {name} <> ''"
            values.append(message.key)
            break
    found = []
    for operator, way, low, high in (
        ("<", "DESC", message.received_at - _DAY, message.received_at),
        (">", "ASC", message.received_at, message.received_at + _DAY),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, received_at FROM gateway_message WHERE channel_id = %s AND key = %s{narrower} "  # noqa: S608
                f"AND received_at >= %s AND received_at <= %s AND (received_at, id) {operator} (%s, %s) "
                f"ORDER BY received_at {way}, id {way} LIMIT 1",
                [*values, low, high, message.received_at, message.id],
            )
            row = cursor.fetchone()
        found.append(number_of(row[1], row[0]) if row else "")
    return found[0], found[1]


def repeats(message: Message) -> int:
    """How many other messages of the channel bear the same control id."""
    if not message.control_id:
        return 0
    rows = Message.objects.filter(control_id=message.control_id, channel_id=message.channel_id)
    return rows.exclude(control_id="").exclude(id=message.id)[:100].count()


def acknowledged(message: Message, kind: str) -> str:
    """What was answered, in a word: AA of HL7, ACK of ASTM."""
    answer = bytes(message.answer or b"")
    if not answer:
        return ""
    plain = text.decoded(answer)
    if kind == "hl7":
        for line in plain.replace("\n", "\r").split("\r"):
            if line.lstrip("\x0b").startswith("MSA"):
                return [*line.split("|"), ""][1]
    if kind == "astm":
        return {b"\x06": "ACK", b"\x15": "NAK"}.get(answer[:1], "")
    return f"{len(answer)} 字节"


def steps(
    message: Message,
    kind: str,
    queued: list[Queued],
    done: list[Delivery],
    attempts: list[Attempt],
    channels: dict[int, Channel],
    versions: dict[int, RouteVersion],
) -> list[Step]:
    """The way of a message: received, stored and answered, each try of each delivery, how it ended."""
    peer = message.peer or "对方"
    made = [
        Step(
            "ok", "circle-check", "接收并落库", _clock(message.received_at), f"{peer}，{message.size:,} 字节，SM3 已记"
        )
    ]
    if said := acknowledged(message, kind):
        refusing = said in {"AE", "AR", "CE", "CR", "NAK"}
        shown = f"控制号 {_short(message.control_id)}" if message.control_id else "提交之后才应答"
        made.append(
            Step(
                "late" if refusing else "ok",
                "circle-x" if refusing else "circle-check",
                f"应答 {said}",
                "落库之后",
                shown,
            )
        )
    if message.state == "quarantined":
        made.append(Step("late", "shield-x", "隔离，未转发", _clock(message.received_at), message.problem, True))
    elif message.state == "refused":
        made.append(Step("late", "ban", "没有受理", _clock(message.received_at), message.problem, True))
    many = len(queued) + len(done) > 1
    rows: list[Queued | Delivery] = [*done, *queued]
    for row in rows:
        made += _delivery(row, [a for a in attempts if a.queued_id == row.pk], channels, versions, many)
    return made


def _delivery(
    row: Queued | Delivery,
    tries: list[Attempt],
    channels: dict[int, Channel],
    versions: dict[int, RouteVersion],
    many: bool,
) -> list[Step]:
    channel = channels.get(row.channel_id)
    name = channel.peer if channel else f"通道 {row.channel_id}"
    lead = f"{name} " if many else ""
    made = []
    for a in tries:
        kind, icon, word = _OUTCOMES.get(a.outcome, ("late", "circle-x", a.outcome))
        said = " ".join(p for p in (a.code, a.reason) if p) or word
        wait = f" · 退避 {_seconds(a.wait_ms / 1000)}" if a.wait_ms else ""
        made.append(
            Step(
                kind,
                icon,
                f"{lead}第 {a.number} 次",
                f"{_clock(a.at)}{wait}",
                f"{word}：{said}" if said != word else word,
            )
        )
    if isinstance(row, Delivery):
        kind, icon = _DONE.get(row.outcome, ("ok", "circle-check"))
        took = f"，用时 {_seconds(row.latency_us / 1_000_000)}" if row.latency_us else ""
        said = row.settled_by or (f"应答 {row.code}{took}" if row.code else took.lstrip("，") or "")
        title = (
            f"{lead}第 {row.attempts} 次"
            if row.outcome in {"delivered", "answered"} and tries
            else f"{lead}{row.get_outcome_display()}"
        )
        made.append(Step(kind, icon, title, _clock(row.done_at), said or row.get_outcome_display(), True))
    else:
        kind, icon = _WAITING.get(row.state, ("unknown", "hourglass"))
        said = " ".join(p for p in (row.code, row.reason) if p)
        if row.state == "waiting" and row.next_at:
            said = f"{said} 下次 {_clock(row.next_at)}".strip()
        made.append(Step(kind, icon, f"{lead}{row.get_state_display()}", _clock(row.queued_at), said, True))
    return made


def total(message: Message, done: list[Delivery]) -> tuple[str, str]:
    """How long it took from receipt to the last answer, and how much of that was the gateway itself; "" for unknown."""
    ended = [d for d in done if d.outcome in {"delivered", "answered"}]
    if not ended:
        return "", ""
    last = max(ended, key=lambda d: d.done_at)
    whole = (last.done_at - message.received_at).total_seconds()
    own = ""
    if last.attempts == 1 and last.latency_us:
        own = _seconds(max(0.0, whole - last.latency_us / 1_000_000))
    return _seconds(whole), own


def shown_text(kind: str, raw: bytes, charset: str, *, whole: bool) -> str:
    """The text for the page, covered stretches between marks."""
    plain = text.decoded(raw, charset)
    return plain if whole else masking.mask(kind, plain)


def _clock(at: dt.datetime) -> str:
    local = at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{max(seconds * 1000, 0):.0f} 毫秒"
    return f"{seconds:.1f} 秒" if seconds < 120 else f"{seconds / 60:.0f} 分"


def _short(control_id: str) -> str:
    return control_id if len(control_id) <= 12 else f"{control_id[:4]}…{control_id[-4:]}"
