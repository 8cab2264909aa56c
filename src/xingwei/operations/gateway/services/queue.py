"""What people do with deliveries that are not done: hold, go on, cancel, send again, edit, decide an unknown outcome.

A row is changed only where it still stands as the page showed it; what is on the wire at that moment is settled by the
holder of the way out, which looks at the row again before it sends and when it writes the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..engine import documents, rules
from ..models import Channel, Edit, Message, Queued
from ..models.numbers import number_of
from ..queries import lookups, released
from ..queries.counts import forget
from .base import GatewayRefused, announce, reason_of

LARGEST_EDIT = 1_000_000
MOST = 500
# act → (words, states it may be done in, permission)
ACTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "hold": ("暂缓", ("waiting",), "gateway.message:settle"),
    "release": ("继续投递", ("held",), "gateway.message:settle"),
    "retry": ("重新投递", ("dead",), "gateway.message:replay"),
    "cancel": ("取消", ("waiting", "held", "dead"), "gateway.message:settle"),
}


def act(actor: Actor, ids: Sequence[int], what: str, reason: str) -> int:
    """Do one thing to several deliveries; returns to how many. Those that moved on meanwhile are left alone.

    Raises GatewayRefused where none is left, or the reason says nothing.
    """
    if what not in ACTS:
        raise GatewayRefused("没有这个操作")
    label, states, permission = ACTS[what]
    require(actor, permission)
    said = reason_of(reason)
    if len(ids) > MOST:
        raise GatewayRefused(f"一次最多 {MOST} 条，请分几次做")
    with transaction.atomic():
        rows = _locked(actor, permission, ids, states)
        if not rows:
            raise GatewayRefused("所选的都已不在原来的状态（可能刚刚送出），没有改动任何内容")
        if what == "cancel":
            for row in rows:
                _finish(row, "cancelled", f"人工取消：{said}")
        else:
            after = "held" if what == "hold" else "waiting"
            changed: dict[str, Any] = {"state": after}
            if what == "retry":
                changed |= {"attempts": 0, "next_at": None, "code": "", "reason": ""}
            Queued.objects.filter(pk__in=[r.pk for r in rows]).update(**changed)
        for row in rows:
            _record(actor, f"gateway.queue.{what}", row, f"{label}：{said}")
        announce("queued", {r.channel_id for r in rows})
    forget()
    return len(rows)


def decide(actor: Actor, pk: int, *, arrived: bool, reason: str) -> None:
    """Say what became of a delivery whose outcome nobody knows. Raises GatewayRefused."""
    require(actor, "gateway.message:settle")
    said = reason_of(reason)
    with transaction.atomic():
        rows = _locked(actor, "gateway.message:settle", [pk], ("uncertain",))
        if not rows:
            raise GatewayRefused("这条的结果已经清楚了，不用再裁定。请刷新看看。")
        row = rows[0]
        if arrived:
            _finish(row, "delivered", f"{actor.name} 裁定已送达：{said}")
        else:
            Queued.objects.filter(pk=row.pk).update(state="waiting", attempts=0, next_at=None, inquiry=None)
        word = "已送达" if arrived else "没有送达，重新投递"
        _record(actor, "gateway.queue.decide", row, f"裁定{word}：{said}", after={"arrived": arrived})
        announce("queued", {row.channel_id})
    forget()


def edit(actor: Actor, pk: int, text: str, reason: str) -> None:
    """Send other bytes than the rules would: for a dead or held delivery. The message stays as it was received; the
    words before and after are kept beside it. Raises GatewayRefused."""
    require(actor, "gateway.content:edit")
    said = reason_of(reason)
    with transaction.atomic():
        rows = _locked(actor, "gateway.content:edit", [pk], ("dead", "held"))
        if not rows:
            raise GatewayRefused("只能编辑死信和暂缓的投递。它可能已被别人处理，请刷新看看。")
        row = rows[0]
        before, kind, codec = content(row)
        after = _bytes(text, kind, codec)
        if after == before:
            raise GatewayRefused("内容没有改动。不改就重新投递的，请用“重新投递”。")
        Edit.objects.create(
            message_id=row.message_id, queued_id=row.pk, channel_id=row.channel_id, author_id=actor.id, reason=said,
            before=before, after=after,
        )  # fmt: skip
        Queued.objects.filter(pk=row.pk).update(
            payload=after, state="waiting", attempts=0, next_at=None, code="", reason="", size=len(after)
        )
        _record(actor, "gateway.queue.edit", row, f"编辑后重放（{len(before)} → {len(after)} 字节）：{said}")
        announce("queued", {row.channel_id})
    forget()


def content(row: Queued) -> tuple[bytes, str, str]:
    """What would be sent now: the bytes, their kind and their codec. The raw bytes where the rules cannot make any."""
    message = Message.objects.filter(received_at=row.message_at).get(pk=row.message_id)
    kind = released.kind_of(message.channel_id)
    if row.payload is not None:
        raw = bytes(row.payload)
        return raw, kind, _codec(kind, raw, message.charset)
    raw = bytes(message.raw)
    try:
        document = documents.read(kind, raw, message.charset)
        route = released.compiled(row.route_version_id) if row.route_version_id else None
        if route is not None:
            document = route.apply(document, released.facts(message), answers=lookups.of(message.id)).document
        made = document.to_bytes()
        return made, document.kind, document.charset
    except (documents.DocumentProblem, rules.RuleProblem, rules.Needs):
        return raw, kind, _codec(kind, raw, message.charset)


def _codec(kind: str, raw: bytes, charset: str) -> str:
    try:
        return documents.read(kind, raw, charset).charset
    except documents.DocumentProblem:
        return "utf-8"


def _bytes(text: str, kind: str, codec: str) -> bytes:
    """What somebody typed, as bytes of its kind. Browsers send line ends as CR LF; HL7 and ASTM end lines with CR."""
    if kind in {"hl7", "astm"}:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    try:
        raw = text.encode(codec or "utf-8")
    except UnicodeEncodeError as error:
        bad = text[error.start : error.start + 1]
        raise GatewayRefused(f"字符“{bad}”不能用对方的字符集 {codec.upper()} 表示，请换一个字。") from None
    if not raw.strip():
        raise GatewayRefused("内容是空的，没有保存。")
    if len(raw) > LARGEST_EDIT:
        raise GatewayRefused("内容太长，最多 1 MB。")
    try:
        documents.read(kind, raw, codec)
    except documents.DocumentProblem as problem:
        raise GatewayRefused(f"改后的内容读不懂：{problem.reason}没有保存。") from None
    return raw


def _locked(actor: Actor, permission: str, ids: Iterable[int], states: Sequence[str]) -> list[Queued]:
    allowed = Channel.objects.restrict(actor, permission).values_list("pk", flat=True)
    rows = Queued.objects.select_for_update().filter(pk__in=list(ids), state__in=states, channel_id__in=list(allowed))
    return list(rows.order_by("pk"))


def _finish(row: Queued, outcome: str, settled_by: str) -> None:
    """Move a queued delivery to the done ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO gateway_delivery (id, done_at, message_id, message_at, channel_id, route_version_id, order_key,
                 outcome, attempts, queued_at, first_sent_at, processed, size, settled_by)
               SELECT id, %s, message_id, message_at, channel_id, route_version_id, order_key, %s, attempts, queued_at,
                 first_sent_at, payload, size, %s FROM gateway_queued WHERE id = %s""",
            [timezone.now(), outcome, settled_by, row.pk],
        )
    Queued.objects.filter(pk=row.pk).delete()


def _record(actor: Actor, what: str, row: Queued, sentence: str, after: dict[str, Any] | None = None) -> None:
    number = number_of(row.message_at, row.message_id)
    record(actor, what, ("gateway.message", number, number), f"{number} {sentence}", after=after)
