"""Escalation chains: who is called, how many minutes after a fault was reported (clauses 9.1, 9.2a). Pure.

A step's targets are written "duty:on_site", "duty:on_call", "duty:support", "role:it_head" or "person:12". A chain
is kept and handed out as plain JSON, so that the desk can put a copy onto a case: later edits do not touch it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MAX_STEPS = 12
MAX_MINUTES = 7 * 24 * 60
DUTIES = {"duty:on_site": "当班驻场", "duty:on_call": "当班听班", "duty:support": "当班支撑"}


class ChainError(ValueError):
    """A chain that cannot be kept; the message is Chinese and names the step."""


@dataclass(frozen=True, slots=True)
class Step:
    """after_minutes: from the report, not from the step before. urgent: by SMS and voice too."""

    after_minutes: int
    to: tuple[str, ...]
    label: str
    urgent: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "after_minutes": self.after_minutes,
            "to": list(self.to),
            "label": self.label,
            "urgent": self.urgent,
        }


FALLBACK = (
    Step(0, ("duty:on_site", "duty:on_call"), "值班人员", urgent=True),
    Step(15, ("role:service_manager",), "服务经理", urgent=True),
    Step(30, ("role:it_head",), "信息科负责人", urgent=True),
)
"""What holds where no chain was set up: a fault is never reported to nobody."""


def parse_steps(raw: Any, *, roles: Collection[str]) -> tuple[Step, ...]:
    """Steps from JSON or YAML, checked; raises ChainError."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise ChainError("升级链至少要有一步")
    if len(raw) > MAX_STEPS:
        raise ChainError(f"升级链最多 {MAX_STEPS} 步，现在是 {len(raw)} 步")
    steps = tuple(_step(item, n, roles) for n, item in enumerate(raw, start=1))
    for before, after in pairwise(steps):
        if after.after_minutes <= before.after_minutes:
            raise ChainError(
                f"“{after.label}”的时间（{after.after_minutes} 分）应晚于“{before.label}”（{before.after_minutes} 分）"
            )
    return steps


def _step(item: Any, number: int, roles: Collection[str]) -> Step:
    if not isinstance(item, Mapping):
        raise ChainError(f"第 {number} 步写得不对")
    minutes = item.get("after_minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= MAX_MINUTES:
        raise ChainError(f"第 {number} 步的时间应是 0 到 {MAX_MINUTES} 之间的整数（分钟）")
    to = item.get("to")
    if not isinstance(to, Sequence) or isinstance(to, str) or not to or len(to) > 10:
        raise ChainError(f"第 {number} 步要有 1 到 10 个通知对象")
    targets = tuple(dict.fromkeys(str(t) for t in to))
    for target in targets:
        kind, _, name = target.partition(":")
        known = target in DUTIES or (kind == "role" and name in roles) or (kind == "person" and _is_id(name))
        if not known:
            raise ChainError(f"第 {number} 步的通知对象“{target[:40]}”不存在")
    label = str(item.get("label") or "").strip()
    if not label or len(label) > 40:
        raise ChainError(f"第 {number} 步要有名称，最长 40 字")
    return Step(minutes, targets, label, bool(item.get("urgent", False)))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def best(chains: Iterable[tuple[int, str, Any]], severity: int, system: str) -> Any | None:
    """The most particular of (severity or 0 for any, system or "" for any, chain) that fits; None for none."""
    fitting = [
        (bool(level), bool(own), chain)
        for level, own, chain in chains
        if level in (0, severity) and own in ("", system)
    ]
    return max(fitting, key=lambda f: f[:2])[2] if fitting else None
