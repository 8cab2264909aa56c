"""What hangs on a reading, worked out: the same facts under each reading, in points, money or days.

Every number comes from the engines that also compute the real ones; only the facts of the example are chosen here,
as small as will do to make the readings differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from .facts import number, yuan
from .fee import Amounts, fee
from .model import Contract, Question, Rule
from .periods import Term, contract_quarters, once_due, quarters, shares_of_years
from .readings import Readings
from .scorecard import Event, average, deduction, failed_in_one_year, pass_mark, score
from .service import service_policy

_TRIES = 400


@dataclass(frozen=True, slots=True)
class Setting:
    """The sums and dates that examples are worked with. real: those of the contract, not assumed ones."""

    total: Decimal = Decimal(1_000_000)
    term: Term = Term(dt.date(2025, 10, 15), dt.date(2026, 10, 14))  # noqa: RUF009 - immutable
    real: bool = False

    @property
    def amounts(self) -> Amounts:
        return Amounts.of(self.total, self.term)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reading makes of the example. money: what is paid, where the example is about money."""

    reading: str
    label: str
    says: str
    money: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """facts: what is assumed to happen, Chinese."""

    facts: str
    outcomes: tuple[Outcome, ...]

    @property
    def at_stake(self) -> Decimal | None:
        """How far the outcomes lie apart in yuan; None where they are not about money."""
        sums = [o.money for o in self.outcomes if o.money is not None]
        return max(sums) - min(sums) if sums else None


Said = tuple[str, Decimal | None]
Work = Callable[[Readings], Said]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of a contract, and what readings it is to be worked out under, one for each of its readings."""

    contract: Contract
    question: Question
    setting: Setting
    under: Sequence[Readings]

    def paid(self, points: Decimal, readings: Readings) -> Said:
        """An average and what it pays."""
        found = fee(self.contract, points, readings, self.setting.amounts)
        average_is = number(points.quantize(Decimal("0.01")))
        return f"均分 {average_is}，{found.band.name}，{found.label}，付 {yuan(found.paid)}", found.paid

    def every_quarter(self, events: Sequence[Event]) -> Work:
        """The same events in every quarter: the score, and what it pays."""
        return lambda readings: self.paid(score(self.contract, events, readings).counted, readings)

    def first_split(self, make: Callable[[int], Sequence[Event]]) -> tuple[int, Work] | None:
        """The smallest n for which the readings pay differently; None where none does."""
        for n in range(1, _TRIES):
            work = self.every_quarter(make(n))
            if len({work(r)[1] for r in self.under}) > 1:
                return n, work
        return None


Maker = Callable[[_Asked], tuple[str, Work] | None]


def example(contract: Contract, question: Question, readings: Readings, setting: Setting) -> Example | None:
    """The question's worked example, other questions being read as in `readings`; None where nothing is computed."""
    maker = _MAKERS.get(question.id)
    if maker is None:
        return None
    under = [replace(readings, chosen={**readings.chosen, question.id: r.id}) for r in question.readings]
    made = maker(_Asked(contract, question, setting, under))
    if made is None:
        return None
    facts, work = made
    said = [work(r) for r in under]
    rows = zip(question.readings, said, strict=True)
    return Example(facts, tuple(Outcome(r.id, r.label, says, money) for r, (says, money) in rows))


def _smallest(contract: Contract) -> Rule | None:
    """The rule that deducts least each time, of a row with points of its own."""
    rules = [r for i in contract.scorecard.items if not i.reverse for r in i.rules if r.kind == "per_occurrence"]
    plain = [r for r in rules if not r.beyond_minutes and r.below_percent is None]
    return min(plain, key=lambda r: r.points, default=None)


def _hourly(contract: Contract) -> Rule | None:
    rules = (r for i in contract.scorecard.items for r in i.rules if r.kind == "per_hour_begun")
    return next(rules, None)


def _gravest(contract: Contract) -> Rule | None:
    """The rule of a row that only deducts that takes most at once."""
    rules = [r for i in contract.scorecard.items if i.reverse for r in i.rules]
    return max(rules, key=lambda r: max(r.points, r.at_least), default=None)


def _points_sum(asked: _Asked) -> tuple[str, Work] | None:
    rule = _smallest(asked.contract)
    split = asked.first_split(lambda n: [Event(rule.id)] * n) if rule else None
    if rule is None or split is None:
        return None
    n, work = split
    return f"每季度都有 {n} 次“{rule.event}”，共扣 {number(n * rule.points)} 分", work


