"""The cash desk: charging, paying, what is done when nobody knows whether the insurer has settled, and taking back.

A cashier who gets no clear answer asks the insurer (5203) before anything else, waits and asks again; only when the
insurer says that there is no settlement is the bill settled anew. Until then the bill stays open. It is never settled
twice, and the patient never waits at the window: the bill is finished as soon as the outcome is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simhospital.centre.client import FeeLine, Outcome, Patient
from simhospital.centre.client import Visit as Voucher
from simhospital.channels import CHANNELS

from . import bills
from .bills import CARD, CASH, ZERO, Bill, Paid
from .records import insert
from .world import Visit, now

if TYPE_CHECKING:
    from .hospital import Hospital

PAY_S = 15.0
WAITS = (1.0, 4.0, 10.0)  # of the hospital's minutes between two enquiries
_WAYS = ("01",) * 52 + ("02",) * 20 + (CARD,) * 14 + (CASH,) * 8 + ("07",) * 6
Settle = Callable[[Voucher], Awaitable[Outcome]]


@dataclass(slots=True)
class Desk:
    """Bills that are not finished: open (by entry of the book with the insurer), paid by the patient alone while the
    insurer was away (by visit), being taken back (by entry)."""

    open: dict[int, tuple[Bill, Settle, Voucher]] = field(default_factory=dict)
    alone: dict[str, Bill] = field(default_factory=dict)
    refunding: dict[int, Bill] = field(default_factory=dict)
    pharmacy: dict[str, Callable[[], Awaitable[Any]]] = field(default_factory=dict)  # hands out what was paid late
    waiting: int = 0


def cashier(h: Hospital) -> str:
    """Who sits at the window."""
    return h.world.chance.choice(h.world.cashiers)


def voucher(v: Visit, med_type: str) -> tuple[Patient, Voucher]:
    """The visit as the insurer is told of it."""
    d = v.doctor
    told = Voucher(v.number, d.department, d.department_name, d.national, d.name, v.icd, v.diagnosis, med_type=med_type)
    return Patient(v.patient.name, v.patient.certno), told


# ----- charging
async def charge(h: Hospital, v: Visit, lines: Sequence[FeeLine]) -> Bill:
    """Charge an outpatient's orders: the insurer first, then the patient's part, then all rows in one transaction."""
    bill = Bill(v, v.id * 10 + 2, "1", lines, cashier(h), "02" if v.patient.insured else "01")
    await h.records.write(*bills.fee_rows(bill, now(), jsid=None, state="0"))
    if not v.patient.insured:
        await close(h, bill)
        return bill
    patient, told = voucher(v, "13" if v.urgent else "11")

    async def settle(told: Voucher) -> Outcome:
        return await h.insurance.outpatient(patient, told, lines)

    outcome = await settle(told)
    h.count(f"insurance {outcome.state}")
    await conclude(h, bill, await certain(h, outcome, settle, told), settle, told)
    return bill


async def certain(h: Hospital, outcome: Outcome, settle: Settle, told: Voucher) -> Outcome:
    """An outcome that is known, as far as asking and waiting can make it so."""
    for minutes in WAITS:
        if outcome.state != "unknown" or outcome.entry is None:
            return outcome
        found = await h.insurance.enquire(outcome.entry)
        h.count("insurance asked")
        if found.state == "refused":  # the insurer has no such settlement
            told = replace(told, number=f"{told.number}B")
            h.count("insurance settled again")
            outcome = await settle(told)
            continue
        outcome = found
        if outcome.state == "unknown":
            await h.wait(minutes)
    return outcome


async def conclude(h: Hospital, bill: Bill, outcome: Outcome, settle: Settle, told: Voucher) -> None:
    """Finish the bill by what is known of it, or leave it open."""
    if outcome.state == "unknown" and outcome.entry is not None:
        h.desk.open[outcome.entry] = (bill, settle, told)
        h.count("bill left open")
        return
    if outcome.state == "settled":
        bill.adopt(outcome)
    elif outcome.state == "selfpay":
        h.desk.alone[bill.visit.number] = bill
    await close(h, bill)


async def close(h: Hospital, bill: Bill) -> None:
    """Take the patient's part and write it all down."""
    bill.paid = await collect(h, bill.visit, bill.cash)
    bill.at = now()
    steps = bills.settled(bill)
    if bill.kind == "1":
        steps.append(bills.charged(bill))
    await h.records.do(*steps)
    h.count("charged")


async def collect(h: Hospital, v: Visit, amount: Decimal, order: str = "") -> list[tuple[Paid, Decimal]]:
    """The patient pays as patients do."""
    if amount <= 0:
        return []
    method = h.world.chance.choice(_WAYS)
    if method == "07" and not v.patient.insured:
        method = "01"
    return [(await pay(h, v, amount, method, order), amount)]


