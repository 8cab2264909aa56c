"""What came of a send, and what is written of it. docs/gateway.md, "States", has the table that this follows."""

from __future__ import annotations

import random
import time
from abc import abstractmethod

from ..channels.base import Answer, ChannelConfig, NotSent, Unknown
from ..engine.backoff import Backoff
from ..engine.breaker import Verdict
from ..engine.meter import Meter
from .backlog import Backlog, Item
from .guard import Guard
from .ledger import Ledger, Setback, Settlement
from .store import now_micros

STUBBORN = 4
"""A message that only ever times out is given up after this many times its attempts, even where nothing else went."""


class Outcomes:
    """The half of a way out that knows what an answer, or none, means."""

    def __init__(self, channel: ChannelConfig, ledger: Ledger) -> None:
        self.channel = channel
        self.ledger = ledger
        self.guard = Guard(channel, self.wake)
        self.meter = Meter(time.time())
        self.delivered = 0
        self._line_failures = 0
        self._line_until = 0.0
        self._retry = Backoff.of(channel.delivery)
        held = bool(channel.delivery.get("stop_on_dead"))
        self.backlog = Backlog(channel.id, held_dead=held, longest_s=self._retry.cap_s)
        self._line = Backoff(0.1, min(5.0, self._retry.cap_s))

    @abstractmethod
    def wake(self) -> None:
        """Something has changed: everyone looks again."""

    def _record(self, ticket: int, verdict: Verdict, began: float) -> None:
        self.guard.record(ticket, verdict, time.monotonic() - began)

    def _answered(
        self, item: Item, answer: Answer, ticket: int, began: float, sent_at: int, parts: list[bytes]
    ) -> None:
        took = time.monotonic() - began
        self.guard.record(ticket, "ok" if answer.ok or answer.business or answer.permanent else "failure", took)
        if self._line_failures:
            self._line_failures, self._line_until = 0, 0.0
            self.wake()
        self.meter.took(took)
        if answer.ok or answer.business:
            self.delivered += 1
            self.meter.add(time.time(), len(parts[0]))
            self.settle(
                item,
                "delivered" if answer.ok else "answered",
                parts=parts,
                answer=answer,
                sent_at=sent_at,
                latency_us=int(took * 1e6),
            )
        elif answer.permanent:
            self._dead(item, answer.code, answer.text or "对方拒收", answer=answer, began=began)
        elif item.attempts + 1 >= self._attempts_max:
            self._dead(item, answer.code, answer.text or "对方多次不接收", answer=answer, began=began)
        else:
            self._again(item, "rejected", answer.code, answer.text, began, response=answer.raw)

    def _not_sent(self, item: Item, error: NotSent, began: float, *, marked: bool) -> None:
        """The line is down: nobody's fault but the line's, so it costs no attempt; one tries, the others wait."""
        self.meter.error(time.time())
        self._line_failures += 1
        wait = self._line.wait(self._line_failures, random.random())  # noqa: S311 -- jitter
        self._line_until = time.monotonic() + wait
        self.backlog.lanes.again(item.id, 0.0)
        self._write_back(item, "waiting", "broken", "", error.reason, began, wait_s=wait, written=item.attempts)

    def _no_answer(self, item: Item, error: Unknown, began: float, repeatable: bool) -> None:
        self.meter.error(time.time())
        if not repeatable:
            self._uncertain(item, error.reason, began)
            return
        blamed = self.delivered > item.others  # others went through meanwhile: it is this message's fault
        item.others = self.delivered
        if not blamed and item.tries < STUBBORN * self._attempts_max:
            wait = self._retry.wait(item.tries, random.random())  # noqa: S311 -- jitter
            self.backlog.lanes.again(item.id, time.monotonic() + wait)
            outcome = "timeout" if error.timeout else "broken"
            self._write_back(item, "waiting", outcome, "", error.reason, began, wait_s=wait, written=item.attempts)
        elif item.attempts + 1 >= self._attempts_max or not blamed:
            self._dead(item, "timeout" if error.timeout else "broken", error.reason, began=began)
        else:
            self._again(item, "timeout" if error.timeout else "broken", "", error.reason, began)

    def _uncertain(self, item: Item, reason: str, began: float) -> None:
        item.state, item.attempts, item.ask_at = "uncertain", item.attempts + 1, time.monotonic() + 1.0
        self.backlog.waiting = max(0, self.backlog.waiting - 1)
        self.backlog.uncertain += 1
        self.backlog.lanes.hold(item.id)
        self._write_back(item, "uncertain", "uncertain", "", reason, began, written=item.attempts)

    @property
    def _attempts_max(self) -> int:
        return max(1, int(self.channel.delivery.get("attempts", 8)))

    def _again(
        self, item: Item, outcome: str, code: str, reason: str, began: float, response: bytes | None = None
    ) -> None:
        self.meter.error(time.time())
        item.attempts += 1
        wait = self._retry.wait(item.attempts, random.random())  # noqa: S311 -- jitter
        self.backlog.lanes.again(item.id, time.monotonic() + wait)
        self._write_back(item, "waiting", outcome, code, reason, began, wait_s=wait, written=item.attempts,
                         response=response)  # fmt: skip

    def _dead(
        self, item: Item, code: str, reason: str, *, answer: Answer | None = None, began: float | None = None
    ) -> None:
        """Poisoned, or refused for good: it steps aside, its key goes on (unless the way out says otherwise)."""
        self.meter.error(time.time())
        item.attempts += 1
        self.backlog.waiting = max(0, self.backlog.waiting - 1)
        self.backlog.dead += 1
        if self.channel.delivery.get("stop_on_dead"):
            item.state = "dead"
            self.backlog.lanes.hold(item.id)
        else:
            self.backlog.remove(item)
        self._write_back(item, "dead", "rejected" if answer else "refused", code, reason,
                         time.monotonic() if began is None else began, written=item.attempts,
                         response=answer.raw if answer else None)  # fmt: skip

    def _set_back(self, item: Item, state: str, *, outcome: str, reason: str, wait_s: float) -> None:
        self.backlog.lanes.again(item.id, time.monotonic() + wait_s)
        self._write_back(item, state, outcome, "", reason, time.monotonic(), wait_s=wait_s, written=item.attempts)

    def _write_back(
        self, item: Item, state: str, outcome: str, code: str, reason: str, began: float, *,
        wait_s: float = 0.0, written: int = 0, response: bytes | None = None,
    ) -> None:  # fmt: skip
        at = now_micros()
        self.ledger.set_back(
            Setback(
                id=item.id,
                channel_id=self.channel.id,
                state=state,
                at=at,
                attempts=written,
                next_at=at + int(wait_s * 1e6) if wait_s else None,
                code=code,
                reason=reason[:1_000],
                first_sent_at=item.first_sent_at,
                outcome=outcome,
                latency_us=min(int((time.monotonic() - began) * 1e6), 2**31 - 1),
                response=response or None,
                wait_ms=int(wait_s * 1_000),
            )
        )

    def settle(
        self,
        item: Item,
        outcome: str,
        *,
        parts: list[bytes] | None = None,
        answer: Answer | None = None,
        sent_at: int | None = None,
        latency_us: int = 0,
        code: str = "",
        settled_by: str = "",
    ) -> None:
        """It is done, one way or another."""
        before = item.state
        self.backlog.remove(item, settling=True)
        processed = b"\r".join(parts) if parts else None
        self.ledger.settle(
            Settlement(
                id=item.id,
                channel_id=self.channel.id,
                outcome=outcome,
                done_at=now_micros(),
                attempts=item.attempts + (1 if parts else 0),
                first_sent_at=item.first_sent_at,
                sent_at=sent_at,
                latency_us=min(latency_us, 2**31 - 1),
                processed=processed,
                response=answer.raw if answer else None,
                code=code or (answer.code if answer else ""),
                size=len(processed) if processed else len(item.received.raw),
                settled_by=settled_by,
                told=lambda _there: self.backlog.settled(item.id, before),
            ),
            urgent=False,
        )
