"""An inpatient's way: admission, days on the ward with orders, tests and fees, discharge and settlement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simhospital.centre.client import FeeLine, Outcome, Patient, Visit
from simhospital.centre.line import LineError
from simhospital.generate import dictionaries
from simhospital.generate.plan import EPOCH

from . import messages
from .hospital import Hospital
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
        round_of_the_ward(h, stay, day, lines)
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


def _voucher(stay: Seen) -> tuple[Patient, Visit]:
    d = stay.doctor
    visit = Visit(
        stay.number, d.department, d.department_name, d.national, d.name, stay.icd, stay.diagnosis, med_type="2101"
    )
    return Patient(stay.patient.name, stay.patient.certno), visit


async def admit(h: Hospital, stay: Seen) -> Outcome | None:
    """The admission office: a row, a deposit, and the insurer's registration where there is one."""
    row = {
        "zyh": stay.id, "zyhm": f"Z{stay.id}", "bahm": f"B{stay.patient.brid % 10**7}", "zycs": 1, "brid": stay.patient.brid,
        "brxz": "02" if stay.patient.insured else "01", "rysj": stay.at, "rqsj": stay.at, "ryks": stay.doctor.department,
        "dqks": stay.doctor.department, "dqbq": f"{stay.doctor.department}W", "cwh": f"L{stay.id % 100:02d}", "zgys": stay.doctor.number,
        "ryfs": "2", "ryzd": stay.icd, "hldj": "2", "bqbz": "0", "zt": "I", "xsebz": "0",
    }  # fmt: skip
    deposit = {
        "sjh": stay.id * 10 + 1,
        "zyh": stay.id,
        "je": 2000,
        "zffs": "01",
        "sksj": now(),
        "czgh": "10001",
        "zt": "0",
    }
    await h.records.write(("his.zy_brry", row), ("finance.cw_yjj", deposit))
    if not stay.patient.insured:
        return None
    outcome = await h.insurance.admit(*_voucher(stay))
    h.count(f"insurance admission {outcome.state}")
    return outcome if outcome.state == "settled" else None


def round_of_the_ward(h: Hospital, stay: Seen, day: int, lines: list[FeeLine]) -> None:
    """Fees of the day, drugs, and on most days blood is taken."""
    for national, local, price in _DAILY:
        lines.append(FeeLine(len(lines) + 1, national, local, Decimal(1), Decimal(price)))
    drugs = h.world.drugs(stay.doctor, 3)
    for d in drugs:
        number = dictionaries.drug_numbers()[f"{d['name']} {d['spec']}"]
        lines.append(
            FeeLine(
                len(lines) + 1, dictionaries.drug_code(number, d), str(50_000 + number), Decimal(1), Decimal(d["price"])
            )
        )
    say(
        h, "cis-orders", "CIS", "OMP^O09", stay, lambda head: messages.omp(head, stay, f"Y{stay.id}{day}", drugs, now())
    )
    if h.world.chance.random() < 0.7:
        draw(h, stay, day, lines)
    h.count("ward day")


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
    """The discharge office: fees to the insurer, settlement, what is left of the deposit."""
    total = sum((line.amount for line in lines), Decimal(0))
    fund = account = Decimal(0)
    if admitted is not None:
        outcome = await settle(h, stay, admitted, lines, total)
        h.count(f"insurance discharge {outcome.state if outcome else 'not uploaded'}")
        if outcome is not None and outcome.state == "settled":
            fund, account = outcome.fund, outcome.account
    jsid = stay.id * 10 + 3
    row: dict[str, Any] = {
        "jsid": jsid, "jslx": "2", "zyh": stay.id, "brid": stay.patient.brid, "brxz": "02" if stay.patient.insured else "01", "zje": total,
        "ybje": fund, "zhje": account, "xjje": total - fund - account, "yhje": 0, "wcje": 0, "jszt": "1", "jssj": now(), "czgh": "10001",
        "fpid": jsid, "lyqd": "1",
    }  # fmt: skip
    payment = {"id": jsid * 10 + 1, "jsid": jsid, "zffs": "08", "je": total - fund - account, "sxf": 0, "zfsj": now()}
    await h.records.write(("finance.cw_js", row), ("finance.cw_jszf", payment))
    await h.records.change("his.zy_brry", {"zyh": stay.id}, {"zt": "O", "cysj": now(), "cyfs": "1"})


async def settle(h: Hospital, stay: Seen, admitted: Outcome, lines: list[FeeLine], total: Decimal) -> Outcome | None:
    """2301, 2402, 2303, 2304; None where the fees could not be uploaded."""
    patient, visit = _voucher(stay)
    try:
        await h.insurance.upload_stay(patient, visit, admitted.mdtrt_id, lines)
    except LineError:
        return None
    return await h.insurance.discharge(patient, visit, admitted.mdtrt_id, total)
