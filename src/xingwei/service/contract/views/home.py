"""The contract at a glance: deadlines, what is due, scorecard, fee bands, and what the text leaves open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from .. import obligations, questions
from ..engine.due import ASSESSMENT, Standing
from ..engine.examples import Setting
from ..engine.fee import Amounts, fee
from ..engine.model import AFFECTS, Arrival, FeeBand, Item
from ..engine.service import service_policy
from ..obligations import Kept
from ..queries import Shown
from ..questions import Asked
from .base import ContractPage
from .clauses import matrix

DUE_SHOWN = 6
GRAVEST_SHOWN = 3
QUARTERS = 4  # of a contract year


@dataclass(frozen=True, slots=True)
class Level:
    """A deadline of the service levels as it is read now."""

    name: str
    means: str
    limit: str
    runs: str
    clause: str
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A fee band and what it pays; money only where the amount is known and may be seen."""

    band: FeeBand
    grade: str
    says: str
    paid: Decimal | None
    withheld: Decimal | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the scorecard with the evidence of this quarter that bears on it."""

    item: Item
    count: int
    sources: tuple[str, ...]


class Home(ContractPage):
    template_name = "contract/home.html"
    title = "合同"
    tab = "home"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown, today = self.shown, timezone.localdate()
        kept = obligations.kept(shown)
        due = obligations.pending(kept)
        asked = questions.asked(self.actor, shown)
        quarter = obligations.quarter_on(shown, today)
        return context | {
            "quarter": quarter,
            "quarter_day": quarter and (today - quarter.first).days + 1,
            "assessments": assessments(kept, quarter.label if quarter else ""),
            "levels": levels(shown),
            "bands": bands(shown, money=context["sees_money"]),
            "due": due[:DUE_SHOWN],
            "due_more": max(len(due) - DUE_SHOWN, 0),
            "late": sum(1 for s in due if s.state == "late"),
            "rows": rows(kept, shown, quarter),
            "open": [a for a in asked if not a.settled],
            "gravest": gravest(asked),
            "open_by": _by_affects(asked),
            "matrix": [r for r in matrix(kept, shown, asked) if r.now is not None],
        }


def levels(shown: Shown) -> list[Level]:
    """Response, then arrival by level, under the readings in force."""
    terms = shown.contract.service
    policy = service_policy(shown.contract, shown.readings, shown.label)
    minutes = f"{policy.response.total_seconds() / 60:g} 分钟"
    around = "7×24 小时" if policy.response_around_the_clock else "工作时间内"
    hours = "昼夜、节假日连续计算" if policy.arrival_clock == "round_the_clock" else "只计工作时间"
    out = [Level("响应", "报告故障后立即响应", f"{minutes}内响应", around, terms.response_clause)]
    for level in terms.levels:
        arrive = policy.arrive[level.severity]
        runs = hours if arrive.hours is not None else _until(arrive, policy.workday)
        limit = f"{Arrival(arrive.hours, arrive.workdays).label}内到场"
        limit += "，或协商确定" if arrive.or_by_agreement else ""
        out.append(Level(level.title, level.means, limit, runs, level.clause, level.severity))
    return out


def assessments(kept: list[Kept], now: str) -> list[Standing]:
    """The four quarterly assessments of the contract year in which the quarter of this label lies."""
    found = [s for k in kept if k.obligation.evidence_kind == ASSESSMENT for s in k.standings]
    at = next((i for i, s in enumerate(found) if s.due.label == now), 0)
    return found[at // QUARTERS * QUARTERS :][:QUARTERS]


def bands(shown: Shown, *, money: bool) -> list[Band]:
    """The bands as they are judged now, worst first."""
    grades = {b.low: b.grade for t in shown.contract.fee_tables for b in t.bands if b.grade}
    total = shown.total if money else None
    amounts = Amounts.of(total or Decimal(100), shown.term or Setting().term)
    out = []
    for band in sorted(shown.contract.fee_tables[0].bands, key=lambda b: b.low or Decimal(-1)):
        inside = band.low if band.low is not None else (band.high or Decimal(0)) - 1
        found = fee(shown.contract, inside, shown.readings, amounts)
        paid, withheld = (found.paid, found.withheld) if total else (None, None)
        out.append(Band(band, grades.get(band.low, ""), found.label, paid, withheld))
    return out


def rows(kept: list[Kept], shown: Shown, quarter: Any) -> list[Row]:
    """The scorecard's rows; evidence is that of the obligations under the clauses that bear on a row."""
    out = []
    for item in shown.contract.scorecard.items:
        bearing = [k for k in kept if k.obligation.clause in item.clauses]
        kinds = {k.obligation.evidence_kind: k for k in bearing}
        count = sum(k.within(quarter) for k in kinds.values())
        sources = tuple(k.obligation.evidence_label for k in kinds.values() if k.counted)
        out.append(Row(item, count, sources))
    return out


def gravest(asked: list[Asked]) -> list[Asked]:
    """The open questions on which most money hangs."""

    def stake(row: Asked) -> Decimal:
        example = row.finding.example
        return (example and example.at_stake) or Decimal(0)

    return sorted((a for a in asked if not a.settled), key=stake, reverse=True)[:GRAVEST_SHOWN]


def _by_affects(asked: list[Asked]) -> list[tuple[str, str, int]]:
    counts = Counter(a.finding.affects for a in asked if not a.settled)
    return [(key, label, counts[key]) for key, label in AFFECTS.items() if counts[key]]


def _until(arrive: Arrival, workday: str) -> str:
    return "到下一个工作日的同一钟点" if workday == "same_time" else "到下一个工作日下班"
