"""An outpatient's way through the hospital, told by the messages of its systems."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from simhospital.centre.client import FeeLine
from simhospital.generate import dictionaries
from simhospital.generate.dictionaries import Row
from simhospital.generate.plan import EPOCH

from . import bills, cashdesk, messages, points
from .bills import Bill
from .hospital import Hospital
from .outward import HttpLink
from .pacs import image
from .records import insert
from .world import Patient as Person
from .world import Sample, now
from .world import Visit as Seen

REVIEW_S = 3.0  # 合理用药 may take so long, then the doctor goes on without it
REFUNDED = 0.03  # of the bills are taken back
CIRCULATED = 0.06  # of the prescriptions go to a pharmacy outside
_ROOMS = {1: "dev-cbc", 3: "dev-coag", 4: "dev-immuno"}


async def outpatient(h: Hospital, *, urgent: bool) -> None:
    """From the door to the last report."""
    person = h.world.arrival()
    doctor = h.world.doctor(urgent=urgent)
    diagnosis = h.world.diagnosis()
    at = now()
    number = 50_000 + h.book("his").number(f"visit {at:%y%m%d}")
    visit = Seen(
        ((at.date() - EPOCH).days * 100_000) + number, f"O{at:%y%m%d}{number:05d}", person, doctor, urgent, at,
        diagnosis["icd"], diagnosis["name"], diagnosis["complaint"], "30.00" if urgent else "15.00",
    )  # fmt: skip
    await register(h, visit)
    await h.wait(3 if urgent else 25)
    orders = await consult(h, visit)
    await h.wait(12)
    if orders.lines:
        orders.bill = await cashdesk.charge(h, visit, orders.lines)
        known = not person.insured or orders.bill.insured  # what may still be settled later is not taken back
        if known and h.world.chance.random() < REFUNDED and orders.bill.at is not None:
            bill = orders.bill
            h.later(150, lambda: cashdesk.refund(h, bill))
    await afterwards(h, visit, orders)


class Orders:
    """What the doctor ordered."""

    def __init__(self) -> None:
        self.drugs: Sequence[Row] = ()
        self.prescription = ""
        self.samples: list[Sample] = []
        self.exam: Row | None = None
        self.exam_order = ""
        self.lines: list[FeeLine] = []
        self.bill: Bill | None = None
        self.outside = False

    def add(self, national: str, local: str, count: int, price: str) -> None:
        """A line of the bill."""
        self.lines.append(FeeLine(len(self.lines) + 1, national, local, Decimal(count), Decimal(price)))


async def register(h: Hospital, v: Seen) -> None:
    """HIS: a card for who is new, the registration, its payment."""
    link = h.links["his-adt"]
    events = (["A28"] if v.patient.new else []) + ["A04"]
    v.patient.new = False
    texts = []
    for event in events:
        at = now()
        control_id = f"HIS{at:%y%m%d}{link.book.number('adt'):08d}"
        head = messages.msh("HIS", "ESB", f"ADT^{event}", control_id, at, link.charset.says)
        texts.append(
            (control_id, event, messages.adt(event, head, v.patient, v.doctor.department_name, v.doctor, v.number, at))
        )
    if len(texts) == 2 and (strike := points.active("send-swapped", "his-adt")):
        points.did(strike, control_id=texts[0][0])
        texts.reverse()
    for control_id, event, text in texts:
        link.put(control_id, f"ADT^{event}", str(v.patient.brid), text)
    h.count("registered")
    await h.records.write(
        ("his.gy_brda", _person(v.patient)),
        ("his.ms_ghmx", {
            "sbxh": v.id, "jzh": v.number, "brid": v.patient.brid, "ghsj": v.at, "ksdm": v.doctor.department, "ysdm": v.doctor.number,
            "hlb": "02" if v.urgent else "01", "mjbz": "2" if v.urgent else "1", "ghf": 1, "zlf": Decimal(v.fee), "czbz": "2", "jh": "0",
            "ly": "1", "ghzt": "1", "jzzt": "0", "jssj": v.at, "jsid": v.id * 10 + 1, "czgh": "10001",
        }),
    )  # fmt: skip
    await _pay_registration(h, visit=v)


async def _pay_registration(h: Hospital, visit: Seen) -> None:
    """挂号费 and 诊察费, paid by the patient."""
    consultation = "10004" if visit.urgent else "10001"
    lines = [
        FeeLine(1, "", "10006", Decimal(1), Decimal(1)),
        FeeLine(2, "", consultation, Decimal(1), Decimal(visit.fee)),
    ]
    bill = Bill(visit, visit.id * 10 + 1, "0", lines, cashdesk.cashier(h), "02" if visit.patient.insured else "01")
    bill.paid = await cashdesk.collect(h, visit, bill.cash)
    bill.at = now()
    rows = bills.fee_rows(bill, bill.at, jsid=bill.jsid, state="1")
    await h.records.do(*(insert(t, r) for t, r in rows), *bills.settled(bill))


def _person(p: Person) -> dict[str, Any]:
    return {
        "brid": p.brid, "mzhm": f"M{p.brid}", "brxm": p.name, "brxb": p.sex, "csny": p.born, "sfzh": p.certno, "zjlx": "01",
        "lxdh": p.phone, "xzz": p.address, "brxz": "02" if p.insured else "01", "jdsj": now(), "zfpb": "0",
    }  # fmt: skip


async def consult(h: Hospital, v: Seen) -> Orders:
    """CIS: diagnosis, prescription with its review, laboratory and imaging orders."""
    orders, chance = Orders(), h.world.chance
    link = h.links["cis-orders"]
    seen = {
        "jzid": v.id, "jzh": v.number, "brid": v.patient.brid, "ksdm": v.doctor.department, "ysdm": v.doctor.number,
        "kssj": now(), "zhusu": v.complaint, "jzzt": "2", "cfbz": "2", "lyqx": "1",
    }  # fmt: skip
    found = {
        "id": v.id * 10 + 1, "jzid": v.id, "zdlx": "01", "icd": v.icd, "zdmc": v.diagnosis, "ysbz": "0", "zdsj": now(),
        "ysdm": v.doctor.number,
    }  # fmt: skip
    await h.records.write(("cis.mz_jzjl", seen), ("cis.mz_zdjl", found))
    if chance.random() < 0.62:
        await _prescribe(h, v, orders)
    if chance.random() < (0.75 if v.urgent else 0.4):
        at = now()
        for n, panel in enumerate(h.world.panels(3), 1):
            barcode = f"1{at:%y%j}{link.book.number(f'tube {at:%y%m%d}') + 500_000:06d}"
            source = "3" if v.urgent else "1"
            sample = Sample(barcode, f"S{v.id * 10 + n}", panel, v.patient, v.doctor, v.number, source, v.urgent, at)
            orders.samples.append(sample)
            national = dictionaries.service_code(dictionaries.panel_code(panel))
            orders.add(national, str(panel.fee), 1, str(panel.price))
            h.laboratory.expect(sample)
        say(h, "cis-orders", "CIS", "OML^O21", v, lambda head: messages.oml(head, v, orders.samples, at))
    if chance.random() < 0.3:
        orders.exam = exam = chance.choice(h.world_exams)
        orders.exam_order = order = f"S{v.id * 10 + 5}"
        orders.add(dictionaries.service_code(exam["fybm"]), exam["fyxh"], 1, exam["fydj"])
        say(h, "cis-orders", "CIS", "OMG^O19", v, lambda head: messages.omg(head, v, order, exam, now()))
    h.count("seen")
    return orders


def say(h: Hospital, channel: str, system: str, type_: str, v: Seen, write: Any) -> None:
    """Send a message of a visit: write gets the head."""
    link, at = h.links[channel], now()
    control_id = f"{system}{at:%y%m%d}{link.book.number(channel):08d}"
    head = messages.msh(system, "ESB", type_, control_id, at, link.charset.says)
    link.put(control_id, type_, str(v.patient.brid), write(head))


async def _prescribe(h: Hospital, v: Seen, orders: Orders) -> None:
    drugs = h.world.drugs(v.doctor, 4)
    prescription = f"C{v.id * 10 + 1}"
    asked = {
        "prescription": prescription, "patient_id": str(v.patient.brid), "doctor": v.doctor.number, "diagnosis": v.icd,
        "drugs": [{"name": d["name"], "dose": d["dose"], "unit": d["dunit"], "route": d["route"]} for d in drugs],
    }  # fmt: skip
    reply = await h.calls.ask("hlyy", "/rx/review", asked, REVIEW_S)
    passed = {"answered": "1", "timeout": "3"}.get(reply.state, "0")
    if reply.state == "answered" and reply.body.get("result") == "blocked":
        h.count("prescription blocked")
        drugs = drugs[:1]
    elif reply.state != "answered":
        h.count("prescription not reviewed")
    orders.drugs, orders.prescription = drugs, prescription
    orders.outside = h.world.chance.random() < CIRCULATED
    numbers = [dictionaries.drug_numbers()[f"{d['name']} {d['spec']}"] for d in drugs]
    for number, d in zip(numbers, drugs, strict=True) if not orders.outside else ():
        orders.add(dictionaries.drug_code(number, d), str(50_000 + number), 1, d["price"])
    say(h, "cis-orders", "CIS", "OMP^O09", v, lambda head: messages.omp(head, v, prescription, drugs, now()))
    total = sum((Decimal(d["price"]) for d in drugs), Decimal(0))
    head = {
        "cfid": v.id * 10 + 1, "jzid": v.id, "cflx": "1", "cfxz": "01", "ysdm": v.doctor.number, "ksdm": v.doctor.department, "kfsj": now(),
        "sfzt": "0", "fybz": "0", "yfdm": "090901", "ts": 1, "sfsc": passed, "je": total,
    }  # fmt: skip
    await h.records.write(("cis.mz_cf", head), *(("cis.mz_cfmx", r) for r in _drug_rows(v, numbers, drugs)))


def _drug_rows(v: Seen, numbers: Sequence[int], drugs: Sequence[Row]) -> list[dict[str, Any]]:
    """The lines of a prescription; their numbers are those of the bill's lines."""
    return [
        {
            "mxid": (v.id * 10 + 1) * 20 + n, "cfid": v.id * 10 + 1, "zh": n, "ypxh": 50_000 + number, "ycjl": Decimal(d["dose"]),
            "jldw": d["dunit"], "yfdm": d["route"], "pcdm": "qd", "ts": 3, "sl": 1, "dw": d["unit"], "dj": Decimal(d["price"]),
            "je": Decimal(d["price"]).quantize(Decimal("0.01")), "zbbz": "0",
        }
        for n, (number, d) in enumerate(zip(numbers, drugs, strict=True), 1)
    ]  # fmt: skip


