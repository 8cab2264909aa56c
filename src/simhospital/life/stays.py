"""An inpatient's way: admission, days on the ward with orders, tests and fees, discharge and settlement."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from simhospital.centre.client import FeeLine, Outcome
from simhospital.centre.line import LineError
from simhospital.generate import dictionaries
from simhospital.generate.plan import EPOCH

from . import bills, cashdesk, messages
from .bills import CARD, DEPOSIT, ZERO, Bill, Paid
from .cashdesk import voucher
from .hospital import Hospital
from .records import add, insert, update
from .visits import collect, say
from .world import Sample, now
from .world import Visit as Seen

_NIGHT = 300  # of the hospital's minutes between two events of a stay
_DAILY = (("001109000010000-110900001", "10011", "45.00"), ("001201000030000-120100003", "10022", "18.00"))


async def inpatient(h: Hospital) -> None:
    """From admission to settlement; a few days pass in a few minutes."""
    at = now()
    number = h.book("his").number(f"stay {at:%y%m%d}")
    wards = [r["ksdm"] for r in dictionaries.rows("departments") if r["zy"] == "1" and r["kslb"] == "01"]
    doctor = h.world.doctor(h.world.chance.choice(wards))
    diagnosis = h.world.diagnosis()
    stay = Seen(
        (at.date() - EPOCH).days * 10_000 + 5_000 + number, f"Z{at:%y%m%d}{number:05d}", h.world.arrival(), doctor, False, at,
        diagnosis["icd"], diagnosis["name"], diagnosis["complaint"],
    )  # fmt: skip
    tell(h, stay, "A01")
    admitted = await admit(h, stay)
    lines: list[FeeLine] = []
    for day in range(1, 2 + h.world.chance.randrange(3)):
        await h.wait(_NIGHT)
        tell(h, stay, "A02" if h.world.chance.random() < 0.12 else "A08")
        await round_of_the_ward(h, stay, day, lines)
    await h.wait(_NIGHT)
    tell(h, stay, "A03")
    await leave(h, stay, admitted, lines)


def tell(h: Hospital, stay: Seen, event: str) -> None:
    """HIS: what the other systems must know of an inpatient."""
    place = f"{stay.doctor.department_name}^{1 + stay.id % 20:02d}^{1 + stay.id % 3}"
    diagnosis = {"icd": stay.icd, "name": stay.diagnosis}
    say(
        h, "his-adt", "HIS", f"ADT^{event}", stay,
        lambda head: messages.adt(event, head, stay.patient, place, stay.doctor, stay.number, now(), diagnosis),
    )  # fmt: skip
    h.count(f"inpatient {event}")


async def admit(h: Hospital, stay: Seen) -> Outcome | None:
    """The admission office: a row, a bed, a deposit, and the insurer's registration where there is one."""
    ward = f"{stay.doctor.department}W"
    row = {
        "zyh": stay.id, "zyhm": f"Z{stay.id}", "bahm": f"B{stay.patient.brid % 10**7}", "zycs": 1, "brid": stay.patient.brid,
        "brxz": "02" if stay.patient.insured else "01", "rysj": stay.at, "rqsj": stay.at, "ryks": stay.doctor.department,
        "dqks": stay.doctor.department, "dqbq": ward, "cwh": _bed(stay), "zgys": stay.doctor.number,
        "ryfs": "2", "ryzd": stay.icd, "hldj": "2", "bqbz": "0", "zt": "I", "xsebz": "0",
    }  # fmt: skip
    bed = {
        "id": stay.id * 10 + 1,
        "zyh": stay.id,
        "ydlx": "0",
        "xcw": _bed(stay),
        "xks": stay.doctor.department,
        "ydsj": now(),
    }
    await h.records.write(("his.zy_brry", row), ("his.zy_cwyd", bed))
    await deposit(h, stay, 1, Decimal(2000))
    if not stay.patient.insured:
        return None
    outcome = await h.insurance.admit(*voucher(stay, "2101"))
    h.count(f"insurance admission {outcome.state}")
    return outcome if outcome.state == "settled" else None


def _bed(stay: Seen) -> str:
    """An extra bed (加床) of its own, since the past's beds are taken."""
    return f"L{stay.id % 100_000:05d}"


async def deposit(h: Hospital, stay: Seen, n: int, amount: Decimal) -> None:
    """预交金, by telephone, card or in cash; a receipt with a number of its own."""
    number = stay.id * 10 + n
    found = await cashdesk.collect(h, stay, amount, f"YJ{number}")
    method = found[0][0].method
    row = {
        "sjh": number, "zyh": stay.id, "je": amount, "zffs": "01" if method == "07" else method, "sksj": now(), "czgh": cashdesk.cashier(h),
        "zt": "0",
    }  # fmt: skip
    await h.records.write(("finance.cw_yjj", row))
    stay.deposits.append((number, amount, found[0][0]))