async def pay(h: Hospital, v: Visit, amount: Decimal, method: str, order: str = "") -> Paid:
    """One payment. By telephone through the gateway: an unknown outcome is asked about first, then cash is taken."""
    if method == CASH:
        h.count("paid in cash")
        return Paid(CASH)
    order = order or f"HIS{now():%Y%m%d%H%M%S}{h.book('his').number('order') % 1_000_000:06d}"
    if method == CARD:  # the bank's terminal has a line of its own
        row = h.channels.pay(order, amount, CHANNELS[method], now())
        h.count("paid by card")
        return Paid(method, order, row["lsh"], Decimal(row["sxf"]))
    asked = {"order": order, "amount": str(amount), "method": method, "patient_id": str(v.patient.brid)}
    reply = await h.calls.ask("pay", "/pay/pay", asked, PAY_S)
    found = " by telephone"
    if reply.state in {"timeout", "broken"} or reply.body.get("uncertain"):
        reply = await h.calls.ask("pay", "/pay/pay", {"order": order, "action": "query"}, PAY_S)
        found = ", found by query"
    if reply.state == "answered" and reply.body.get("state") == "paid":
        h.count(f"paid{found}")
        return Paid(method, order, reply.body.get("serial"), Decimal(str(reply.body.get("fee") or 0)))
    h.count("paid in cash")
    return Paid(CASH)


async def give_back(h: Hospital, paid: Sequence[tuple[Paid, Decimal]]) -> list[tuple[Paid, Decimal]]:
    """Money goes back the way it came, cash where that cannot be."""
    back = []
    for how, amount in paid:
        serial: str | None = None
        if how.method == CARD and how.order:
            row = h.channels.refund(how.order, amount, now())
            serial = row["lsh"] if row else None
        elif how.method in CHANNELS and how.order:
            asked = {"order": how.order, "action": "refund", "amount": str(amount)}
            reply = await h.calls.ask("pay", "/pay/pay", asked, PAY_S)
            serial = reply.body.get("refund") if reply.state == "answered" else None
        way = Paid(how.method, how.order, serial, ZERO, how.serial) if serial else Paid(CASH)
        back.append((way, amount))
    return back


# ----- what was not known
async def cleared(h: Hospital, outcome: Outcome) -> None:
    """Something that was not known is known now: finish what waits for it."""
    entry = outcome.entry
    if entry is None:
        return
    if entry in h.desk.open:
        bill, settle, told = h.desk.open.pop(entry)
        if outcome.state == "refused":
            told = replace(told, number=f"{told.number}B")
            outcome = await certain(h, await settle(told), settle, told)
        await conclude(h, bill, outcome, settle, told)
        if bill.at is not None and (waiting := h.desk.pharmacy.pop(bill.visit.number, None)) is not None:
            h.later(15, waiting)
    elif entry in h.desk.refunding:
        bill = h.desk.refunding.pop(entry)
        if outcome.state == "refunded":
            await finish_refund(h, bill, outcome)
        elif outcome.state == "unknown":
            h.desk.refunding[entry] = bill
    elif outcome.state == "settled":
        number = h.insurance.book.entry(entry).reference.rstrip("B")
        if (alone := h.desk.alone.pop(number, None)) is not None:
            await correct(h, alone, outcome)


async def correct(h: Hospital, bill: Bill, outcome: Outcome) -> None:
    """The patient had paid all; the insurer has settled since: the bill in red, and again with the insurer's part."""
    at = now()
    steps = bills.taken_back(bill, at, await give_back(h, bill.paid), None)
    again = replace(bill, jsid=bill.jsid + 2, paid=(), at=now())
    again.adopt(outcome)
    again.paid = await collect(h, bill.visit, again.cash)
    rows = bills.fee_rows(again, at, jsid=again.jsid, state="1", base=again.jsid)
    await h.records.do(*steps, *(insert(t, r) for t, r in rows), *bills.settled(again))
    h.count("settled later")


# ----- taking back
async def refund(h: Hospital, bill: Bill) -> None:
    """Take back a whole outpatient settlement. Where the insurer does not agree, nothing is given back."""
    if not bill.insured:
        h.desk.alone.pop(bill.visit.number, None)
        await finish_refund(h, bill, None)
        return
    assert bill.outcome is not None
    assert bill.outcome.entry is not None
    outcome = await h.insurance.refund(bill.outcome.entry)
    h.count(f"insurance refund {outcome.state}")
    if outcome.state == "refunded":
        await finish_refund(h, bill, outcome)
    elif outcome.state == "unknown" and outcome.entry is not None:
        h.desk.refunding[outcome.entry] = bill


async def finish_refund(h: Hospital, bill: Bill, outcome: Outcome | None) -> None:
    """Red rows, drugs back on the shelf, money back."""
    at = now()
    steps = bills.taken_back(bill, at, await give_back(h, bill.paid), outcome)
    steps += bills.returned(bill, at)
    await h.records.do(*steps)
    h.count("refunded")
