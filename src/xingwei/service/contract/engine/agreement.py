"""What two signatures make: a reading is agreed once both sides have signed it, until both have signed another.

One side alone can propose a change but not end what both have signed, because deadlines and money hang on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .model import Question

SIDES = ("hospital", "vendor")


@dataclass(frozen=True, slots=True)
class Signature:
    """side: hospital or vendor. reading: "" takes a signature back. label: the words that were signed."""

    question: str
    side: str
    reading: str
    label: str = ""


@dataclass(slots=True)
class Standing:
    """One question after all signatures: what each side signed last, and what both agreed."""

    latest: dict[str, Signature] = field(default_factory=dict)
    agreed: Signature | None = None

    def signed(self, side: str) -> str:
        """The reading that the side stands by; "" for none."""
        return self.latest[side].reading if side in self.latest else ""

    @property
    def pending(self) -> bool:
        """Whether one side asks for something that the other has not signed."""
        agreed = self.agreed.reading if self.agreed else ""
        return any(self.signed(side) != agreed for side in SIDES)


def replay(signatures: Iterable[Signature]) -> dict[str, Standing]:
    """Question → where it stands after the signatures, given in the order in which they were made."""
    found: dict[str, Standing] = {}
    for signature in signatures:
        standing = found.setdefault(signature.question, Standing())
        standing.latest[signature.side] = signature
        if all(standing.signed(side) == signature.reading for side in SIDES):
            standing.agreed = signature if signature.reading else None
    return found


def agreed(questions: Iterable[Question], standings: Mapping[str, Standing]) -> dict[str, str]:
    """Question → agreed reading, where this text still offers it in the words that were signed."""
    out = {}
    for question in questions:
        standing = standings.get(question.id)
        if standing is None or standing.agreed is None:
            continue
        if any((r.id, r.label) == (standing.agreed.reading, standing.agreed.label) for r in question.readings):
            out[question.id] = standing.agreed.reading
    return out
