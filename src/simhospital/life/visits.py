"""An outpatient's way through the hospital, told by the messages of its systems."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from simhospital.centre.client import FeeLine, Patient, Visit
from simhospital.generate import dictionaries
from simhospital.generate.dictionaries import Row
from simhospital.generate.plan import EPOCH

from . import messages, points, refunds
from .hospital import Hospital
from .outward import HttpLink
from .pacs import image
from .world import Patient as Person
from .world import Sample, now
from .world import Visit as Seen

REVIEW_S = 3.0  # 合理用药 may take so long, then the doctor goes on without it
PAY_S = 15.0
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
        await charge(h, visit, orders.lines)
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
        *_settled(v, v.id * 10 + 1, "0", Decimal(v.fee) + 1, Decimal(0), Decimal(0), "01"),
    )  # fmt: skip
    await pay(h, v, Decimal(v.fee) + 1)


def _person(p: Person) -> dict[str, Any]:
    return {
        "brid": p.brid, "mzhm": f"M{p.brid}", "brxm": p.name, "brxb": p.sex, "csny": p.born, "sfzh": p.certno, "zjlx": "01",
        "lxdh": p.phone, "xzz": p.address, "brxz": "02" if p.insured else "01", "jdsj": now(), "zfpb": "0",
    }  # fmt: skip


def _settled(
    v: Seen, jsid: int, kind: str, total: Decimal, fund: Decimal, account: Decimal, method: str
) -> list[tuple[str, dict[str, Any]]]:
    cash, nature = total - fund - account, "02" if v.patient.insured else "01"
    row = {
        "jsid": jsid, "jslx": kind, "jzh": v.number, "brid": v.patient.brid, "brxz": nature, "zje": total, "ybje": fund, "zhje": account,
        "xjje": cash, "yhje": 0, "wcje": 0, "jszt": "1", "jssj": now(), "czgh": "10001", "fpid": jsid, "lyqd": "1",
    }  # fmt: skip
    rows: list[tuple[str, dict[str, Any]]] = [("finance.cw_js", row)]
    if cash:
        payment = {"id": jsid * 10 + 1, "jsid": jsid, "zffs": method, "je": cash, "sxf": 0, "zfsj": now()}
        rows.append(("finance.cw_jszf", payment))
    return rows


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
    for d in drugs:
        number = dictionaries.drug_numbers()[f"{d['name']} {d['spec']}"]
        orders.add(dictionaries.drug_code(number, d), str(50_000 + number), 1, d["price"])
    say(h, "cis-orders", "CIS", "OMP^O09", v, lambda head: messages.omp(head, v, prescription, drugs, now()))
    total = sum((Decimal(d["price"]) for d in drugs), Decimal(0))
    await h.records.write(("cis.mz_cf", {
        "cfid": v.id * 10 + 1, "jzid": v.id, "cflx": "1", "cfxz": "01", "ysdm": v.doctor.number, "ksdm": v.doctor.department, "kfsj": now(),
        "sfzt": "0", "fybz": "0", "yfdm": "090901", "ts": 1, "sfsc": passed, "je": total,
    }))  # fmt: skip


def hash_of(text: str) -> int:
    """A number of the text that is the same in every process."""
    return int.from_bytes(uuid.uuid5(uuid.NAMESPACE_OID, text).bytes[:8])


async def charge(h: Hospital, v: Seen, lines: Sequence[FeeLine]) -> None:
    """HIS at the cash desk: insurance first, the rest by telephone or in cash; a few bills are taken back later."""
    total = sum((line.amount for line in lines), Decimal(0))
    fund = account = Decimal(0)
    entry: int | None = None
    if v.patient.insured:
        visit = Visit(
            v.number, v.doctor.department, v.doctor.department_name, v.doctor.national, v.doctor.name, v.icd, v.diagnosis,
            med_type="13" if v.urgent else "11",
        )  # fmt: skip
        outcome = await h.insurance.outpatient(Patient(v.patient.name, v.patient.certno), visit, lines)
        h.count(f"insurance {outcome.state}")
        if outcome.state == "unknown":
            return  # settled or not: asked about, never settled again; the patient goes on
        if outcome.state == "settled":
            fund, account, entry = outcome.fund, outcome.account, outcome.entry
    await h.records.write(*_settled(v, v.id * 10 + 2, "1", total, fund, account, "01"))
    h.count("charged")
    order = await pay(h, v, total - fund - account)
    known = not v.patient.insured or entry is not None  # what may still be settled later is not taken back
    if known and h.world.chance.random() < refunds.SHARE:
        h.later(150, lambda: refunds.refund(h, v, entry, total, fund, account, order))


async def pay(h: Hospital, v: Seen, amount: Decimal) -> str:
    """By telephone through the gateway; an unknown outcome is asked about first. The order paid; "": paid in cash."""
    if amount <= 0:
        return ""
    order = f"HIS{now():%Y%m%d%H%M%S}{h.book('his').number('order') % 1_000_000:06d}"
    method = h.world.chance.choice(("01", "01", "02"))
    asked = {"order": order, "amount": str(amount), "method": method, "patient_id": str(v.patient.brid)}
    reply = await h.calls.ask("pay", "/pay/pay", asked, PAY_S)
    if reply.state == "answered" and reply.body.get("state") == "paid":
        h.count("paid by telephone")
        return order
    if reply.state in {"timeout", "broken"}:
        query = await h.calls.ask("pay", "/pay/pay", {"order": order, "action": "query"}, PAY_S)
        if query.state == "answered" and query.body.get("state") == "paid":
            h.count("paid, found by query")
            return order
    h.count("paid in cash")
    return ""


async def afterwards(h: Hospital, v: Seen, orders: Orders) -> None:
    """Pharmacy, laboratory and imaging, each in its own time."""
    if orders.drugs:
        h.later(15, lambda: dispense(h, v, orders))
    for sample in orders.samples:
        h.later(8, lambda s=sample: collect(h, s))  # type: ignore[misc]
    if orders.exam is not None:
        h.later(40, lambda: examine(h, v, orders))


async def dispense(h: Hospital, v: Seen, orders: Orders) -> None:
    """The pharmacy hands out and reports trace codes; now and then a prescription goes outside instead."""
    chance = h.world.chance
    body: dict[str, Any] = {"prescription": orders.prescription, "patient_id": str(v.patient.brid)}
    if chance.random() < 0.06:
        link = h.links["circulation"]
        body |= {"drugs": [d["name"] for d in orders.drugs], "doctor": v.doctor.national}
        h.count("prescription circulated")
    else:
        link = h.links["trace"]
        body |= {"codes": [f"8{hash_of(d['name']) % 10**6:06d}{chance.randrange(10**13):013d}" for d in orders.drugs]}
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
