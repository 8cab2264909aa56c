"""A bill of the living hospital and its rows: fee lines, settlement, payment, invoice, insurance, and all of it in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from simhospital.centre.client import FeeLine, Outcome
from simhospital.generate import dictionaries

from .records import Step, add, insert, update
from .world import Visit

ZERO = Decimal("0.00")
CASH, DEPOSIT, CARD = "00", "08", "03"
FUNDS = ("hifp_pay", "cvlserv_pay", "hifmi_pay", "maf_pay")  # the others are summed up in oth_pay


@dataclass(frozen=True, slots=True)
class Item:
    """What a line of a bill is: as the price list has it."""

    name: str
    fee_class: str
    kind: str
    own: str
    grade: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Paid:
    """How the patient's part was paid. serial: the channel's number."""

    method: str
    order: str | None = None
    serial: str | None = None
    fee: Decimal = ZERO
    of: str | None = None


@dataclass(slots=True)
class Bill:
    """One settlement. kind: jslx 0 registration, 1 outpatient, 2 stay. entry: of the book with the insurer."""

    visit: Visit
    jsid: int
    kind: str
    lines: Sequence[FeeLine]
    cashier: str
    nature: str = "01"
    fund: Decimal = ZERO
    account: Decimal = ZERO
    outcome: Outcome | None = None
    paid: Sequence[tuple[Paid, Decimal]] = ()
    at: datetime | None = None
    dispensed: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def cash(self) -> Decimal:
        """The patient's own part."""
        return self.total - self.fund - self.account

    @property
    def insured(self) -> bool:
        return self.outcome is not None and self.outcome.state == "settled"

    def adopt(self, outcome: Outcome) -> None:
        """The insurer has settled."""
        self.outcome, self.fund, self.account = outcome, outcome.fund, outcome.account


@cache
def items() -> dict[str, Item]:
    """By the hospital's number of item or drug."""
    found = {
        r["fyxh"]: Item(r["fymc"], r["sfxm"], "2", r["zfbl"], r["ybdj"], r["zxks"] or None)
        for r in dictionaries.rows("items")
    }
    found |= {str(p.fee): Item(p.name, "04", "2", "0", "01", "0901") for p in dictionaries.panels()}
    found |= {r["fyxh"]: Item(r["fymc"], "03", "2", "0.1", "02", r["zxks"]) for r in dictionaries.rows("exams")}
    found |= {
        str(50_000 + n): Item(r["name"], r["sfxm"], "1", r["zfbl"], r["ybdj"], "090901")
        for n, r in enumerate(dictionaries.rows("drugs"), 1)
    }
    return found


def line_number(visit: Visit, line: FeeLine) -> int:
    """mxid of a drug's line of the prescription."""
    return (visit.id * 10 + 1) * 20 + line.serial


def fee_rows(
    bill: Bill, at: datetime, *, jsid: int | None, state: str, sign: int = 1, base: int = 0
) -> list[tuple[str, dict[str, Any]]]:
    """The lines of `cw_fymx`; base: the settlement whose numbers they get."""
    v, rows = bill.visit, []
    for line in bill.lines:
        what = items()[line.local]
        rows.append(("finance.cw_fymx", {
            "fyid": (base or bill.jsid) * 100 + line.serial, "jzh": v.number, "cfmxid": line_number(v, line) if what.kind == "1" else None,
            "sqdh": None, "xmxh": int(line.local), "xmlb": what.kind, "xmmc": what.name, "sfxm": what.fee_class, "dj": line.price,
            "sl": sign * line.count, "je": sign * line.amount, "zfbl": Decimal(what.own), "ybdj": what.grade, "kdks": v.doctor.department,
            "kdys": v.doctor.number, "zxks": what.place, "zt": state, "jsid": jsid,
            "oldid": bill.jsid * 100 + line.serial if sign < 0 else None, "lrsj": at,
        }))  # fmt: skip
    return rows


def settled(bill: Bill) -> list[Step]:
    """Everything that a finished settlement writes, its fee lines apart."""
    v, at = bill.visit, bill.at
    assert at is not None
    js = _settlement(bill, bill.jsid, at, 1) | {"jszt": "1", "cxjsid": None}
    steps = [insert("finance.cw_js", js), insert("finance.cw_fp", _invoice(bill, bill.jsid, at, 1))]
    for n, (paid, amount) in enumerate(bill.paid, 1):
        steps.append(insert("finance.cw_jszf", _payment(bill.jsid, n, paid, amount, at)))
    if bill.insured:
        assert bill.outcome is not None
        steps.append(insert("finance.ins_setl", _insurance(bill, bill.jsid, bill.outcome, "0", 1)))
    if bill.kind == "1":
        steps.append(update("cis.mz_cf", {"jzid": v.id}, {"sfzt": "1"}))
    return steps


def charged(bill: Bill) -> Step:
    """The fee lines that waited belong to the settlement now."""
    return update("finance.cw_fymx", {"jzh": bill.visit.number, "zt": "0"}, {"zt": "1", "jsid": bill.jsid})


