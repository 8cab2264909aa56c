"""The breaker of a way out, as a pure state machine. docs/gateway.md, "States", says what its states mean.

`now` is seconds on a monotonic clock, given by the caller; a breaker never looks at a clock itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

State = Literal["closed", "open", "half_open", "cut"]
Verdict = Literal["ok", "failure", "timeout"]

_SLICES = 12  # the window moves in twelfths


@dataclass(frozen=True, slots=True)
class Policy:
    """When a breaker opens and closes.

    window_s: how far back it looks; minimum: fewer calls than that in the window decide nothing; failure_rate,
    slow_rate: shares of the calls that open it; slow_s: what a slow call is; timeouts: so many in a row open it at
    once; wait_s: how long it stays open, doubled each time a probe fails, up to wait_cap_s; probes: so many successes
    in a row close it.
    """

    window_s: float = 60.0
    minimum: int = 20
    failure_rate: float = 0.5
    slow_s: float = 3.0
    slow_rate: float = 0.6
    timeouts: int = 5
    wait_s: float = 30.0
    wait_cap_s: float = 300.0
    probes: int = 20

    @classmethod
    def of(cls, thresholds: Mapping[str, Any]) -> Policy:
        """From Channel.breaker; what it does not say is the default, what it does not know is left out."""
        plain = cls()
        known = {field.name: type(getattr(plain, field.name)) for field in fields(cls)}
        return cls(**{name: known[name](value) for name, value in thresholds.items() if name in known})


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state. reason: Chinese. by: who, where it was a person."""

    before: State
    after: State
    reason: str
    by: str = ""


@dataclass(slots=True)
class _Slice:
    number: int
    calls: int = 0
    failures: int = 0
    slow: int = 0


