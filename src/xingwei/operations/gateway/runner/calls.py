"""Calls: the sender waits for the receiver's answer, never longer than its budget (F20).

The request is committed before it leaves, the result before it is returned. When the breaker lets nothing through,
or the budget is used up, the approved plan answers; what was sent and not answered is asked about, never sent again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..channels.base import Answer, CallFailed, NotSent, Outgoing, Overloaded, Received, Unknown
from ..engine.numbers import number_at
from ..engine.rules import Needs, Question
from .backlog import Item
from .configuration import Plan
from .dispatcher import Dispatcher, outgoing_of
from .inflow import Inflow, items_of
from .ledger import Ledger, Setback, Settlement
from .lookups import LookupDown
from .store import Entry, Store, now_micros

log = logging.getLogger(__name__)

CACHED = 2_000
CACHED_BYTES = 256 * 1024
_INQUIRY = b'{"call": true}'


class Cache:
    """The last good answer by way out, message type and business key; bounded."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[int, str, str], tuple[float, bytes]] = OrderedDict()

    def keep(self, channel_id: int, received: Received, answer: bytes) -> None:
        if len(answer) > CACHED_BYTES:
            return
        key = (channel_id, received.type, received.key)
        self._answers[key] = (time.monotonic(), answer)
        self._answers.move_to_end(key)
        if len(self._answers) > CACHED:
            self._answers.popitem(last=False)

    def find(self, channel_id: int, received: Received, age_s: float) -> bytes | None:
        found = self._answers.get((channel_id, received.type, received.key))
        return found[1] if found and time.monotonic() - found[0] <= age_s else None


@dataclass(slots=True)
class _Call:
    """One call under way."""

    inflow: Inflow
    received: Received
    out: Dispatcher
    entry: Entry
    began: float
    end: float
    sent: bytes = b""

    @property
    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())


