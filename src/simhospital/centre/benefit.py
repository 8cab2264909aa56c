"""What the funds pay: pure, exact, in Decimal. Every amount is in yuan with two places, rounded half up.

A line is divided into 全自费 (wholly own), 超限价 (above the price limit), 先行自付 (paid beforehand) and 符合政策范围
(in scope); a bill's scope is then reduced by what is left of the year's deductible, paid by tiers up to the year's
cap, and what remains may be paid in part by further funds. All identities of the interface's text hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay")


def money(value: Any) -> Decimal:
    """An amount in yuan, two places, rounded half up."""
    return Decimal(str(value or 0)).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the catalogue: level 01 甲 02 乙 03 丙, share paid beforehand, price limit a unit (None: none)."""

    code: str
    level: str
    prepaid: Decimal
    limit: Decimal | None = None
    charge_class: str = "14"
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """A line or a bill divided; total = own + over + prepaid + scope, exactly."""

    total: Decimal = ZERO
    own: Decimal = ZERO
    over: Decimal = ZERO
    prepaid: Decimal = ZERO
    scope: Decimal = ZERO

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            self.total + other.total,
            self.own + other.own,
            self.over + other.over,
            self.prepaid + other.prepaid,
            self.scope + other.scope,
        )


def divide(total: Decimal, count: Decimal, price: Decimal, item: Item, approved: str = "0") -> Parts:
    """One line divided. `approved` is the hospital's flag: 2 refused, or 0 on a restricted item, means wholly own."""
    total = money(total)
    if item.level == "03" or approved == "2" or (item.restricted and approved != "1"):
        return Parts(total=total, own=total)
    over = ZERO
    if item.limit is not None and price > item.limit:
        over = money((price - item.limit) * count)
        over = min(over, total) if total >= 0 else max(over, total)
    prepaid = money((total - over) * item.prepaid)
    return Parts(total=total, over=over, prepaid=prepaid, scope=total - over - prepaid)


@dataclass(frozen=True, slots=True)
class Year:
    """What one person has used up this year: deductible, pooled fund, own burden in scope, admissions."""

    deductible: Decimal = ZERO
    pooled: Decimal = ZERO
    burden: Decimal = ZERO
    admissions: int = 0


@dataclass(frozen=True, slots=True)
class Insured:
    """What matters of a person: insurance, kind, civil servant, in aid, account's balance."""

    insutype: str
    psn_type: str
    civil: bool = False
    aid: bool = False
    balance: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays a bill. `funds` by field name, `details` (fund_pay_type, scope, limit, amount) for setldetail."""

    parts: Parts
    deductible: Decimal
    ratio: Decimal
    funds: dict[str, Decimal]
    details: list[tuple[str, Decimal, Decimal, Decimal]] = field(default_factory=list)
    account: Decimal = ZERO

    @property
    def fund(self) -> Decimal:
        """fund_pay_sumamt."""
        return sum(self.funds.values(), ZERO)

    @property
    def personal(self) -> Decimal:
        """psn_part_amt: what the funds do not pay (the hospital bears nothing under these plans)."""
        return self.parts.total - self.fund

    @property
    def cash(self) -> Decimal:
        """psn_cash_pay."""
        return self.personal - self.account


def _tiered(base: Decimal, tiers: Sequence[Sequence[str]], extra: Decimal) -> Decimal:
    """The sum over tiers [from, ratio] (rising) of the part of the base in each, at its ratio and the extra."""
    paid = Decimal(0)
    for index, (start, ratio) in enumerate(tiers):
        end = Decimal(tiers[index + 1][0]) if index + 1 < len(tiers) else base
        part = max(ZERO, min(base, end) - Decimal(start))
        paid += part * min(Decimal(1), Decimal(ratio) + extra)
    return money(paid)


def _deductible(plan: Mapping[str, Any], kind: str, year: Year, scope: Decimal) -> Decimal:
    whole = Decimal(plan["deductible"])
    if kind == "inpatient":  # for every admission, less from the second one of a year
        left = whole * (Decimal(plan.get("again", "1")) if year.admissions else Decimal(1))
    else:
        left = max(ZERO, whole - year.deductible)
    return min(scope, money(left))


def split(
    parts: Parts, kind: str, person: Insured, year: Year, rules: Mapping[str, Any], use_account: bool = False
) -> Split:
    """Who pays this bill: `kind` outpatient, chronic or inpatient; `rules` has `plans`, `civil`, `aid`."""
    insurance = rules["plans"].get(person.insutype) or rules["plans"]["390"]
    plan = insurance[kind]
    deductible = _deductible(plan, kind, year, parts.scope)
    extra = Decimal(plan.get("retired", "0")) if person.psn_type == "12" else Decimal(0)
    ratio = min(Decimal(1), Decimal(plan["tiers"][0][1]) + extra)
    wanted = _tiered(parts.scope - deductible, plan["tiers"], extra)
    room = max(ZERO, Decimal(plan["cap"]) - year.pooled)
    funds = dict.fromkeys(FUNDS, ZERO)
    details: list[tuple[str, Decimal, Decimal, Decimal]] = []

    def pay(name: str, fund: str, amount: Decimal, limit: Decimal) -> None:
        if amount > 0:
            funds[name] += amount
            details.append((fund, parts.scope, money(limit), amount))

    pay("hifp_pay", plan["fund"], min(wanted, room), room)
    if wanted > room and (above := insurance.get("above_cap")):
        pay(above["field"], above["fund"], money((wanted - room) * Decimal(above["ratio"])), wanted - room)
    if burden := insurance.get("burden"):
        rest = parts.scope - sum(funds.values(), ZERO)
        start = Decimal(burden["above"])
        grown = max(ZERO, year.burden + rest - start) - max(ZERO, year.burden - start)
        pay(burden["field"], burden["fund"], money(grown * Decimal(burden["ratio"])), grown)
    for applies, further in ((person.civil, rules["civil"]), (person.aid, rules["aid"])):
        rest = parts.scope - sum(funds.values(), ZERO)
        if applies and rest > 0:
            pay(further["field"], further["fund"], money(rest * Decimal(further["ratio"])), rest)
    bill = Split(parts, deductible, ratio, funds, details)
    if use_account and insurance["account"]:
        return Split(parts, deductible, ratio, funds, details, min(person.balance, bill.personal))
    return bill