def _row_cap(asked: _Asked) -> tuple[str, Work] | None:
    rule = _smallest(asked.contract)
    split = asked.first_split(lambda n: [Event(rule.id)] * n) if rule else None
    if rule is None or split is None:
        return None
    item, _ = asked.contract.scorecard.rule(rule.id)
    return f"每季度都有 {split[0]} 次“{rule.event}”（本项 {number(item.points)} 分）", split[1]


def _same_event(asked: _Asked) -> tuple[str, Work] | None:
    """An outage that is also counted by another of the rows that the question quotes."""
    hourly = _hourly(asked.contract)
    quoted = {s.at for s in asked.question.statements}
    others = [
        r
        for i in asked.contract.scorecard.items
        if i.id in quoted
        for r in i.rules
        if r.kind == "per_occurrence" and not r.beyond_minutes
    ]
    if hourly is None or not others:
        return None
    pair = (Event(hourly.id, minutes=Decimal(60)), Event(others[-1].id))
    split = asked.first_split(lambda n: [replace(e, cause=f"{k}") for k in range(n) for e in pair])
    return split and (f"每季度 {split[0]} 次故障，各停 1 小时，又都“{others[-1].event}”", split[1])


def _band_gap(asked: _Asked) -> tuple[str, Work] | None:
    for table in asked.contract.fee_tables:
        for upper, lower in pairwise(table.bands):
            if upper.low is not None and lower.high is not None and lower.high < upper.low:
                return _average(asked, (upper.low + lower.high) / 2, "为")
    return None


def _at_the_mark(asked: _Asked) -> tuple[str, Work] | None:
    return _average(asked, pass_mark(asked.contract), "恰为")


def _average(asked: _Asked, points: Decimal, word: str) -> tuple[str, Work]:
    return f"四个季度的均分{word} {number(points)}", lambda readings: asked.paid(points, readings)


def _settled(points: Callable[[Contract], Decimal | None]) -> Maker:
    """An average, and the sum that is still unpaid when it is settled."""

    def maker(asked: _Asked) -> tuple[str, Work] | None:
        setting, average_is = asked.setting, points(asked.contract)
        if average_is is None:
            return None
        unpaid = setting.total * 3 / 10
        amounts = Amounts.of(setting.total, setting.term, unpaid)

        def work(readings: Readings) -> Said:
            found = fee(asked.contract, average_is, readings, amounts)
            return f"{found.label}，付 {yuan(found.paid)}", found.paid

        return f"均分 {number(average_is)}，合同总金额 {yuan(setting.total)}，验收时还有 {yuan(unpaid)} 未付", work

    return maker


def _below_the_mark(contract: Contract) -> Decimal:
    return pass_mark(contract) - 5


def _first_deducting(contract: Contract) -> Decimal | None:
    return next((b.low for b in contract.fee_tables[0].bands if b.low is not None and b.percent_paid < 100), None)


def _outage(facts: str, minutes: Sequence[int]) -> Maker:
    """Outages in one quarter: what they deduct."""

    def maker(asked: _Asked) -> tuple[str, Work] | None:
        rule = _hourly(asked.contract)
        if rule is None:
            return None

        def work(readings: Readings) -> Said:
            found = deduction(rule, [Event(rule.id, minutes=Decimal(m)) for m in minutes], readings)
            return (f"扣 {number(found.points)} 分（{found.why}）" if found else "不扣分"), None

        return facts, work

    return maker


def _step_rule(asked: _Asked) -> tuple[str, Work] | None:
    rule = _hourly(asked.contract)
    if rule is None or rule.over_hours is None:
        return None
    hours = int(max(rule.over_hours, rule.flat_points / rule.points)) + 1
    return _outage(f"一个季度停 {hours} 次，每次 1 小时", [60] * hours)(asked)


def _reverse(asked: _Asked) -> tuple[str, Work] | None:
    rule, full = _gravest(asked.contract), asked.contract.scorecard.full_marks
    if rule is None:
        return None
    times = int(full / max(rule.points, rule.at_least)) + 1
    events = [Event(rule.id)] * times

    def work_with(other: Decimal) -> Work:
        def work(readings: Readings) -> Said:
            bad = score(asked.contract, events, readings).counted
            says, money = asked.paid(average([bad, other, other, other]), readings)
            return f"该季度 {number(bad)} 分；{says}", money

        return work

    for other in (full - n for n in range(int(full))):
        work = work_with(other)
        if len({work(r)[1] for r in asked.under}) > 1:
            return f"一个季度 {times} 次“{rule.event}”，其余三个季度各 {number(other)} 分", work
    return None


