"""Answers to what rules ask of other systems: kept with the message, remembered for a while, asked within a budget.

What was found stands in `gateway_lookup` before it is used, so a message that is processed again (another way out, a
retry, a restart, a replay) gets the same. A source that does not answer is asked no more for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ..channels.base import ChannelConfig, ChannelProblem, Looker, kind, left
from ..engine.breaker import Breaker, Policy
from ..engine.rules import Question
from .backlog import Item
from .connections import connected
from .pg import moment

_MESSAGES = 5_000
_CACHED = 20_000

_KNOWN = "SELECT source, question, answer FROM gateway_lookup WHERE message_id = %s"
_KEEP = """INSERT INTO gateway_lookup (message_id, message_at, source, question, answer, at)
SELECT %s, %s, u.source, u.question, u.answer, now()
FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS u (source, question, answer) ON CONFLICT DO NOTHING"""

Row = Mapping[str, str] | None


class LookupDown(Exception):
    """The source does not answer; the message waits. reason: Chinese."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"向“{source}”查询没有成功：{reason}")
        self.reason = str(self)


@dataclass(slots=True)
class _Source:
    channel: ChannelConfig
    looker: Looker
    breaker: Breaker
    waiting: dict[str, asyncio.Future[Row]] = field(default_factory=dict)
    """Questions under way: who asks the same meanwhile gets the same answer."""


class Lookups:
    """channels: those in force, by code."""

    def __init__(self, dsn: str, channels: Callable[[], Mapping[int, ChannelConfig]]) -> None:
        self._dsn = dsn
        self._channels = channels
        self._db: psycopg.AsyncConnection[Any] | None = None
        self._messages: OrderedDict[int, dict[Question, Row]] = OrderedDict()
        self._cache: OrderedDict[Question, tuple[float, Row]] = OrderedDict()
        self._sources: dict[str, _Source] = {}

    def answers(self, message_id: int) -> Mapping[Question, Row]:
        return self._messages.get(message_id, {})

    async def resolve(self, item: Item, questions: Sequence[Question]) -> None:
        """Afterwards `answers` has them. Raises LookupDown."""
        try:
            await self._resolve(item, questions)
        except psycopg.Error:
            raise LookupDown(questions[0].source, "数据库没有回答，查到的结果记不下来") from None

    async def _resolve(self, item: Item, questions: Sequence[Question]) -> None:
        known = self._messages.get(item.message_id)
        if known is None:
            known = self._messages[item.message_id] = await self._kept(item.message_id)
            if len(self._messages) > _MESSAGES:
                self._messages.popitem(last=False)
        fresh = {q: await self.find(q) for q in questions if q not in known}
        if fresh:
            await self._keep(item, fresh)
            known |= await self._kept(item.message_id)

    async def close(self) -> None:
        for source in self._sources.values():
            await source.looker.close()  # type: ignore[attr-defined]
        if self._db is not None:
            await self._db.close()

    async def _kept(self, message_id: int) -> dict[Question, Row]:
        self._db = await connected(self._dsn, self._db, "lookup")
        rows = await (await self._db.execute(_KNOWN, [message_id])).fetchall()
        return {Question(source, question): answer for source, question, answer in rows}

    async def _keep(self, item: Item, found: Mapping[Question, Row]) -> None:
        self._db = await connected(self._dsn, self._db, "lookup")
        await self._db.execute(
            _KEEP,
            [item.message_id, moment(item.message_at), [q.source for q in found], [q.value for q in found],
             [None if row is None else Jsonb(dict(row)) for row in found.values()]],
        )  # fmt: skip

    async def find(self, question: Question) -> Row:
        """From what is remembered, else from the source. Raises LookupDown."""
        now = time.monotonic()
        if (hit := self._cache.get(question)) is not None and hit[0] > now:
            return hit[1]
        source = await self._source(question.source)
        if (under_way := source.waiting.get(question.value)) is not None:
            return await asyncio.shield(under_way)
        ticket = source.breaker.allow(now)
        if ticket is None:
            raise LookupDown(question.source, f"暂不再问（{source.breaker.reason}）")
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        source.waiting[question.value] = future
        try:
            row = await self._ask(source, question, ticket)
        except LookupDown as down:
            future.set_exception(down)
            future.exception()  # somebody has seen it
            raise
        except BaseException:
            future.cancel()
            raise
        else:
            future.set_result(row)
        finally:
            source.waiting.pop(question.value, None)
        self._remember(question, row, float(source.channel.settings.get("lookup_cache_s", 300)))
        return row

    async def _ask(self, source: _Source, question: Question, ticket: int) -> Row:
        began = time.monotonic()
        budget = float(source.channel.settings.get("lookup_s", 2))
        try:
            found = await asyncio.wait_for(source.looker.look_up(question.value, began + budget), budget)
        except (ChannelProblem, TimeoutError) as error:
            late = isinstance(error, TimeoutError) or left(began + budget) == 0
            now = time.monotonic()
            source.breaker.record(ticket, "timeout" if late else "failure", now - began, now)
            reason = error.reason if isinstance(error, ChannelProblem) else "在时限内没有答"
            raise LookupDown(question.source, reason) from None
        except BaseException:
            source.breaker.cancel(ticket)
            raise
        source.breaker.record(ticket, "ok", time.monotonic() - began, time.monotonic())
        return dict(found) if found is not None else None

    def _remember(self, question: Question, row: Row, for_s: float) -> None:
        if for_s <= 0:
            return
        self._cache[question] = (time.monotonic() + for_s, row)
        self._cache.move_to_end(question)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)

    async def _source(self, code: str) -> _Source:
        channel = next((c for c in self._channels().values() if c.code == code and c.direction == "out"), None)
        if channel is None:
            raise LookupDown(code, "没有这个送出通道")
        known = self._sources.get(code)
        if known is not None and known.channel.settings == channel.settings and known.channel.kind == channel.kind:
            return known
        if known is not None:
            await known.looker.close()  # type: ignore[attr-defined]
        factory = kind(channel.kind).sender
        try:
            sender: Any = factory(channel) if factory is not None else None
        except ChannelProblem as problem:
            raise LookupDown(code, problem.reason) from None
        if not isinstance(sender, Looker) or not sender.can_look_up():
            raise LookupDown(code, "这个通道没有写明怎样查询")
        self._sources[code] = _Source(channel, sender, Breaker(Policy.of(channel.breaker), time.monotonic()))
        return self._sources[code]
