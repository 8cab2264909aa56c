"""Which reading applies: what the two sides signed, else the contract's, else the engine's own.

A reading that decides a computation must be one that the engine knows; KNOWN lists them, the first of each
being what the engine does when a contract does not ask the question at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .model import Question

KNOWN: Mapping[str, tuple[str, ...]] = {
    "points-sum": ("from_full", "sum", "scale"),
    "band-gap": ("lower", "half_up"),
    "band-overlap": ("upper", "lower"),
    "fee-base": ("total", "unpaid"),
    "fee-rules": ("pay_of_total", "deduct_unpaid", "deduct_month"),
    "row-cap": ("capped", "uncapped"),
    "same-event": ("each", "gravest"),
    "step-rule": ("flat", "larger"),
    "outage-start": ("from_start", "after_grace"),
    "outage-rounding": ("each", "total"),
    "reverse-unlimited": ("floor", "negative"),
    "veto-score": ("keep", "cap59", "zero"),
    "failed-quarter": ("quarter_score", "veto_only"),
    "quarter": ("contract", "calendar"),
    "year": ("contract", "calendar"),
    "once-due": ("start", "first_quarter"),
    "holiday-lead": ("week", "any"),
    "major-holidays": ("all", "long"),
    "major-fault": ("level1", "level12"),
    "arrival-clock": ("round_the_clock", "working_hours"),
    "workday": ("same_time", "close_of_day"),
}


@dataclass(frozen=True, slots=True)
class Readings:
    """Question → reading in force. agreed: the questions on which both sides have signed."""

    chosen: Mapping[str, str] = field(default_factory=dict)
    agreed: frozenset[str] = frozenset()

    def __getitem__(self, question: str) -> str:
        return self.chosen.get(question) or KNOWN[question][0]


def readings(questions: Iterable[Question], agreed: Mapping[str, str] | None = None) -> Readings:
    """The readings in force. Agreements on questions or readings that no longer exist are left out."""
    agreed = agreed or {}
    chosen = {}
    signed = set()
    for question in questions:
        chosen[question.id] = question.until_agreed
        if agreed.get(question.id) in {r.id for r in question.readings}:
            chosen[question.id] = agreed[question.id]
            signed.add(question.id)
    return Readings(chosen, frozenset(signed))
