"""What the messages of a way out are worth: read from the stored originals, remembered, since those never change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import connection

from ..engine import amounts
from ..models import Channel
from .released import document_of

_REMEMBERED: dict[tuple[int, str], Decimal | None] = {}
_MOST = 50_000
_RAW = """
SELECT m.id, m.channel_id, m.charset, m.raw FROM unnest(%s::bigint[], %s::timestamptz[]) AS w (id, at)
JOIN gateway_message m ON m.id = w.id AND m.received_at = w.at
"""


def declared(channel: Channel) -> Mapping[str, str]:
    """Type of message → path of the amount; empty where the channel declares none."""
    return dict(channel.delivery.get("amount") or {})


def of(channel: Channel, messages: Iterable[tuple[int, dt.datetime, str]]) -> dict[int, Decimal | None]:
    """(id, received at, type) → amount, for the types that move money; None where it cannot be known."""
    paths = declared(channel)
    wanted = {(pk, at): path for pk, at, kind in messages if (path := amounts.path_for(paths, kind))}
    _read([(pk, at, path) for (pk, at), path in wanted.items() if (pk, path) not in _REMEMBERED])
    return {pk: _REMEMBERED.get((pk, path)) for (pk, _), path in wanted.items()}


def _read(missing: Sequence[tuple[int, dt.datetime, str]]) -> None:
    if not missing:
        return
    if len(_REMEMBERED) > _MOST:
        _REMEMBERED.clear()
    paths = {pk: path for pk, _, path in missing}
    kinds = {c.pk: document_of(c.kind, c.settings) for c in Channel.objects.only("kind", "settings")}
    with connection.cursor() as cursor:
        cursor.execute(_RAW, [[pk for pk, *_ in missing], [at for _, at, _ in missing]])
        while rows := cursor.fetchmany(200):
            for pk, source, charset, raw in rows:
                found = amounts.amount(kinds.get(source, "bytes"), bytes(raw), charset, paths[pk])
                _REMEMBERED[pk, paths[pk]] = found
