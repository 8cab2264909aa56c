"""From a result to a state: consecutive failures, limits, what is far from usual. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "warn", "down"]
RANK: Mapping[str, int] = {"ok": 0, "warn": 1, "down": 2}
ODD_OF = 5  # of the last results …
ODD_NEED = 3  # … so many must be far out
SLACK = 0.85  # a limit is left again below this share of it


@dataclass(frozen=True, slots=True)
class Limit:
    """Beyond `warn` the probe is affected, beyond `down` it has failed; below: the bad side is the low one.

    for_s: how long it must last."""

    signal: str
    warn: float | None = None
    down: float | None = None
    below: bool = False
    for_s: float = 0.0

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Limit:
        return cls(item["signal"], item.get("warn"), item.get("down"), bool(item.get("below")), item.get("for_s", 0.0))

    def level(self, value: float, before: str) -> State:
        """Where the value stands; what was beyond stays so until it is clearly back (hysteresis)."""
        if self._beyond(value, self.down, before == "down"):
            return "down"
        return "warn" if self._beyond(value, self.warn, before in {"warn", "down"}) else "ok"

    def _beyond(self, value: float, edge: float | None, was: bool) -> bool:
        if edge is None:
            return False
        if self.below:
            return value < (edge / SLACK if was and edge > 0 else edge)
        return value > (edge * SLACK if was and edge > 0 else edge)


@dataclass(frozen=True, slots=True)
class Looked:
    """One result. said: Chinese, what was found. values: signal → number."""

    ok: bool
    said: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """What is kept of a probe between two results."""

    state: State = "ok"
    fails: int = 0
    levels: dict[str, State] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    odd: dict[str, list[bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    state: State
    said: str
    odd: Mapping[str, float]


def judge(
    looked: Looked,
    limits: Sequence[Limit],
    memory: Memory,
    *,
    at: float,
    fails: int = 2,
    far: Mapping[str, float] | None = None,
    titles: Mapping[str, tuple[str, str]] | None = None,
) -> Judged:
    """The probe's state after this result; `memory` is brought up to date. at: seconds, of any clock that rises.

    far: signals that are far from usual now, with how far. titles: signal → (name, unit), for the sentence.
    A failure counts once `fails` of them came in a row; until then the state before it stays.
    """
    odd = _odd(memory, looked.values, far or {})
    if not looked.ok:
        memory.fails += 1
        if memory.fails >= fails:
            memory.state = "down"
        return Judged(memory.state, looked.said, odd)
    memory.fails = 0
    worst: State = "ok"
    said: list[str] = []
    for limit in limits:
        value = looked.values.get(limit.signal)
        if value is None:
            continue
        level = _lasting(memory, limit, value, at)
        if level != "ok":
            said.append(_say(limit, value, level, titles or {}))
        if RANK[level] > RANK[worst]:
            worst = level
    memory.state = worst
    return Judged(worst, "；".join(said) or looked.said, odd)


def _lasting(memory: Memory, limit: Limit, value: float, at: float) -> State:
    before = memory.levels.get(limit.signal, "ok")
    level = limit.level(value, before)
    if level == "ok":
        memory.since.pop(limit.signal, None)
    else:
        began = memory.since.setdefault(limit.signal, at)
        if at - began < limit.for_s:
            level = before
    memory.levels[limit.signal] = level
    return level


def _odd(memory: Memory, values: Mapping[str, float], far: Mapping[str, float]) -> dict[str, float]:
    out = {}
    for signal in values:
        if signal not in far and signal not in memory.odd:
            continue
        seen = memory.odd.setdefault(signal, [])
        seen.append(signal in far)
        del seen[:-ODD_OF]
        if sum(seen) >= ODD_NEED:
            out[signal] = round(far.get(signal, 0.0), 1)
        elif not any(seen):
            del memory.odd[signal]
    return out


def _say(limit: Limit, value: float, level: str, titles: Mapping[str, tuple[str, str]]) -> str:
    name, unit = titles.get(limit.signal, (limit.signal, ""))
    edge = limit.down if level == "down" else limit.warn
    side = "低于" if limit.below else "超过"
    space = " " if unit else ""
    return f"{name} {number(value)}{space}{unit}，{side}界限 {number(edge or 0)}{space}{unit}"


def number(value: float) -> str:
    """1,234 · 12.3 · 0.045"""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