def taken_back(bill: Bill, at: datetime, back: Sequence[tuple[Paid, Decimal]], refund: Outcome | None) -> list[Step]:
    """The whole bill in red: settlement, lines, payments, invoice and insurance, each with its partner."""
    number = bill.jsid + 1
    js = _settlement(bill, number, at, -1) | {"jszt": "2", "cxjsid": bill.jsid}
    steps = [insert("finance.cw_js", js), insert("finance.cw_fp", _invoice(bill, number, at, -1))]
    steps += [insert(t, r) for t, r in fee_rows(bill, at, jsid=number, state="2", sign=-1, base=number)]
    for n, (paid, amount) in enumerate(back, 1):
        steps.append(insert("finance.cw_jszf", _payment(number, n, paid, -amount, at)))
    if bill.insured and refund is not None:
        steps.append(insert("finance.ins_setl", _insurance(bill, number, refund, "2", -1)))
        steps.append(update("finance.ins_setl", {"jsid": bill.jsid}, {"state": "1"}))
    steps.append(update("finance.cw_js", {"jsid": bill.jsid}, {"jszt": "2", "cxjsid": number}))
    steps.append(update("finance.cw_fymx", {"jsid": bill.jsid}, {"zt": "2"}))
    return steps


def _settlement(bill: Bill, jsid: int, at: datetime, sign: int) -> dict[str, Any]:
    v, stay = bill.visit, bill.kind == "2"
    return {
        "jsid": jsid, "jslx": bill.kind, "jzh": None if stay else v.number, "zyh": v.id if stay else None, "brid": v.patient.brid,
        "brxz": bill.nature, "zje": sign * bill.total, "ybje": sign * bill.fund, "zhje": sign * bill.account, "xjje": sign * bill.cash,
        "yhje": 0, "wcje": 0, "jssj": at, "czgh": bill.cashier, "fpid": jsid, "lyqd": "1",
    }  # fmt: skip


def _invoice(bill: Bill, jsid: int, at: datetime, sign: int) -> dict[str, Any]:
    return {
        "id": jsid, "fpdm": "44060126", "fphm": f"{jsid % 10**10:010d}", "jsid": jsid, "je": sign * bill.total, "kpsj": at,
        "zt": "1" if sign > 0 else "3", "lx": "2", "jym": f"{jsid * 7919 % 10**6:06d}",
    }  # fmt: skip


def _payment(jsid: int, n: int, paid: Paid, amount: Decimal, at: datetime) -> dict[str, Any]:
    return {
        "id": jsid * 10 + n, "jsid": jsid, "zffs": paid.method, "je": amount, "ddh": paid.order, "lsh": paid.serial, "ysdm": None,
        "sxf": paid.fee, "zfsj": at, "tkylsh": paid.of,
    }  # fmt: skip


def _insurance(bill: Bill, jsid: int, outcome: Outcome, state: str, sign: int) -> dict[str, Any]:
    """The insurer's answer as `ins_setl`; of a refund, the settlement's amounts with a minus."""
    first = bill.outcome
    assert first is not None
    info, told = first.setlinfo, outcome.setlinfo
    own, over, before = (_money(info, n) for n in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt"))
    funds = {name: _money(info, name) for name in FUNDS}
    amounts = {
        "medfee_sumamt": bill.total, "fulamt_ownpay_amt": own, "overlmt_selfpay": over, "preselfpay_amt": before,
        "inscp_scp_amt": bill.total - own - over - before, "act_pay_dedc": _money(info, "act_pay_dedc"), **funds,
        "oth_pay": bill.fund - sum(funds.values(), ZERO), "fund_pay_sumamt": bill.fund, "acct_pay": bill.account, "psn_cash_pay": bill.cash,
    }  # fmt: skip
    return {
        "id": jsid, "jsid": jsid, "psn_no": first.psn_no, "mdtrt_id": first.mdtrt_id, "setl_id": told.get("setl_id") or outcome.setl_id,
        "msgid": outcome.msgid, "insutype": first.insutype, "med_type": info.get("med_type") or ("2101" if bill.kind == "2" else "11"),
        "clr_type": info.get("clr_type") or ("21" if bill.kind == "2" else "11"), **{n: sign * a for n, a in amounts.items()},
        "setl_time": told.get("setl_time") or bill.at, "state": state,
    }  # fmt: skip


def _money(info: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(info.get(name) or 0)).quantize(Decimal("0.01"))


def dispensed(bill: Bill, drugs: Mapping[str, str], people: tuple[str, str], at: datetime) -> list[Step]:
    """The drugs of a bill leave the shelf. drugs: number of the drug → trace code."""
    steps: list[Step] = []
    for line in bill.lines:
        if items()[line.local].kind != "1":
            continue
        mx = line_number(bill.visit, line)
        row = {
            "fyid": mx * 10 + 1, "cfmxid": mx, "brid": bill.visit.patient.brid, "ypxh": int(line.local),
            "ph": f"P{2600 + int(line.local) % 60}", "sl": line.count, "je": line.amount,
            "fysj": at, "pyr": people[0], "fyr": people[1], "ck": "1", "zt": "0",
            "zsm": drugs.get(line.local),
        }  # fmt: skip
        bill.dispensed.append(row)
        steps += [insert("his.yf_mzfy", row), add("his.yf_kcmx", {"ypxh": row["ypxh"]}, "kcsl", -line.count)]
    steps.append(update("cis.mz_cf", {"jzid": bill.visit.id}, {"fybz": "2"}))
    return steps


def returned(bill: Bill, at: datetime) -> list[Step]:
    """The drugs come back to the pharmacy."""
    steps: list[Step] = []
    for row in bill.dispensed:
        red = {**row, "fyid": row["fyid"] + 1, "sl": -row["sl"], "je": -row["je"], "fysj": at, "zt": "2", "zsm": None}
        steps += [insert("his.yf_mzfy", red), update("his.yf_mzfy", {"fyid": row["fyid"]}, {"zt": "1"})]
        steps.append(add("his.yf_kcmx", {"ypxh": row["ypxh"]}, "kcsl", row["sl"]))
    bill.dispensed.clear()
    return steps