class Caller:
    """process: applies the route (Dispatcher's Process). A route's first target is called, others get it by queue."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        process: Callable[[Item], list[bytes] | None],
        look_up: Callable[[Item, Sequence[Question]], Awaitable[None]],
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.cache = Cache()
        self._process = process
        self._look_up = look_up
        self._late: set[asyncio.Task[Any]] = set()

    async def __call__(self, inflow: Inflow, received: Received, budget_s: float) -> bytes:
        began = time.monotonic()
        entry = inflow.entry(received)
        if not entry.targets:
            await self._refuse(entry, entry.problem or received.problem or "没有路由接收这种请求")
        first, *others = entry.targets
        out = inflow.house.outs.get(first.channel_id)
        if out is None:
            await self._refuse(entry, "送出通道正在切换到另一个网关进程：请稍后再试", "unavailable")
            raise AssertionError
        if others:
            await inflow.press(others)
        call = _Call(inflow, received, out, entry, began, began + budget_s)
        if out.channel.state in ("paused", "stopped"):
            return await self._instead(call, f"接口“{out.channel.name}”已暂停")
        ticket = out.guard.ticket()
        if ticket is None:
            return await self._instead(call, f"接口“{out.channel.name}”已熔断：{out.guard.breaker.reason}")
        return await self._through(call, ticket)

    # Through

    async def _through(self, call: _Call, ticket: int) -> bytes:
        out, entry = call.out, call.entry
        entry.targets = [replace(entry.targets[0], state="sending"), *entry.targets[1:]]
        entry.inquiry = _INQUIRY
        stored = self.store.put(entry)
        try:
            await asyncio.wait_for(asyncio.shield(stored), call.left)
        except BaseException as error:
            out.guard.cancel(ticket)
            stored.add_done_callback(lambda done: None if done.exception() else self.abandon(entry))
            if isinstance(error, TimeoutError):
                raise Overloaded("数据库没有及时回答，请求没有发出：请稍后再试") from None
            raise
        if entry.repeat_of:
            out.guard.cancel(ticket)
            raise CallFailed("同一请求已经提交过，请勿重复提交", "refused", number_at(entry.at, entry.repeat_of))
        item = items_of(entry)[0]
        item.call = True
        try:
            parts = await self._processed(call, item)
        except (LookupDown, TimeoutError) as error:
            out.guard.cancel(ticket)
            why = error.reason if isinstance(error, LookupDown) else "在时限内没有查到规则要的内容"
            self._settle(call, item, "cancelled", settled_by=f"没有发出：{why}")
            return self._planned(call, why, sent=False)
        except (ValueError, KeyError) as error:
            out.guard.cancel(ticket)
            self._settle(call, item, "cancelled", settled_by=f"没有发出：{error}")
            raise CallFailed(f"请求没有发出：{error}", "refused", self._number(call)) from None
        if not parts:
            out.guard.cancel(ticket)
            self._settle(call, item, "dropped")
            raise CallFailed("路由规则不转发这种请求", "refused", self._number(call))
        return await self._send(call, item, outgoing_of(item, parts[0]), ticket)

    def abandon(self, entry: Entry) -> None:
        """It was, or perhaps was, stored as being sent; its caller has gone and nothing was sent."""
        if entry.queued and entry.targets and entry.targets[0].state == "sending" and not entry.repeat_of:
            self.ledger.settle(
                Settlement(
                    id=entry.queued[0],
                    channel_id=entry.targets[0].channel_id,
                    outcome="cancelled",
                    done_at=now_micros(),
                    attempts=0,
                    settled_by="没有发出：数据库没有及时回答",
                )
            )

    async def _processed(self, call: _Call, item: Item) -> list[bytes] | None:
        """Raises ValueError, KeyError; LookupDown, TimeoutError where what the rules ask is not answered in time."""
        while True:
            try:
                return self._process(item)
            except Needs as needs:
                await asyncio.wait_for(self._look_up(item, needs.questions), call.left)

    async def _send(self, call: _Call, item: Item, outgoing: Outgoing, ticket: int) -> bytes:
        out = call.out
        call.sent = outgoing.raw
        sent = time.monotonic()
        task = asyncio.create_task(out.sender.send(outgoing, max(call.end, sent + out.channel.timeout_s)))
        await asyncio.wait([task], timeout=call.left)
        took = time.monotonic() - sent
        patience = call.inflow.channel.budget_s / max(call.end - call.began, 0.001)
        slow = took * min(1.0, patience)  # what may take longer is not slow by the measure of the others
        if not task.done():
            out.guard.record(ticket, "timeout", slow)
            return await self._silent(call, item, outgoing, "在时限内没有应答", task)
        try:
            answer = task.result()
        except NotSent as error:
            out.guard.record(ticket, "failure", slow)
            self._settle(call, item, "cancelled", code="not_sent", settled_by=f"没有发出：{error.reason}")
            return self._planned(call, error.reason, sent=False)
        except Unknown as error:
            out.guard.record(ticket, "timeout" if error.timeout else "failure", slow)
            return await self._silent(call, item, outgoing, error.reason, None)
        out.guard.record(ticket, "ok" if answer.ok or answer.business or answer.permanent else "failure", slow)
        out.meter.took(took)
        out.meter.add(time.time(), len(outgoing.raw))
        out.delivered += 1
        await self._commit(call, item, answer, int(took * 1e6))
        if answer.ok:
            self.cache.keep(out.channel.id, call.received, answer.raw)
        return answer.raw

    async def _commit(self, call: _Call, item: Item, answer: Answer, latency_us: int) -> None:
        """The result goes down before it is returned. Where the database is gone meanwhile the caller is told that
        the outcome is not certain; the result is kept and written later."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(_there: bool) -> None:
            if not done.done():
                done.set_result(None)

        self._settle(call, item, "answered", answer=answer, latency_us=latency_us, told=told)
        try:
            await asyncio.wait_for(asyncio.shield(done), max(call.left, 0.05))
        except TimeoutError:
            raise CallFailed("对方已应答，但结果还没有记下：请稍后查询", "uncertain", self._number(call)) from None

    async def _silent(
        self, call: _Call, item: Item, outgoing: Outgoing, reason: str, task: asyncio.Task[Answer] | None
    ) -> bytes:
        """Sent, and no answer."""
        call.out.meter.error(time.time())
        if call.out.can_repeat(outgoing):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            self._settle(call, item, "cancelled", code="timeout", settled_by=f"{reason}；对方可以重复调用")
            return self._planned(call, reason, sent=False)
        item.state, item.attempts, item.inquiry = "uncertain", 1, {"call": True}
        item.ask_at = time.monotonic() + (call.out.channel.timeout_s if task else 1.0)
        call.out.backlog.add(item)
        call.out.backlog.uncertain += 1
        self.ledger.set_back(
            Setback(
                id=item.id,
                channel_id=call.out.channel.id,
                state="uncertain",
                at=now_micros(),
                attempts=1,
                reason=reason,
                first_sent_at=call.entry.at,
                outcome="uncertain",
                latency_us=int((time.monotonic() - call.began) * 1e6),
            )
        )
        if task is not None:
            late = asyncio.create_task(self._late_answer(call, item, task))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
        return self._planned(call, reason, sent=True)

    async def _late_answer(self, call: _Call, item: Item, task: asyncio.Task[Answer]) -> None:
        """The caller has gone; what the receiver says yet settles the matter without an enquiry."""
        try:
            answer = await task
        except (NotSent, Unknown):
            item.ask_at = time.monotonic()
            return
        if item.id in call.out.backlog.items and (answer.ok or answer.business):
            call.out.settle(item, "answered", parts=[call.sent], answer=answer, settled_by="迟到的应答")

    # Instead

    async def _instead(self, call: _Call, why: str) -> bytes:
        """Nothing is sent: stored, and answered as the plan says."""
        plan, entry, received = call.out.plan, call.entry, call.received
        mode = plan.mode_for(received.type) if plan else ""
        if plan is None:
            await self._refuse(entry, f"{why}，且没有批准的熔断方案", "unavailable")
        if mode == "store":
            await self._put(call)  # and with the commit into the queue
            return self._planned(call, why, sent=False)
        answer = self.cache.find(call.out.channel.id, received, plan.cache_s) if plan and mode == "cached" else None
        # held: should the process die before the outcome is written, nobody sends it by himself
        entry.targets = [replace(entry.targets[0], state="held"), *entry.targets[1:]]
        await self._put(call)
        item = items_of(entry)[0]
        given = Answer(ok=True, raw=answer) if answer is not None else _planned_answer(plan)
        self._settle(call, item, "skipped" if mode == "skip" else "degraded", answer=given, code="breaker",
                     settled_by=why)  # fmt: skip
        return answer if answer is not None else self._planned(call, why, sent=False)

    async def _put(self, call: _Call) -> None:
        try:
            await asyncio.wait_for(asyncio.shield(self.store.put(call.entry)), max(call.left, 0.05))
        except TimeoutError:
            raise Overloaded("数据库没有及时回答：请稍后再试") from None

    def _planned(self, call: _Call, why: str, *, sent: bool) -> bytes:
        """The plan's answer for the caller, or its sentence as a failure. sent: what was asked may have been done all
        the same; the answer says so (`uncertain`), with the message's number for the enquiry."""
        plan = call.out.plan
        if (answer := _planned_answer(plan, uncertain=self._number(call) if sent else "")) is not None:
            return answer.raw
        sentence = plan.sentence if plan and plan.sentence else f"接口“{call.out.channel.name}”{why}"
        raise CallFailed(sentence, "uncertain" if sent else "unavailable", self._number(call))

    async def _refuse(self, entry: Entry, reason: str, outcome: Any = "refused") -> None:
        """Stored as refused: it went nowhere."""
        entry.state, entry.problem, entry.targets = "refused", reason, []
        await self.store.put(entry)
        raise CallFailed(reason, outcome, number_at(entry.at, entry.id or entry.repeat_of))

    def _settle(
        self,
        call: _Call,
        item: Item,
        outcome: str,
        *,
        answer: Answer | None = None,
        latency_us: int = 0,
        code: str = "",
        settled_by: str = "",
        told: Callable[[bool], None] | None = None,
    ) -> None:
        sent = call.entry.at if call.sent else None
        self.ledger.settle(
            Settlement(
                id=item.id,
                channel_id=call.out.channel.id,
                outcome=outcome,
                done_at=now_micros(),
                attempts=1 if call.sent else 0,
                first_sent_at=sent,
                sent_at=sent,
                latency_us=latency_us,
                processed=call.sent or None,
                response=answer.raw if answer else None,
                code=code or (answer.code if answer else ""),
                size=len(call.sent) or len(call.received.raw),
                settled_by=settled_by,
                told=told,
            )
        )

    def _number(self, call: _Call) -> str:
        return number_at(call.entry.at, call.entry.id)


def _planned_answer(plan: Plan | None, *, uncertain: str = "") -> Answer | None:
    if plan is None or plan.answer is None:
        return None
    given = plan.answer
    if uncertain and isinstance(given, Mapping):
        given = {**given, "uncertain": True, "message": uncertain}
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return Answer(ok=True, raw=text.encode())
