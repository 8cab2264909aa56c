"""Answers to instruments that ask what is to be done with a specimen: from a system that is asked (a way out with a
lookup), and from the orders that went through the gateway. The answer is stored with the query, then given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from ..channels.base import ChannelConfig, Received
from ..engine import text
from ..engine.documents import DocumentProblem
from ..engine.rules import Question
from ..wire import host_query
from ..wire.host_query import Order, Outcome
from .configuration import Snapshot, document_kind
from .connections import connected
from .lookups import LookupDown, Lookups

log = logging.getLogger(__name__)

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_ids = count(1)

_BY_NUMBER = """SELECT m.channel_id, m.raw, m.charset FROM gateway_message m
WHERE m.reference = %s AND m.channel_id = ANY(%s) AND m.state = 'accepted'
  AND m.received_at > now() - make_interval(hours => %s) ORDER BY m.received_at DESC, m.id DESC LIMIT 5"""
# An order for several specimens is stored under the first one's number: the others are found by the text.
_BY_TEXT = """SELECT m.channel_id, m.raw, m.charset FROM gateway_text t
JOIN gateway_message m ON m.received_at = t.received_at AND m.id = t.message_id
WHERE t.grams @> %s::int[] AND t.channel_id = ANY(%s) AND t.received_at > now() - make_interval(hours => %s)
ORDER BY t.received_at DESC, t.message_id DESC LIMIT 5"""


class HostQueries:
    """Of one way in that is asked. snapshot: what is in force."""

    def __init__(self, dsn: str, channel: ChannelConfig, lookups: Lookups, snapshot: Callable[[], Snapshot]) -> None:
        self.channel = channel
        self._dsn = dsn
        self._lookups = lookups
        self._snapshot = snapshot
        self._settings: Mapping[str, Any] = channel.settings["host_query"]
        self._db: psycopg.AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()

    async def answered(self, received: Received) -> bool:
        """Was it a query? Then `received.answer` is the reply, within the budget."""
        if received.problem:
            return False
        asked = host_query.query(document_kind(self.channel), received.raw, received.charset)
        if asked is None:
            return False
        orders: list[Order] = []
        outcome: Outcome = "none"
        try:
            async with asyncio.timeout(float(self._settings.get("budget_s", 3))):
                orders = [order for code in asked.barcodes if (order := await self._order(code)) is not None]
            outcome = "found" if orders else "none"
        except (TimeoutError, LookupDown, psycopg.Error) as error:
            log.warning("%s: a query is not answered: %s", self.channel.code, type(error).__name__)
            outcome = "failed"
        display = {**host_query.DISPLAY, **(self._settings.get("display") or {})}
        at, own_id = datetime.now(_SHANGHAI), f"XQ{next(_ids)}"
        try:
            received.answer = host_query.answer(asked, orders, outcome, at, own_id, display)
        except DocumentProblem:
            bare = [Order(o.barcode, o.tests, o.patient, specimen=o.specimen, urgent=o.urgent) for o in orders]
            received.answer = host_query.answer(asked, bare, outcome, at, own_id, display)
        received.key = received.key or self.channel.code
        received.reference = received.reference or (asked.barcodes[0] if asked.barcodes else "")
        return True

    async def close(self) -> None:
        if self._db is not None:
            await self._db.close()

    async def _order(self, barcode: str) -> Order | None:
        found = None
        if source := str(self._settings.get("source") or ""):
            row = await self._lookups.find(Question(source, barcode))
            found = host_query.order_of_row(row, barcode) if row else None
        found = found or await self._stored(barcode)
        if found is None:
            return None
        codes = self._snapshot().maps.get(str(self._settings.get("tests") or ""), {}).get("pairs") or {}
        made = found.mapped({str(k): str(v) for k, v in codes.items()})
        return made if made.tests else None

    async def _stored(self, barcode: str) -> Order | None:
        channels = self._snapshot().channels
        by_code = {c.code: c for c in channels.values()}
        wanted = [by_code[code].id for code in self._settings.get("orders", ()) if code in by_code]
        if not wanted:
            return None
        hours = int(self._settings.get("hours", 72))
        numbers = text.query_numbers(barcode)
        async with self._lock:
            db = self._db = await connected(self._dsn, self._db, "query")
            rows = await (await db.execute(_BY_NUMBER, [barcode, wanted, hours])).fetchall()
            if not rows and numbers:
                rows = await (await db.execute(_BY_TEXT, [numbers, wanted, hours])).fetchall()
        for channel_id, raw, charset in rows:  # the newest word on it counts, a cancellation as well
            kind = document_kind(channels[channel_id])
            if barcode.encode() in bytes(raw):
                return host_query.orders_of(kind, bytes(raw), charset, barcode)
        return None
