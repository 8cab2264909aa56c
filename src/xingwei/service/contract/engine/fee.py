"""An average → its band → what is paid, under the readings of what the two places of the text say differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .model import BASES, Contract, FeeBand, FeeTable
from .periods import Term
from .readings import Readings
from .scorecard import ScoreError

_CENT = Decimal("0.01")
_PARTIAL = frozenset({"month", "unpaid"})  # bases that are less than the whole fee


@dataclass(frozen=True, slots=True)
class Amounts:
    """Yuan. total: 合同总金额. unpaid: 剩余未支付服务费 when it is settled. month: 当月服务费."""

    total: Decimal
    unpaid: Decimal
    month: Decimal

    @classmethod
    def of(cls, total: Decimal, term: Term, unpaid: Decimal | None = None) -> Amounts:
        """unpaid: by default the whole, as the text pays only after acceptance (验收结束后)."""
        return cls(total, total if unpaid is None else unpaid, (total / term.months).quantize(_CENT, ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Fee:
    """judged: the average as it was put into a band. percent: what is held back, of which base ("total", …)."""

    judged: Decimal
    band: FeeBand
    percent: Decimal
    base: str
    withheld: Decimal
    paid: Decimal

    @property
    def label(self) -> str:
        """What is held back, in words."""
        return f"扣{BASES[self.base]}的 {self.percent:g}%" if self.percent else "全额支付"


def band_of(table: FeeTable, average: Decimal, readings: Readings) -> tuple[Decimal, FeeBand]:
    """The band of an average, and the average as judged. Raises ScoreError below every band."""
    judged = average.quantize(Decimal(1), ROUND_HALF_UP) if readings["band-gap"] == "half_up" else average
    best_first = sorted(table.bands, key=_lowest, reverse=True)
    holding = [b for b in best_first if b.holds(judged)]
    if holding:
        return judged, holding[0 if readings["band-overlap"] == "upper" else -1]
    for band in best_first:  # in a gap: the band above is not reached
        if band.low is None or judged >= band.low:
            return judged, band
    raise ScoreError(f"均分 {average:g} 不在任何一档")


def fee(contract: Contract, average: Decimal, readings: Readings, amounts: Amounts) -> Fee:
    """What an average pays. Money is rounded to the cent at the end."""
    judged, band = band_of(_table(contract.fee_tables, readings), average, readings)
    percent = 100 - band.percent_paid
    base = _base(band, readings)
    of = {"total": amounts.total, "unpaid": amounts.unpaid, "month": amounts.month}[base]
    withheld = (of * percent / 100).quantize(_CENT, ROUND_HALF_UP)
    return Fee(judged, band, percent, base, withheld, (amounts.total - withheld).quantize(_CENT, ROUND_HALF_UP))


def _lowest(band: FeeBand) -> Decimal:
    return Decimal("-Infinity") if band.low is None else band.low


def _table(tables: Sequence[FeeTable], readings: Readings) -> FeeTable:
    """The place of the text that rules: the first, or the one that deducts from a part of the fee."""
    if readings["fee-rules"] != "pay_of_total":
        for table in tables:
            if any(_PARTIAL.intersection(band.of) for band in table.bands):
                return table
    return tables[0]


def _base(band: FeeBand, readings: Readings) -> str:
    if _PARTIAL.intersection(band.of):
        return "month" if readings["fee-rules"] == "deduct_month" and "month" in band.of else "unpaid"
    return "unpaid" if readings["fee-base"] == "unpaid" else "total"
