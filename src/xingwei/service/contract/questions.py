"""The open questions of a contract with what the two sides have signed on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may

from . import queries
from .engine.agreement import Standing
from .engine.examples import Setting
from .engine.findings import Finding, check
from .engine.model import AFFECTS
from .models import Agreement
from .queries import Shown
from .wording import question_state


@dataclass(frozen=True, slots=True)
class Asked:
    """A finding, where the two sides stand, and (on its own page) every signature, newest first."""

    finding: Finding
    standing: Standing
    signatures: Sequence[Agreement] = ()

    @property
    def affects(self) -> str:
        return AFFECTS[self.finding.affects]

    @property
    def state(self) -> tuple[str, str, str]:
        return question_state(self.finding.agreed, self.standing)

    @property
    def settled(self) -> bool:
        return self.finding.agreed and not self.standing.pending


def setting_for(actor: Actor, shown: Shown) -> Setting:
    """The sums and dates of worked examples: the contract's own for those who may see the amount."""
    term = shown.term or Setting().term
    if shown.total is not None and may(actor, "contract.fee:view"):
        return Setting(shown.total, term, real=True)
    return Setting(term=term)


def asked(actor: Actor, shown: Shown) -> list[Asked]:
    """All findings, gravest first."""
    standings = queries.standings(shown.contract.code)
    found = check(shown.contract, shown.readings, setting_for(actor, shown))
    return [Asked(f, standings.get(f.id, Standing())) for f in found]


def open_count(shown: Shown) -> int:
    """How many findings the two sides have not settled."""
    standings = queries.standings(shown.contract.code)
    found = check(shown.contract, shown.readings, examples=False)
    return sum(1 for f in found if not Asked(f, standings.get(f.id, Standing())).settled)


def one(actor: Actor, shown: Shown, ident: str) -> Asked | None:
    """One finding with its signatures; None where the contract has none of this id."""
    for row in asked(actor, shown):
        if row.finding.id == ident:
            signed = Agreement.objects.filter(code=shown.contract.code, question=ident).select_related("signed_by")
            return Asked(row.finding, row.standing, list(signed.order_by("-signed_at", "-id")))
    return None
