"""What became of deliveries whose outcome is not known: asked of the receiver, until it says or a person decides."""

from __future__ import annotations

import json
import logging
import random
import time

from ..channels.base import Inquirer, NotThere, Settled, Unclear
from ..engine.backoff import Backoff
from .backlog import Item
from .dispatcher import Dispatcher, outgoing_of
from .ledger import Ledger, Setback
from .store import now_micros

log = logging.getLogger(__name__)

_WAITS = Backoff(2.0, 300.0)
AT_ONCE = 20
ASK_TIMEOUT_S = 10.0


class Inquiries:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def ask(self, out: Dispatcher) -> int:
        """Ask about those whose time has come; how many were asked about."""
        if not isinstance(out.sender, Inquirer) or out.guard.shut or self._ledger.full:
            return 0
        now = time.monotonic()
        due = [i for i in out.backlog.items.values() if i.state == "uncertain" and i.ask_at <= now][:AT_ONCE]
        for item in due:
            await self._ask(out, item)
        return len(due)

    async def _ask(self, out: Dispatcher, item: Item) -> None:
        assert isinstance(out.sender, Inquirer)
        try:
            parts = await out._processed(item) or [item.received.raw]
            found = await out.sender.inquire(outgoing_of(item, parts[0]), time.monotonic() + ASK_TIMEOUT_S)
        except Exception as error:
            log.warning("enquiry about delivery %d: %s", item.id, type(error).__name__)
            found = Unclear("查询没有成功")
        if item.id not in out.backlog.items or item.state != "uncertain":
            return  # settled meanwhile
        if isinstance(found, Settled):
            outcome = "answered" if item.call else "delivered"
            out.settle(item, outcome, parts=parts, answer=found.answer, settled_by=found.how or "查询：对方已收到")
        elif isinstance(found, NotThere):
            self._not_there(out, item, found)
        else:
            self._unclear(out, item, found)

    def _not_there(self, out: Dispatcher, item: Item, found: NotThere) -> None:
        """It never arrived. A call's caller has gone and was told so: sending it now would be an act nobody asks for,
        unless the plan is to store and forward."""
        stored = out.plan is not None and out.plan.mode_for(item.received.type) == "store"
        if item.call and not stored:
            out.settle(item, "cancelled", code="not_there", settled_by=found.text or "查询：对方没有收到，调用方已离开")
            return
        item.state = "waiting"
        out.backlog.uncertain = max(0, out.backlog.uncertain - 1)
        out.backlog.waiting += 1
        out.backlog.lanes.again(item.id, 0.0)
        self._write(out, item, "waiting", found.text or "查询：对方没有收到")
        out.wake()

    def _unclear(self, out: Dispatcher, item: Item, found: Unclear) -> None:
        asked = int((item.inquiry or {}).get("asked", 0)) + 1
        wait = _WAITS.wait(asked, random.random())  # noqa: S311 -- jitter
        item.inquiry = {**(item.inquiry or {}), "asked": asked, "last": found.reason}
        item.ask_at = time.monotonic() + wait
        self._write(out, item, "uncertain", found.reason, wait)

    def _write(self, out: Dispatcher, item: Item, state: str, reason: str, wait: float = 0.0) -> None:
        at = now_micros()
        self._ledger.set_back(
            Setback(
                id=item.id,
                channel_id=out.channel.id,
                state=state,
                at=at,
                attempts=item.attempts,
                next_at=at + int(wait * 1e6) if wait else None,
                reason=reason[:1_000],
                inquiry=json.dumps(item.inquiry or {}, ensure_ascii=False).encode(),
            )
        )