class Breaker:
    """`allow` before each call, then exactly one of `record` and `cancel`. Each returns the changes that it made."""

    def __init__(self, policy: Policy, now: float = 0.0) -> None:
        self.policy = policy
        self.state: State = "closed"
        self.since = now
        self.until: float | None = None
        """When an open one lets a probe through; when a cut one ends (None: until a person ends it)."""
        self.reason = ""
        self.by = ""
        self._wait = policy.wait_s
        self._slices: deque[_Slice] = deque()
        self._timeouts = 0
        self._probing = 0
        self._successes = 0
        self._era = 0

    # What is asked

    def allow(self, now: float) -> int | None:
        """A ticket for one call, to be given back; None where none may leave."""
        self.tick(now)
        if self.state == "closed":
            return self._era
        if self.state == "half_open" and self._probing < max(1, self._successes):
            self._probing += 1
            return self._era
        return None

    def ready(self, now: float) -> bool:
        """Would `allow` give a ticket? Asks without taking one."""
        if self.state in ("open", "cut"):
            return self.until is not None and now >= self.until
        return self.state == "closed" or self._probing < max(1, self._successes)

    def wait(self, now: float) -> float | None:
        """Seconds until it may let something through; None: not before something is recorded or a person acts."""
        if self.ready(now):
            return 0.0
        if self.state in ("open", "cut") and self.until is not None:
            return max(0.0, self.until - now)
        return None

    def counts(self, now: float) -> dict[str, Any]:
        """The window as it stands, for people."""
        self._forget(now)
        calls, failures, slow = self._sums()
        return {
            "calls": calls,
            "failures": failures,
            "slow": slow,
            "failure_rate": round(failures / calls, 3) if calls else 0.0,
            "slow_rate": round(slow / calls, 3) if calls else 0.0,
            "timeouts": self._timeouts,
            "wait_s": self._wait,
            "probes": self._successes,
        }

    # What happens

    def tick(self, now: float) -> list[Change]:
        """Time has passed."""
        if self.state == "open" and self.until is not None and now >= self.until:
            return [self._go("half_open", now, "等待时间已到，放行试探")]
        if self.state == "cut" and self.until is not None and now >= self.until:
            return [self._go("half_open", now, "人工切断到期，放行试探")]
        return []

    def record(self, ticket: int, verdict: Verdict, took_s: float, now: float) -> list[Change]:
        """A call has ended. What the other side refuses as business is `ok`: the interface works.

        A ticket of before the last change of state decides nothing any more.
        """
        if ticket != self._era:
            return []
        if self.state == "half_open":
            return self._record_probe(verdict, now)
        if self.state != "closed":
            return []
        self._count(verdict, took_s, now)
        reason = self._verdict(now)
        return [self._open(now, reason)] if reason else []

    def cancel(self, ticket: int) -> None:
        """The call that was allowed did not take place."""
        if ticket == self._era and self.state == "half_open":
            self._probing = max(0, self._probing - 1)

    def cut(self, now: float, until: float | None, reason: str, by: str) -> list[Change]:
        """A person cuts the interface off."""
        change = self._go("cut", now, reason, by)
        self.until = until
        return [change]

    def lift(self, now: float, reason: str, by: str) -> list[Change]:
        """A person ends a cut, or does not want to wait for an open one: probes go first."""
        if self.state not in ("cut", "open"):
            return []
        return [self._go("half_open", now, reason, by)]

    def restore(self, state: State, now: float, until: float | None, reason: str, by: str = "") -> None:
        """As an earlier holder left it; half-open stays half-open, a closed one starts with an empty window."""
        self._go(state, now, reason, by)
        self.until = until if state in ("open", "cut") else None

    # Inside

    def _record_probe(self, verdict: Verdict, now: float) -> list[Change]:
        self._probing = max(0, self._probing - 1)
        if verdict != "ok":
            self._wait = min(self._wait * 2, self.policy.wait_cap_s)
            return [self._open(now, "试探失败")]
        self._successes += 1
        if self._successes >= self.policy.probes:
            self._wait = self.policy.wait_s
            return [self._go("closed", now, f"连续 {self._successes} 次试探成功")]
        return []

    def _count(self, verdict: Verdict, took_s: float, now: float) -> None:
        number = int(now * _SLICES / self.policy.window_s)
        if not self._slices or self._slices[-1].number < number:
            self._slices.append(_Slice(number))
        here = self._slices[-1]
        here.calls += 1
        here.failures += verdict != "ok"
        here.slow += took_s >= self.policy.slow_s
        self._timeouts = self._timeouts + 1 if verdict == "timeout" else 0

    def _verdict(self, now: float) -> str:
        """Why it must open; empty where it need not."""
        policy = self.policy
        if self._timeouts >= policy.timeouts:
            return f"连续 {self._timeouts} 次超时"
        self._forget(now)
        calls, failures, slow = self._sums()
        if calls < max(1, policy.minimum):
            return ""
        if failures / calls >= policy.failure_rate and failures:
            return f"{policy.window_s:g} 秒内 {calls} 次中 {failures} 次失败"
        if slow / calls >= policy.slow_rate and slow:
            return f"{policy.window_s:g} 秒内 {calls} 次中 {slow} 次超过 {policy.slow_s:g} 秒"
        return ""

    def _forget(self, now: float) -> None:
        oldest = int(now * _SLICES / self.policy.window_s) - _SLICES
        while self._slices and self._slices[0].number <= oldest:
            self._slices.popleft()

    def _sums(self) -> tuple[int, int, int]:
        calls = failures = slow = 0
        for here in self._slices:
            calls, failures, slow = calls + here.calls, failures + here.failures, slow + here.slow
        return calls, failures, slow

    def _open(self, now: float, reason: str) -> Change:
        change = self._go("open", now, reason)
        self.until = now + self._wait
        return change

    def _go(self, state: State, now: float, reason: str, by: str = "") -> Change:
        change = Change(self.state, state, reason, by)
        self.state, self.since, self.until, self.reason, self.by = state, now, None, reason, by
        self._probing = self._successes = self._timeouts = 0
        self._slices.clear()
        self._era += 1
        return change
