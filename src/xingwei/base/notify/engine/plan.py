"""What of a lane goes out now: one by one while there are tokens, the rest as one summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Due:
    id: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """single: sent one by one, in this order. merged: sent as one summary (two or more, or none)."""

    single: tuple[int, ...] = ()
    merged: tuple[int, ...] = ()


def plan(due: Sequence[Due], free: int) -> Plan:
    """due is in the order of the queue. Urgent ones go first and alone as long as tokens last.

    Nothing is held back while a token is free: with one token and many messages, all become one summary.
    """
    if free <= 0 or not due:
        return Plan()
    ordered = [d.id for d in due if d.urgent] + [d.id for d in due if not d.urgent]
    if len(ordered) <= free:
        return Plan(single=tuple(ordered))
    return Plan(single=tuple(ordered[: free - 1]), merged=tuple(ordered[free - 1 :]))