def hash_of(text: str) -> int:
    """A number of the text that is the same in every process."""
    return int.from_bytes(uuid.uuid5(uuid.NAMESPACE_OID, text).bytes[:8])


async def afterwards(h: Hospital, v: Seen, orders: Orders) -> None:
    """Pharmacy, laboratory and imaging, each in its own time."""
    if orders.drugs:
        h.later(15, lambda: dispense(h, v, orders))
    for sample in orders.samples:
        h.later(8, lambda s=sample: collect(h, s))  # type: ignore[misc]
    if orders.exam is not None:
        h.later(40, lambda: examine(h, v, orders))


async def dispense(h: Hospital, v: Seen, orders: Orders, tries: int = 20) -> None:
    """The pharmacy hands out what is paid and reports trace codes; a circulated prescription goes outside instead."""
    chance = h.world.chance
    body: dict[str, Any] = {"prescription": orders.prescription, "patient_id": str(v.patient.brid)}
    if orders.outside:
        link = h.links["circulation"]
        body |= {"drugs": [d["name"] for d in orders.drugs], "doctor": v.doctor.national}
        h.count("prescription circulated")
    else:
        bill = orders.bill
        if bill is None or bill.at is None:
            if tries:  # not paid yet
                h.later(15, lambda: dispense(h, v, orders, tries - 1))
            elif bill is not None:  # whenever the cashier knows that it is paid
                h.desk.pharmacy[bill.visit.number] = lambda: dispense(h, v, orders)
            return
        link = h.links["trace"]
        codes = {
            str(
                50_000 + dictionaries.drug_numbers()[f"{d['name']} {d['spec']}"]
            ): f"8{hash_of(d['name']) % 10**6:06d}{chance.randrange(10**13):013d}"
            for d in orders.drugs
        }
        await h.records.do(
            *bills.dispensed(
                bill, codes, (chance.choice(h.world.pharmacists), chance.choice(h.world.pharmacists)), now()
            )
        )
        body |= {"codes": list(codes.values())}
        h.count("dispensed")
    assert isinstance(link, HttpLink)
    link.report(link.channel, str(v.patient.brid), body)