def _veto(asked: _Asked) -> tuple[str, Work] | None:
    card = asked.contract.scorecard
    if not card.vetoes:
        return None

    def work(readings: Readings) -> Said:
        vetoed = score(asked.contract, [], readings, [card.vetoes[0].id]).counted
        says, money = asked.paid(average([vetoed, *[card.full_marks] * 3]), readings)
        return f"该季度按 {number(vetoed)} 分；{says}", money

    return f"一个季度没有扣分但出现“{card.vetoes[0].event}”，其余三个季度满分", work


def _failed(asked: _Asked) -> tuple[str, Work] | None:
    contract, rule = asked.contract, _gravest(asked.contract)
    after = contract.scorecard.terminates_after
    if rule is None or after is None:
        return None
    events = [Event(rule.id)] * 2

    def work(readings: Readings) -> Said:
        failed = score(contract, events, readings).failed
        ends = [p.last for p in contract_quarters(asked.setting.term)][:after]
        times = failed_in_one_year(ends if failed else [], asked.setting.term, readings)
        may = "采购人可以解除合同" if times >= after else "不能据此解除合同"
        return f"不合格 {times} 次，{may}", None

    points = score(contract, events, asked.under[0]).total
    return f"前 {after} 个季度都只得 {number(points)} 分，没有否决项", work


def _quarter(asked: _Asked) -> tuple[str, Work]:
    def work(readings: Readings) -> Said:
        periods = quarters(asked.setting.term, readings)
        return f"第一份季度报告到期 {periods[0].last}，共 {len(periods)} 份", None

    return _dates(asked.setting), work


def _year(asked: _Asked) -> tuple[str, Work]:
    def work(readings: Readings) -> Said:
        periods = shares_of_years(asked.setting.term, 1, readings)
        return f"每年一次的义务到期：{'、'.join(str(p.last) for p in periods)}", None

    return _dates(asked.setting), work


def _once(asked: _Asked) -> tuple[str, Work]:
    def work(readings: Readings) -> Said:
        return f"最迟 {once_due(asked.setting.term, readings)}", None

    return _dates(asked.setting), work


def _major(asked: _Asked) -> tuple[str, Work] | None:
    def work(readings: Readings) -> Said:
        arrive = service_policy(asked.contract, readings, "").arrive[2]
        due = dt.datetime(2026, 1, 1, 10) + (arrive.hours or dt.timedelta(0))  # noqa: DTZ001 - a time of day
        return f"最迟 {due:%H:%M} 到场", None

    levels = {level.severity for level in asked.contract.service.levels}
    return ("10:00 报告一件二级故障", work) if 2 in levels else None


def _said(facts: str, by_reading: dict[str, str]) -> Maker:
    """Consequences that need no computing."""

    def maker(asked: _Asked) -> tuple[str, Work]:
        return facts, lambda readings: (by_reading[readings[asked.question.id]], None)

    return maker


def _dates(setting: Setting) -> str:
    return f"合同自 {setting.term.starts_on} 至 {setting.term.ends_on}"


_NIGHT = {"round_the_clock": "周六 00:00 前到场", "working_hours": "下一个工作日上班满 2 小时前到场"}
_WORKDAY = {"same_time": "周四 15:00 前到场", "close_of_day": "周四下班前到场"}
_MAKERS: dict[str, Maker] = {
    "points-sum": _points_sum,
    "row-cap": _row_cap,
    "same-event": _same_event,
    "band-gap": _band_gap,
    "band-overlap": _at_the_mark,
    "fee-rules": _settled(_below_the_mark),
    "fee-base": _settled(_first_deducting),
    "step-rule": _step_rule,
    "outage-start": _outage("一次停 70 分钟", [70]),
    "outage-rounding": _outage("一个季度停 3 次，每次 25 分钟", [25, 25, 25]),
    "reverse-unlimited": _reverse,
    "veto-score": _veto,
    "failed-quarter": _failed,
    "quarter": _quarter,
    "year": _year,
    "once-due": _once,
    "major-fault": _major,
    "arrival-clock": _said("周五 22:00 报告一件一级故障", _NIGHT),
    "workday": _said("周三 15:00 报告一件三级故障，周四是工作日", _WORKDAY),
}
