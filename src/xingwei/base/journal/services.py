"""Writing the journal, and telling the subscribers of an act after commit."""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from .models import Entry
from .who import Who

log = logging.getLogger(__name__)

Subscriber = Callable[[Entry], None]
_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


class NotInTransaction(RuntimeError):
    """A write was journalled outside a transaction: it could be lost, or survive, alone."""


def record(
    actor: Who,
    act: str,
    target: models.Model | tuple[str, str, str] | None,
    summary: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:
    """Write one act, in the caller's transaction (raises NotInTransaction without one).

    act: "room.thing.verb". target: a model instance, or (type, id, label). summary: one Chinese sentence.
    before, after: the changed fields only; never patient data, never secrets.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction(act)
    kind, ident, label = _target(target)
    entry = Entry.objects.create(
        at=timezone.now(),
        actor_id=actor.id,
        actor_name=_text(actor.name, 80),
        organisation=_text(actor.organisation, 80),
        address=_text(actor.address, 64),
        via=actor.via,
        act=act,
        target_type=kind,
        target_id=_text(ident, 64),
        target_label=_text(label, 200),
        summary=_text(summary, 500),
        before=plain(before),
        after=plain(after),
    )
    if _subscribers.get(act):
        transaction.on_commit(lambda: _tell(entry))
    return entry


def after(*acts: str) -> Callable[[Subscriber], Subscriber]:
    """Decorator: call the function with the entry, after commit, whenever one of the acts is recorded.

    Register in AppConfig.ready() (import the module there). A subscriber that fails is logged and
    does not disturb the act, which is already committed: work that must not be lost is queued as a
    task in the act's own transaction instead.
    """

    def register(subscriber: Subscriber) -> Subscriber:
        for act in acts:
            if subscriber not in _subscribers[act]:
                _subscribers[act].append(subscriber)
        return subscriber

    return register


def snapshot(instance: models.Model, fields: Sequence[str]) -> dict[str, Any]:
    """The named fields' values, foreign keys as ids: what goes into before/after."""
    return {name: getattr(instance, instance._meta.get_field(name).attname) for name in fields}  # type: ignore[union-attr]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, as a (before, after) pair."""
    keys = [k for k in after if before.get(k) != after[k]]
    return {k: before.get(k) for k in keys}, {k: after[k] for k in keys}


def plain(value: Any) -> Any:
    """A value as JSON can hold it without loss: Decimal and times become text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID, dt.timedelta)):
        return str(value)
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _text(value: str, length: int | None = None) -> str:
    """What PostgreSQL can hold: a journal entry never fails for a NUL or half a character in a file name."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:length]


def _target(target: models.Model | tuple[str, str, str] | None) -> tuple[str, str, str]:
    if target is None:
        return "", "", ""
    if isinstance(target, tuple):
        return target
    return target._meta.label_lower, str(target.pk), str(target)


def _tell(entry: Entry) -> None:
    for subscriber in _subscribers[entry.act]:
        try:
            subscriber(entry)
        except Exception:
            log.exception("subscriber %s of %s failed", subscriber.__qualname__, entry.act)
