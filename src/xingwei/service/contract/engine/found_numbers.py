"""Contradictions that arithmetic finds: points, bands, fees, deductions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations, pairwise

from .facts import Cited, Fact, number
from .model import BASES, Contract, FeeBand, FeeTable, Item, Rule


def points_sum(contract: Contract) -> Iterator[Fact]:
    """Do the rows' points add up to the full marks?"""
    card = contract.scorecard
    if card.points == card.full_marks:
        return
    rows = [i for i in card.items if not i.reverse]
    terms = "＋".join(number(i.points) for i in rows)
    gap = abs(card.full_marks - card.points)
    what = f"{len(rows)} 行分值 {terms}＝{number(card.points)}，满分写 {number(card.full_marks)}，差 {number(gap)} 分"
    full = card.full_marks_quote
    quotes = [Cited(full.at, full.words, f"满分 {number(card.full_marks)}")]
    quotes += [Cited(i.id, i.printed_points, f"{i.title} {number(i.points)} 分") for i in rows]
    yield Fact(what, tuple(quotes))


def band_gap(contract: Contract) -> Iterator[Fact]:
    """Averages between two bands that belong to neither."""
    for table in contract.fee_tables:
        for upper, lower in _neighbours(table):
            if lower.high is None or upper.low is None:
                continue
            open_between = lower.high == upper.low and not (lower.high_closed or upper.low_closed)
            if lower.high < upper.low or open_between:
                middle = (lower.high + upper.low) / 2
                where = f"大于 {number(lower.high)}、小于 {number(upper.low)}" if lower.high < upper.low else "恰为界值"
                what = f"{table.where}：{upper.label} 与 {lower.label} 之间，{where} 的均分（如 {number(middle)}）不在任何一档"
                yield Fact(what, (_cite(upper), _cite(lower)))


def band_overlap(contract: Contract) -> Iterator[Fact]:
    """Averages that belong to two bands of one place."""
    for table in contract.fee_tables:
        for upper, lower in _neighbours(table):
            if upper.low is None or lower.high is None:
                continue
            if upper.low < lower.high or (
                upper.low == lower.high and upper.holds(upper.low) and lower.holds(upper.low)
            ):
                what = (
                    f"{table.where}：均分 {number(upper.low)} 同时落在 {upper.name}和 {lower.name}"
                    "（“以下”包括本数，民法典第 1259 条）"
                )
                yield Fact(what, (_cite(upper), _cite(lower)))


def fee_rules(contract: Contract) -> Iterator[Fact]:
    """Two places of the text that pay differently for the same score."""
    for one, other in combinations(contract.fee_tables, 2):
        for a in one.bands:
            for b in other.bands:
                if _meet(a, b) and (a.percent_paid != b.percent_paid or _partial(a) != _partial(b)):
                    yield Fact(f"均分 {a.label}：{one.where}{_pays(a)}，{other.where}{_pays(b)}", (_cite(a), _cite(b)))
    for table in contract.fee_tables:
        for band in table.bands:
            if len(band.of) > 1:
                bases = "、".join(f"“{BASES[base]}”" for base in band.of)
                yield Fact(f"{table.where}的 {band.name}一句之内写了两个基数：{bases}", (_cite(band),))


def step_rule(contract: Contract) -> Iterator[Fact]:
    """A flat deduction beyond so many hours that does not follow on from the deduction by the hour."""
    for item, rule in _rules(contract):
        if rule.kind != "per_hour_begun" or rule.over_hours is None or not rule.points:
            continue
        before = rule.over_hours * rule.points
        if before == rule.flat_points:
            continue
        beyond = math.floor(rule.flat_points / rule.points) + 1
        what = (
            f"满 {number(rule.over_hours)} 小时按小时扣 {number(before)} 分，一超过就扣 {number(rule.flat_points)} 分；"
            f"而按小时累加，第 {beyond} 小时起是 {number(beyond * rule.points)} 分，比 {number(rule.flat_points)} 分还多"
        )
        yield Fact(what, (Cited(item.id, item.criteria),))


def reverse_unlimited(contract: Contract) -> Iterator[Fact]:
    """A row that only deducts, without a bound."""
    full = contract.scorecard.full_marks
    for item in contract.scorecard.items:
        if not item.reverse:
            continue
        worst = max(max(r.points, r.at_least) for r in item.rules)
        times = math.floor(full / worst) + 1
        what = (
            f"“{item.title}”不设分值、只倒扣：每次扣 {number(worst)} 分的，{times} 次就是 {number(times * worst)} 分，"
            f"超过满分 {number(full)}"
        )
        yield Fact(what, (Cited(item.id, item.criteria, item.printed_points), Cited(item.id, item.printed_points)))


def _neighbours(table: FeeTable) -> Iterator[tuple[FeeBand, FeeBand]]:
    yield from pairwise(
        sorted(table.bands, key=lambda b: Decimal("-Infinity") if b.low is None else b.low, reverse=True)
    )


def _rules(contract: Contract) -> Iterator[tuple[Item, Rule]]:
    for item in contract.scorecard.items:
        for rule in item.rules:
            yield item, rule


def _meet(a: FeeBand, b: FeeBand) -> bool:
    """Whether the bands share more than a bound."""
    low = max((x for x in (a.low, b.low) if x is not None), default=Decimal("-Infinity"))
    high = min((x for x in (a.high, b.high) if x is not None), default=Decimal("Infinity"))
    return low < high


def _partial(band: FeeBand) -> frozenset[str]:
    """The bases that are only a part of the fee; 服务费用 and 合同总金额 may be the same sum."""
    return frozenset(band.of) & {"month", "unpaid"}


def _pays(band: FeeBand) -> str:
    bases = "（".join(BASES[base] for base in band.of) + "）" * (len(band.of) - 1)
    if band.states_deduction and band.percent_paid == 100:
        return "不扣"
    if band.states_deduction:
        return f"扣{bases}的 {number(100 - band.percent_paid)}%"
    return f"付{bases}的 {number(band.percent_paid)}%"


def _cite(band: FeeBand) -> Cited:
    return Cited(band.quote.at, band.quote.words, _pays(band))