async def round_of_the_ward(h: Hospital, stay: Seen, day: int, lines: list[FeeLine]) -> None:
    """Fees of the day, drugs ordered and given, and on most days blood is taken."""
    first = len(lines)
    for national, local, price in _DAILY:
        lines.append(FeeLine(len(lines) + 1, national, local, Decimal(1), Decimal(price)))
    drugs = h.world.drugs(stay.doctor, 3)
    orders: list[tuple[str, dict[str, Any]]] = []
    for d in drugs:
        number = dictionaries.drug_numbers()[f"{d['name']} {d['spec']}"]
        line = FeeLine(
            len(lines) + 1, dictionaries.drug_code(number, d), str(50_000 + number), Decimal(1), Decimal(d["price"])
        )
        lines.append(line)
        orders += _ordered(h, stay, line, d)
    say(
        h, "cis-orders", "CIS", "OMP^O09", stay, lambda head: messages.omp(head, stay, f"Y{stay.id}{day}", drugs, now())
    )
    if h.world.chance.random() < 0.7:
        draw(h, stay, day, lines)
    at = now()
    fees = [("finance.cw_zyfy", _fee(stay, line, at)) for line in lines[first:]]
    shelf = [
        add("his.yf_kcmx", {"ypxh": int(line.local)}, "kcsl", -line.count)
        for line in lines[first:]
        if bills.items()[line.local].kind == "1"
    ]
    await h.records.do(*(insert(table, row) for table, row in (*orders, *fees)), *shelf)
    h.count("ward day")


def _ordered(h: Hospital, stay: Seen, line: FeeLine, d: dictionaries.Row) -> list[tuple[str, dict[str, Any]]]:
    """A drug's order, its execution by a nurse, and what the ward's pharmacy gave for it."""
    number, at, nurse = stay.id * 1000 + line.serial, now(), h.world.chance.choice(h.world.nurses)
    order = {
        "yzid": number, "zyh": stay.id, "yzzh": number, "cqls": "2", "yzlx": 0 if d["kss"] == "0" else 1, "xmdm": line.local,
        "yznr": d["name"],
        "ycjl": Decimal(d["dose"]), "dw": d["dunit"], "yfdm": d["route"], "pcdm": "st", "kssj": at, "kzysdm": stay.doctor.number,
        "shsj": at,
        "shhs": nurse, "zxks": stay.doctor.department, "yzzt": "2",
    }  # fmt: skip
    given = {
        "zxid": number,
        "yzid": number,
        "zyh": stay.id,
        "jhsj": at,
        "zxsj": at,
        "zxhs": nurse,
        "qmzt": "2",
        "jfbz": "1",
        "sl": 1,
    }
    drug = {
        "fyid": number, "zxid": number, "zyh": stay.id, "ypxh": int(line.local), "ph": f"P{2600 + int(line.local) % 60}", "sl": line.count,
        "je": line.amount, "fysj": at, "fyr": h.world.chance.choice(h.world.pharmacists), "zt": "0",
    }  # fmt: skip
    return [("cis.zy_yz", order), ("cis.zy_yz_zx", given), ("his.yf_zyfy", drug)]


def _fee(stay: Seen, line: FeeLine, at: datetime) -> dict[str, Any]:
    what, drug = bills.items()[line.local], bills.items()[line.local].kind == "1"
    number = stay.id * 1000 + line.serial if drug else None
    own = (line.amount * Decimal(what.own)).quantize(Decimal("0.01"))
    return {
        "jlxh": stay.id * 100_000 + line.serial, "zyh": stay.id, "fyrq": at.date(), "jfsj": at, "xmxh": int(line.local), "xmlb": what.kind,
        "xmmc": what.name, "sfxm": what.fee_class, "dj": line.price, "sl": line.count, "je": line.amount, "zfje": own,
        "kdks": stay.doctor.department, "kdys": stay.doctor.number, "zxks": what.place or stay.doctor.department,
        "bqks": f"{stay.doctor.department}W", "yzid": number, "zxid": number, "ly": "6" if drug else "7",
        "scbz": "1" if stay.patient.insured else "0",
    }  # fmt: skip


def draw(h: Hospital, stay: Seen, day: int, lines: list[FeeLine]) -> None:
    """Order, tube and blood of a ward's patient."""
    at, link, samples = now(), h.links["cis-orders"], []
    for n, panel in enumerate(h.world.panels(3), 1):
        barcode = f"1{at:%y%j}{link.book.number(f'tube {at:%y%m%d}') + 500_000:06d}"
        sample = Sample(
            barcode, f"Z{stay.id * 100 + day * 10 + n}", panel, stay.patient, stay.doctor, stay.number, "2", False, at
        )
        samples.append(sample)
        h.laboratory.expect(sample)
        national = dictionaries.service_code(dictionaries.panel_code(panel))
        lines.append(FeeLine(len(lines) + 1, national, str(panel.fee), Decimal(1), panel.price))
        h.later(8, lambda s=sample: collect(h, s))  # type: ignore[misc]
    say(h, "cis-orders", "CIS", "OML^O21", stay, lambda head: messages.oml(head, stay, samples, at))


