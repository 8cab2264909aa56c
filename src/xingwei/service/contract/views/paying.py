"""What scores would pay: the bands, the money, and how far the readings differ. Nothing here is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ..engine.examples import Setting
from ..engine.fee import Amounts, Fee, fee
from ..engine.periods import contract_quarters
from ..engine.readings import Readings
from ..engine.scorecard import average, needed
from .base import ContractPage

QUARTERS = 4  # as many fields as there are before the contract has dates
DECIDE_FEE = ("band-gap", "band-overlap", "fee-rules", "fee-base")
BANDS_AHEAD = 2  # the best bands, which one wants to know how to reach


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    raw: str
    value: Decimal | None
    error: str


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What the same scores pay when one question is read another way."""

    question: str
    title: str
    label: str
    fee: Fee


class FeeTrial(ContractPage):
    template_name = "contract/fee.html"
    title = "付费试算"
    tab = "fee"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown = self.shown
        term = shown.term or Setting().term
        quarters = contract_quarters(term)[:12] if shown.term else []
        names = [q.label for q in quarters] or [f"第 {n} 季度" for n in range(1, QUARTERS + 1)]
        top = shown.contract.scorecard.full_marks
        scores = [self._field(f"q{n}", name, Decimal(-1000), top) for n, name in enumerate(names, start=1)]
        real = context["sees_money"] and shown.total is not None
        total = shown.total if real and shown.total is not None else Setting().total
        unpaid = self._field("unpaid", "验收时剩余未支付（元）", Decimal(0), total)
        given = [f.value for f in scores if f.value is not None]
        context |= {"scores": scores, "unpaid": unpaid, "total": total, "real": real}
        if not given or unpaid.error:
            return context
        amounts = Amounts.of(total, term, unpaid.value)
        mean = average(given)
        return context | {
            "average": mean,
            "given": given,
            "fee": fee(shown.contract, mean, shown.readings, amounts),
            "otherwise": self._otherwise(mean, amounts),
            "needed": self._needed(given, len(names)),
            "remaining": len(names) - len(given),
            "bands": sorted(shown.contract.fee_tables[0].bands, key=lambda b: b.low or Decimal(-1)),
        }

    def _field(self, name: str, label: str, low: Decimal, high: Decimal) -> Field:
        raw = self.request.GET.get(name, "").strip()[:20]
        if not raw:
            return Field(name, label, "", None, "")
        try:
            value = Decimal(raw.replace(",", "").replace("，", ""))
        except InvalidOperation:
            return Field(name, label, raw, None, f"“{raw}”不是数字")
        if not value.is_finite() or not low <= value <= high:
            return Field(name, label, raw, None, f"应在 {low:,f} 到 {high:,f} 之间")
        return Field(name, label, raw, value, "")

    def _otherwise(self, mean: Decimal, amounts: Amounts) -> list[Otherwise]:
        """The readings not in force that would pay something else."""
        shown = self.shown
        now = fee(shown.contract, mean, shown.readings, amounts)
        out = []
        for question in shown.contract.questions:
            if question.id not in DECIDE_FEE:
                continue
            for reading in question.readings:
                under: Readings = replace(shown.readings, chosen={**shown.readings.chosen, question.id: reading.id})
                other = fee(shown.contract, mean, under, amounts)
                if other.paid != now.paid:
                    out.append(Otherwise(question.id, question.title, reading.label, other))
        return out

    def _needed(self, given: list[Decimal], quarters: int) -> list[tuple[str, Decimal]]:
        """For each band that can still be reached: what the remaining quarters must average."""
        top = self.shown.contract.scorecard.full_marks
        out = []
        for band in self.shown.contract.fee_tables[0].bands[:BANDS_AHEAD]:
            rest = needed(given, quarters, band.low) if band.low is not None else None
            if rest is not None and rest <= top:
                out.append((band.name, max(rest, Decimal(0))))
        return out
