"""Messages as a reader may read them: masked, unless the reader holds the data right and has given a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may

from ..engine import masking, text
from ..models import Attempt, Channel, Delivery, Queued
from . import released
from .messages import Hit

REVEAL = "gateway.content:reveal"


@dataclass(frozen=True, slots=True)
class Place:
    """What is shown of a channel beside its messages."""

    channel: Channel
    document: str
    charset: str


def visible(actor: Actor, permission: str = "gateway.message:view") -> dict[int, Place]:
    """The channels whose messages the actor may see, by id."""
    rows = Channel.objects.restrict(actor, permission).select_related("system", "interface")
    return {
        c.pk: Place(c, released.document_of(c.kind, c.settings), str(c.settings.get("charset") or "")) for c in rows
    }


def seer(actor: Actor, places: Mapping[int, Place]) -> Callable[[Hit], str]:
    """The text of a message by which the actor may find it: without what is covered for them."""
    whole = may(actor, REVEAL)

    def seen(hit: Hit) -> str:
        place = places.get(hit.channel_id)
        if place is None:
            return ""
        plain = text.decoded(hit.raw, hit.charset or place.charset)
        if whole:
            return plain
        return " ".join(p.text for p in masking.parts(masking.mask(place.document, plain)) if not p.covered)

    return seen


def states_of(hits: Iterable[Hit]) -> dict[int, tuple[str, str, str]]:
    """(kind, word, icon) of each message: what became of it. Three queries for a page."""
    found = {h.id: h for h in hits}
    if not found:
        return {}
    since = min(h.received_at for h in found.values())
    queued: dict[int, list[str]] = {}
    for mid, state in Queued.objects.filter(message_id__in=list(found)).values_list("message_id", "state"):
        queued.setdefault(mid, []).append(state)
    done: dict[int, list[str]] = {}
    rows = Delivery.objects.filter(message_id__in=list(found), done_at__gte=since)
    for mid, outcome in rows.values_list("message_id", "outcome").order_by():
        done.setdefault(mid, []).append(outcome)
    return {mid: word_of(h.state, queued.get(mid, []), done.get(mid, []), h.targets) for mid, h in found.items()}


_QUEUED = (
    ("dead", "late", "死信", "mail-exclamation"),
    ("uncertain", "warn", "结果不明", "zoom-question"),
    ("held", "pause", "暂缓", "player-pause"),
    ("sending", "doing", "投递中", "send"),
    ("waiting", "doing", "等待投递", "hourglass"),
)
_DONE = (
    ("cancelled", "unknown", "已取消", "ban"),
    ("skipped", "pause", "跳过并标记", "player-skip-forward"),
    ("degraded", "pause", "按方案应答", "shield-half"),
    ("dropped", "unknown", "不转发", "filter-off"),
    ("delivered", "ok", "已投递", "circle-check"),
    ("answered", "ok", "已应答", "circle-check"),
)


def word_of(state: str, queued: list[str], done: list[str], targets: int) -> tuple[str, str, str]:
    """A message in a word: what is worst of its deliveries."""
    if state == "quarantined":
        return "late", "隔离", "shield-x"
    if state == "refused":
        return "warn", "已拒绝", "ban"
    for key, kind, word, icon in _QUEUED:
        if key in queued:
            return kind, word, icon
    for key, kind, word, icon in _DONE:
        if key in done:
            return kind, word, icon
    return ("unknown", "没有去处", "route-off") if not targets else ("doing", "处理中", "progress")


def deliveries(message_id: int, since: Any) -> tuple[list[Queued], list[Delivery], list[Attempt]]:
    """Everything that was done to deliver a message, in three queries."""
    queued = list(Queued.objects.filter(message_id=message_id).order_by("pk"))
    done = list(Delivery.objects.filter(message_id=message_id, done_at__gte=since).order_by("id"))
    attempts = list(Attempt.objects.filter(message_id=message_id, at__gte=since).order_by("at", "id"))
    return queued, done, attempts


def masked_id(value: str) -> str:
    """A patient's or visit's number in a list: its last four."""
    return f"****{value[-4:]}" if len(value) >= 6 else "****" if value else ""


def masked_key(key: str, patient: str) -> str:
    """An order key; covered where it is, or holds, the patient's number."""
    return masked_id(key) if patient and patient in key else key
