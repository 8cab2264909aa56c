"""What happened → what it deducts → the quarter's score. Pure; every choice that the text leaves is a reading."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .model import Contract, Item, Rule, Scorecard, Veto
from .periods import Term, year_of
from .readings import Readings

ZERO = Decimal(0)
_CENT = Decimal("0.01")


class ScoreError(ValueError):
    """The events cannot be scored; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a rule may deduct for.

    minutes: how long business was affected, for rules with beyond_minutes. percent: the rate found, for rules with
    below_percent. points: what the two sides agreed for a graded rule. cause: what happened; events of several
    rules with one cause are one thing (reading "same-event").
    """

    rule: str
    minutes: Decimal = ZERO
    percent: Decimal | None = None
    points: Decimal | None = None
    cause: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Deduction:
    """What one rule deducts in the quarter, before the row's cap. why: how it was counted, Chinese."""

    rule: Rule
    points: Decimal
    events: tuple[Event, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ItemScore:
    """A row: deducted is what comes off after its cap; score is what remains of its points."""

    item: Item
    deductions: tuple[Deduction, ...]
    deducted: Decimal

    @property
    def score(self) -> Decimal:
        return self.item.points - self.deducted


@dataclass(frozen=True, slots=True)
class QuarterScore:
    """total: 总得分. counted: what goes into the average. failed: 考核不合格 once."""

    items: tuple[ItemScore, ...]
    total: Decimal
    vetoes: tuple[Veto, ...]
    counted: Decimal
    failed: bool


def pass_mark(contract: Contract) -> Decimal:
    """The score below which an assessment fails: where the lowest fee band ends."""
    bounds = [b.high for t in contract.fee_tables for b in t.bands if b.low is None and b.high is not None]
    return min(bounds, default=ZERO)


def score(contract: Contract, events: Iterable[Event], readings: Readings, vetoes: Sequence[str] = ()) -> QuarterScore:
    """The score of one quarter. vetoes: ids of what happened. Raises ScoreError for what the scorecard lacks."""
    card = contract.scorecard
    by_rule = _sorted_out(card, events, readings)
    items = tuple(_item(item, by_rule, readings) for item in card.items)
    unknown = set(vetoes) - {v.id for v in card.vetoes}
    if unknown:
        raise ScoreError(f"考核表没有否决项 {'、'.join(sorted(unknown))}")
    happened = tuple(v for v in card.vetoes if v.id in vetoes)
    total = _total(card, items, readings)
    mark = pass_mark(contract)
    failed = bool(happened) or (readings["failed-quarter"] == "quarter_score" and total < mark)
    return QuarterScore(items, total, happened, _counted(total, mark, bool(happened), readings), failed)


def average(counted: Sequence[Decimal]) -> Decimal:
    """均值: the mean of the quarters' scores, not rounded. Raises ScoreError without any."""
    if not counted:
        raise ScoreError("还没有考核得分")
    return sum(counted, ZERO) / len(counted)


def needed(counted: Sequence[Decimal], quarters: int, target: Decimal) -> Decimal | None:
    """The mean that the remaining quarters need for the average to reach target; None when none remain."""
    remaining = quarters - len(counted)
    return None if remaining <= 0 else (target * quarters - sum(counted, ZERO)) / remaining


def failed_in_one_year(failed_on: Iterable[dt.date], term: Term, readings: Readings) -> int:
    """The most assessments that failed within one year (备注 5); failed_on: the last day of each failed quarter."""
    years = [year_of(day, term, readings) for day in failed_on]
    return max((years.count(y) for y in years), default=0)


def deduction(rule: Rule, events: Sequence[Event], readings: Readings) -> Deduction | None:
    """What one rule deducts for these events; None for nothing."""
    counted = [e for e in events if _counts(rule, e)]
    if not counted:
        return None
    if rule.kind == "flat":
        points, why = rule.points, f"发生 {len(counted)} 次，扣 {rule.points} 分"
    elif rule.kind == "graded":
        points = sum((_graded(rule, e) for e in counted), ZERO)
        why = f"{len(counted)} 次，每次不低于 {rule.at_least} 分"
    elif rule.kind == "per_hour_begun":
        points, why = _by_hours(rule, counted, readings)
    else:
        points, why = rule.points * len(counted), f"{len(counted)} 次 × {rule.points} 分"
    return Deduction(rule, points, tuple(counted), why)


def _sorted_out(card: Scorecard, events: Iterable[Event], readings: Readings) -> dict[str, list[Event]]:
    """Rule → its events; of one cause only the gravest, where the sides read it so."""
    kept: list[Event] = []
    gravest: dict[str, tuple[tuple[Decimal, ...], Event]] = {}
    places = {rule.id: n for n, rule in enumerate(r for item in card.items for r in item.rules)}
    for event in events:
        try:
            _, rule = card.rule(event.rule)
        except KeyError:
            raise ScoreError(f"考核表没有扣分标准 {event.rule}") from None
        if readings["same-event"] == "each" or not event.cause:
            kept.append(event)
            continue
        alone = deduction(rule, [event], readings)
        # of equally grave ones the row that stands first, then the longer: never the one that was told first
        weight = (alone.points if alone else ZERO, Decimal(-places[rule.id]), Decimal(event.minutes))
        if event.cause not in gravest or weight > gravest[event.cause][0]:
            gravest[event.cause] = weight, event
    by_rule: dict[str, list[Event]] = {}
    for event in [*kept, *(e for _, e in gravest.values())]:
        by_rule.setdefault(event.rule, []).append(event)
    return by_rule


def _item(item: Item, by_rule: dict[str, list[Event]], readings: Readings) -> ItemScore:
    found = [d for rule in item.rules if (d := deduction(rule, by_rule.get(rule.id, []), readings))]
    points = sum((d.points for d in found), ZERO)
    if not item.reverse and readings["row-cap"] == "capped":
        points = min(points, item.points)
    return ItemScore(item, tuple(found), points)


def _total(card: Scorecard, items: Sequence[ItemScore], readings: Readings) -> Decimal:
    own = sum((i.deducted for i in items if not i.item.reverse), ZERO)
    reverse = sum((i.deducted for i in items if i.item.reverse), ZERO)
    match readings["points-sum"]:
        case "sum":
            total = card.points - own
        case "scale" if card.points:
            total = ((card.points - own) * card.full_marks / card.points).quantize(_CENT, ROUND_HALF_UP)
        case _:
            total = card.full_marks - own
    total -= reverse
    return max(total, ZERO) if readings["reverse-unlimited"] == "floor" else total


def _counted(total: Decimal, mark: Decimal, vetoed: bool, readings: Readings) -> Decimal:
    """What a vetoed quarter counts in the average, which the text does not say."""
    if not vetoed or readings["veto-score"] == "keep":
        return total
    return ZERO if readings["veto-score"] == "zero" else min(total, mark - 1)


def _counts(rule: Rule, event: Event) -> bool:
    if rule.below_percent is not None:
        return event.percent is not None and event.percent < rule.below_percent
    return event.minutes > rule.beyond_minutes if rule.beyond_minutes else True


def _graded(rule: Rule, event: Event) -> Decimal:
    points = rule.at_least if event.points is None else event.points
    if points < rule.at_least:
        raise ScoreError(f"“{rule.event}”每次不低于 {rule.at_least} 分，写的是 {points} 分")
    return points


def _by_hours(rule: Rule, events: Sequence[Event], readings: Readings) -> tuple[Decimal, str]:
    grace = rule.beyond_minutes if readings["outage-start"] == "after_grace" else 0
    minutes = [e.minutes - grace for e in events]
    if readings["outage-rounding"] == "each":
        hours = Decimal(sum(math.ceil(m / 60) for m in minutes))
        over = rule.over_hours is not None and hours > rule.over_hours
    else:
        hours = Decimal(math.ceil(sum(minutes, ZERO) / 60))
        over = rule.over_hours is not None and sum(minutes, ZERO) / 60 > rule.over_hours
    by_hour = hours * rule.points
    if not over:
        return by_hour, f"{len(events)} 次，计 {hours} 小时 × {rule.points} 分"
    points = max(rule.flat_points, by_hour) if readings["step-rule"] == "larger" else rule.flat_points
    return points, f"{len(events)} 次，累计超过 {rule.over_hours:g} 小时，扣 {points} 分"