async def leave(h: Hospital, stay: Seen, admitted: Outcome | None, lines: list[FeeLine]) -> None:
    """The discharge office: fees to the insurer, settlement, what is left of the deposits, the front page."""
    bill = Bill(stay, stay.id * 10 + 3, "2", lines, cashdesk.cashier(h), "02" if stay.patient.insured else "01")
    left = now()
    await h.records.do(
        update("his.zy_brry", {"zyh": stay.id}, {"zt": "B", "cysj": left, "cyfs": "1"}),
        insert(
            "his.zy_cwyd",
            {
                "id": stay.id * 10 + 4,
                "zyh": stay.id,
                "ydlx": "4",
                "ycw": _bed(stay),
                "yks": stay.doctor.department,
                "ydsj": left,
            },
        ),
    )
    if admitted is not None:
        outcome = await settle(h, stay, admitted, lines, bill.total)
        h.count(f"insurance discharge {outcome.state if outcome else 'not uploaded'}")
        if outcome is not None and outcome.state == "unknown":
            outcome = await _asked(h, outcome)
        if outcome is not None and outcome.state == "unknown":
            h.count("stay left unsettled")  # the discharge office asks again tomorrow; the patient is not settled twice
            return
        if outcome is not None and outcome.state == "settled":
            bill.adopt(outcome)
    await close(h, bill, left)


async def _asked(h: Hospital, outcome: Outcome) -> Outcome:
    """A stay whose settlement nobody knows: ask, wait, ask."""
    for minutes in cashdesk.WAITS:
        if outcome.entry is None or outcome.state != "unknown":
            break
        outcome = await h.insurance.enquire(outcome.entry)
        h.count("insurance asked")
        if outcome.state == "unknown":
            await h.wait(minutes)
    return outcome


async def close(h: Hospital, bill: Bill, left: datetime) -> None:
    """Settle with the deposits: what is missing is paid by card, what is over goes back as it came."""
    stay = bill.visit
    paid = sum((amount for _, amount, _ in stay.deposits), ZERO)
    used = min(paid, bill.cash)
    ways: list[tuple[Paid, Decimal]] = [(Paid(DEPOSIT), used)] if used else []
    if bill.cash > paid:
        missing = bill.cash - paid
        ways.append((await cashdesk.pay(h, stay, missing, CARD), missing))
    bill.paid, bill.at = ways, now()
    steps = bills.settled(bill)
    steps.append(update("finance.cw_zyfy", {"zyh": stay.id}, {"jsid": bill.jsid}))
    steps.append(update("finance.cw_yjj", {"zyh": stay.id}, {"jsid": bill.jsid}))
    if paid > used:
        steps.append(insert("finance.cw_yjj", await _over(h, bill, paid - used)))
    steps.append(update("his.zy_brry", {"zyh": stay.id}, {"zt": "O"}))
    steps.append(insert("emr.ba_sy", _front_page(bill, left)))
    await h.records.do(*steps)
    h.count("discharged")


async def _over(h: Hospital, bill: Bill, amount: Decimal) -> dict[str, Any]:
    """What is over of the deposits goes back by the way of the first."""
    stay = bill.visit
    number, _, how = stay.deposits[0]
    back = await cashdesk.give_back(h, [(how, amount)])
    method = back[0][0].method
    return {
        "sjh": number + 8, "zyh": stay.id, "je": -amount, "zffs": "01" if method == "07" else method, "sksj": now(), "czgh": bill.cashier,
        "zt": "0", "jsid": bill.jsid,
    }  # fmt: skip


_PAGE = {
    "ylfuf": ("01", "07", "13"),
    "zdf": ("02", "03", "04"),
    "zlf": ("05", "06"),
    "xyf": ("09",),
    "zyf": ("10", "11"),
    "hcf": ("08",),
}


def _front_page(bill: Bill, left: datetime) -> dict[str, Any]:
    """病案首页 with the fees by class."""
    v = bill.visit
    sums: dict[str, Decimal] = {}
    for line in bill.lines:
        kind = bills.items()[line.local].fee_class
        sums[kind] = sums.get(kind, ZERO) + line.amount
    classes = {name: sum((sums.get(k, ZERO) for k in kinds), ZERO) for name, kinds in _PAGE.items()}
    return {
        "zyh": v.id, "bah": f"B{v.patient.brid % 10**7}", "zycs": 1, "xm": v.patient.name, "xb": v.patient.sex, "csrq": v.patient.born,
        "rytj": "2", "rysj": v.at, "rykb": v.doctor.department, "cysj": left, "cykb": v.doctor.department,
        "sjzyts": max(1, (left.date() - v.at.date()).days), "mzzd": v.icd, "lyfs": "1", "zfy": bill.total, "zfje": bill.total - bill.fund,
        **classes, "qtf": bill.total - sum(classes.values(), ZERO), "gdzt": "0",
    }  # fmt: skip


async def settle(h: Hospital, stay: Seen, admitted: Outcome, lines: list[FeeLine], total: Decimal) -> Outcome | None:
    """2301, 2402, 2303, 2304; None where the fees could not be uploaded."""
    patient, visit = voucher(stay, "2101")
    try:
        await h.insurance.upload_stay(patient, visit, admitted.mdtrt_id, lines)
    except LineError:
        return None
    return await h.insurance.discharge(patient, visit, admitted.mdtrt_id, total)
