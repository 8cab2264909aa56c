"""Who is in the living hospital: patients, doctors, and the numbers that its systems give."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from simhospital.generate import dictionaries
from simhospital.generate.plan import Person, people

CHINA = ZoneInfo("Asia/Shanghai")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(slots=True)
class Patient:
    """brid: the hospital's number. insured: has an insurance card. new: not yet told to the other systems."""

    brid: int
    name: str
    sex: str
    born: date
    certno: str
    phone: str
    address: str
    insured: bool
    new: bool = False


@dataclass(frozen=True, slots=True)
class Doctor:
    number: str
    name: str
    department: str
    department_name: str
    national: str
    antibiotics: str


@dataclass(slots=True)
class Visit:
    """An outpatient visit on its way through the hospital. number: 就诊号; id: ms_ghmx.sbxh."""

    id: int
    number: str
    patient: Patient
    doctor: Doctor
    urgent: bool
    at: datetime
    icd: str
    diagnosis: str
    complaint: str
    fee: str = "15.00"
    deposits: list[tuple[int, Decimal, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Sample:
    """A tube. order: request number; values: item → result, made by the instrument."""

    barcode: str
    order: str
    panel: dictionaries.Panel
    patient: Patient
    doctor: Doctor
    visit: str
    source: str
    urgent: bool
    asked: datetime
    collected: datetime | None = None
    values: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)


def now() -> datetime:
    """The hospital's wall clock, without a zone, as its systems write it."""
    return datetime.now(CHINA).replace(tzinfo=None)


def certno(born: date, serial: int, sex: str) -> str:
    """An identity-card number of a region that does not exist, with a right check digit."""
    head = f"449900{born:%Y%m%d}{serial // 2 * 2 % 1000 + (1 if sex == '1' else 0):03d}"
    return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, _ID_WEIGHTS, strict=True)) % 11]


class World:
    """Draws patients and doctors; the same seed draws the same."""

    def __init__(self, seed: int, patients: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a hospital, no secret
        self.staff = people(seed)
        self.departments = {r["ksdm"]: r["ksmc"] for r in dictionaries.rows("departments")}
        self.cashiers = [p.number for p in self.staff if p.role == "cashier"]
        self.pharmacists = [p.number for p in self.staff if p.role == "pharmacist"]
        self.nurses = [p.number for p in self.staff if p.role == "nurse"]
        self.clinicians = [p for p in self.staff if p.role.startswith("d")]
        self.patients = [self._patient(1_000_000_001 + n) for n in range(patients)]
        self.diagnoses = dictionaries.rows("diagnoses")
        self._weights = [float(d["share"]) for d in self.diagnoses]
        self._panel_weights = [p.share for p in dictionaries.panels()]

    def take_from(self, connection: psycopg.Connection, limit: int) -> int:
        """Take patients from a built hospital instead of invented ones; how many."""
        rows = connection.execute(
            "SELECT brid, brxm, brxb, csny, sfzh, lxdh, xzz, brxz FROM his.gy_brda "
            "WHERE length(sfzh) = 18 AND csny > '1910-01-01' AND brid < 1100000000 ORDER BY brid LIMIT %s",
            [limit],
        ).fetchall()
        if rows:
            self.patients = [
                Patient(r[0], r[1], r[2], r[3], r[4], r[5] or "", r[6] or "", r[7] not in {"01", "08"}) for r in rows
            ]
        return len(rows)

    def arrival(self) -> Patient:
        """Somebody comes: mostly known, sometimes new."""
        if self.chance.random() < 0.12:
            patient = self._patient(1_200_000_000 + self.chance.randrange(90_000_000))
            patient.new = True
            self.patients[self.chance.randrange(len(self.patients))] = patient
            return patient
        return self.chance.choice(self.patients)

    def doctor(self, department: str = "", *, urgent: bool = False) -> Doctor:
        found = self.clinicians
        if department or urgent:
            found = [p for p in found if p.department == (department or "0701")]
        p: Person = self.chance.choice(found)
        return Doctor(p.number, p.name, p.department, self.departments[p.department], p.licence, p.antibiotics)

    def diagnosis(self) -> dictionaries.Row:
        return self.chance.choices(self.diagnoses, self._weights)[0]

    def panels(self, most: int) -> list[dictionaries.Panel]:
        """Different panels, as they are ordered together."""
        found = self.chance.choices(dictionaries.panels(), self._panel_weights, k=self.chance.randint(1, most))
        return list({p.no: p for p in found}.values())

    def drugs(self, doctor: Doctor, most: int) -> list[dictionaries.Row]:
        """What this doctor may prescribe to an outpatient."""
        fit = [
            r
            for r in dictionaries.rows("drugs")
            if r["jslb"] == "00"
            and r["sfxm"] != "10"
            and r["route"] not in {"iv", "ivgtt"}
            and r["kss"] <= min(doctor.antibiotics, "2")
        ]
        return self.chance.sample(fit, self.chance.randint(1, most))

    def measure(self, sample: Sample) -> None:
        """Fill in what an instrument would find."""
        odd = self.chance.random() < 0.12
        for item in sample.panel.items:
            value, flag = self._result(item, odd=odd)
            sample.values[item.ename], sample.flags[item.ename] = value, flag

    def _result(self, item: dictionaries.LabItem, *, odd: bool) -> tuple[str, str]:
        if item.kind == "Q" or item.low is None or item.high is None:
            return self.chance.choices(("阴性(-)", "阳性(+)", "阳性(2+)"), (88, 9, 3))[0], ""
        middle, half = (item.low + item.high) / 2, (item.high - item.low) / 2
        value = self.chance.gauss(middle, half * (1.3 if odd else 0.42))
        if self.chance.random() < 0.0008 and (limit := item.panic_high or item.panic_low):
            value = limit * (1.08 if limit == item.panic_high else 0.85)
        value = max(value, item.low * 0.3, 0)
        return f"{value:.{item.prec}f}", flag_of(item, value)

    def _patient(self, brid: int) -> Patient:
        document = dictionaries.document()
        chance = random.Random(brid)  # noqa: S311
        sex = chance.choice("12")
        given: Sequence[str] = document["given_male" if sex == "1" else "given_female"]
        name = chance.choice(document["surnames"]) + "".join(chance.sample(given, chance.choice((1, 2, 2))))
        born = now().date() - timedelta(days=int(chance.betavariate(1.6, 1.6) * 32000))
        phone = f"1{chance.choice(('35', '38', '59', '86'))}{chance.randrange(10**8):08d}"
        address = f"广元区{chance.choice(('人民路', '建设街', '滨江大道', '学府路'))}{chance.randrange(1, 300)}号"
        return Patient(
            brid, name, sex, born, certno(born, chance.randrange(998), sex), phone, address, chance.random() < 0.72
        )


def flag_of(item: dictionaries.LabItem, value: float) -> str:
    """H, L, HH, LL or nothing."""
    if item.panic_low is not None and value <= item.panic_low:
        return "LL"
    if item.panic_high is not None and value >= item.panic_high:
        return "HH"
    if item.low is not None and value < item.low:
        return "L"
    return "H" if item.high is not None and value > item.high else ""