async def collect(h: Hospital, s: Sample) -> None:
    """The labeller makes the tube and tells the laboratory; the blood is drawn and goes to its analyser."""
    link = h.links["label"]
    assert isinstance(link, HttpLink)
    s.collected = now()
    if strike := points.active("label-silent", "label"):
        points.did(strike, barcode=s.barcode)
    else:
        tube = {
            "barcode": s.barcode,
            "order": s.order,
            "tube": s.panel.tube,
            "patient_id": str(s.patient.brid),
            "name": s.patient.name,
        }
        link.report("LABEL", s.barcode, tube)
    h.count("collected")
    h.world.measure(s)
    room = _ROOMS.get(s.panel.section) or (f"dev-chem{1 + int(s.barcode[-1]) % 2}" if s.panel.section == 2 else "")
    if room:
        h.later(10 if s.urgent else 35, lambda: analyse(h, room, s))
    else:
        h.later(30, lambda: h.laboratory.publish(s))


async def analyse(h: Hospital, room: str, s: Sample) -> None:
    """The analyser sends what it finds. The LIS knows nothing of the values until the message has come."""
    analyser = h.devices[room]
    analyser.measure(s)
    s.values, s.flags = {}, {}
    h.count("analysed")


async def examine(h: Hospital, v: Seen, orders: Orders) -> None:
    """The modality sends an image; the report follows."""
    exam = orders.exam
    assert exam is not None
    study = f"1.2.826.0.1.3680043.10.1.{v.id}.5"
    if exam["kind"] in {"CT", "MR", "DR"} and not h.modality.queue.full():
        charset = h.world.chance.choice(("GB18030", "ISO_IR 192"))
        h.modality.queue.put_nowait(image(v.patient, exam, orders.exam_order, study, charset=charset))
    await h.wait(30)
    say(
        h, "pacs-report", "PACS", "ORU^R01", v,
        lambda head: messages.image_report(head, v.patient, v.doctor, v.number, orders.exam_order, exam, study, now()),
    )  # fmt: skip
    h.count("examined")
