"""What a run hands back. Amounts are Decimals of yuan, exact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["balanced", "differences", "incomplete"]


class BadInput(ValueError):
    """A side cannot be read; the text says in Chinese which file, line and column, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A step of the bridge: what differences of one cause add to the total gap. expected: evens out by itself."""

    cause: str
    title: str
    count: int
    gap: Decimal
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """left_total + Σ lines + residual = right_total. The totals are summed from all rows, apart from the matching."""

    pair: str
    left_total: Decimal
    right_total: Decimal
    left_count: int
    right_count: int
    lines: tuple[Line, ...]

    @property
    def total_gap(self) -> Decimal:
        return self.right_total - self.left_total

    @property
    def residual(self) -> Decimal:
        return self.total_gap - sum((line.gap for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Group:
    """A group's totals on both sides. named: what the differences explain. offset_with: the one group that is off by
    the opposite amount, the sign of a wrong group."""

    pair: str
    values: tuple[str, ...]
    left_total: Decimal
    right_total: Decimal
    left_count: int
    right_count: int
    named: Decimal
    offset_with: tuple[str, ...] | None = None

    @property
    def gap(self) -> Decimal:
        return self.right_total - self.left_total

    @property
    def residual(self) -> Decimal:
        return self.gap - self.named


@dataclass(frozen=True, slots=True)
class Convention:
    """Refunded rows counted or left out: the total gap that way, and what the named rows leave of it."""

    name: Literal["counted", "excluded"]
    left_total: Decimal
    right_total: Decimal
    left_count: int
    right_count: int
    residual: Decimal

    @property
    def gap(self) -> Decimal:
        return self.right_total - self.left_total

    @property
    def balances(self) -> bool:
        return self.residual == 0


@dataclass(frozen=True, slots=True)
class Result:
    """One pair of sides. refund_convention: the way of counting refunds that balances: counted, excluded, both, none."""

    pair: str
    bridge: Bridge
    groups: tuple[Group, ...]
    conventions: tuple[Convention, ...]
    refund_convention: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """verdict: balanced (nothing that anybody must do), differences, or incomplete (some money has no name: problems
    say what). differences: a Parquet file, a row a difference, its columns in docs/reconcile.md. inputs: digest of
    each file. notes: what the readers of files passed over."""

    verdict: Verdict
    results: tuple[Result, ...]
    differences: Path
    count: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def bridge(self) -> Bridge:
        return self.results[0].bridge

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(group for result in self.results for group in result.groups)

    @property
    def refund_convention(self) -> str:
        return self.results[0].refund_convention

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem for result in self.results for problem in result.problems)

    def as_document(self) -> dict[str, Any]:
        """For JSON; amounts as text, exact. Without timings: the same inputs give the same document."""
        return {
            "verdict": self.verdict,
            "differences": self.count,
            "rows": dict(self.rows),
            "inputs": dict(self.inputs),
            "pairs": [_document(result) for result in self.results],
        }


@dataclass(frozen=True, slots=True)
class Period:
    """Days that the run is about, both included. Rows of other days only help to match."""

    since: dt.date
    until: dt.date


def _document(result: Result) -> dict[str, Any]:
    bridge = result.bridge
    return {
        "pair": result.pair,
        "left_total": str(bridge.left_total),
        "right_total": str(bridge.right_total),
        "left_count": bridge.left_count,
        "right_count": bridge.right_count,
        "total_gap": str(bridge.total_gap),
        "residual": str(bridge.residual),
        "bridge": [
            {"cause": n.cause, "title": n.title, "count": n.count, "gap": str(n.gap), "expected": n.expected}
            for n in bridge.lines
        ],
        "groups": [
            {
                "values": list(g.values),
                "left_total": str(g.left_total),
                "right_total": str(g.right_total),
                "left_count": g.left_count,
                "right_count": g.right_count,
                "gap": str(g.gap),
                "residual": str(g.residual),
                "offset_with": list(g.offset_with) if g.offset_with else None,
            }
            for g in result.groups
        ],
        "refund_convention": result.refund_convention,
        "conventions": [
            {"name": c.name, "gap": str(c.gap), "residual": str(c.residual), "balances": c.balances}
            for c in result.conventions
        ],
        "problems": list(result.problems),
    }
