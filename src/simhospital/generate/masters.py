"""The rows of the dictionary tables, and the wheels of fortune from which set-based statements draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from pypinyin import Style, lazy_pinyin

from . import dictionaries
from .plan import EPOCH, HOURS, Person, Plan, people, stays

Rows = Iterator[Sequence[Any]]
_CROWDED = {
    "0401": 5,
    "0104": 3,
    "0101": 3,
    "0107": 3,
    "0102": 3,
    "0301": 2,
    "0302": 3,
    "0205": 2,
    "0504": 2,
    "0501": 2,
}


def pinyin(text: str) -> str:
    """First letters, upper case."""
    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore")).upper()[:20]


def rows(plan: Plan) -> Iterator[tuple[str, Rows]]:
    """(table, its rows in the order of its columns) for every table that is filled from here."""
    staff = people(plan.seed)
    yield "his.gy_ksdm", _departments()
    yield "his.gy_ygdm", _staff(staff)
    yield "his.gy_sfxm", iter([tuple(r.values()) for r in dictionaries.rows("fee_classes")])
    yield "his.gy_ylsf", _items()
    yield "his.gy_brxz", iter([tuple(v or None for v in r.values()) for r in dictionaries.rows("natures")])
    yield "his.gy_zddm", _diagnoses()
    yield "his.gy_ssdm", ((r["code"], r["name"], r["grade"], "0", r["kind"]) for r in dictionaries.rows("operations"))
    yield "his.gy_sypc", iter([tuple(v or None for v in r.values()) for r in dictionaries.rows("frequencies")])
    yield "his.gy_ypyf", iter([tuple(v or None for v in r.values()) for r in dictionaries.rows("routes")])
    yield "his.yk_ypml", _drugs()
    yield from _laboratory(plan)
    yield "sim.days", _days(plan)
    yield "sim.stay", _stays(plan)
    yield "sim.clock", _clock()
    yield "sim.staff", _wheel_of_staff(staff)
    yield "sim.seat", _seats(staff)
    yield "sim.dx", _dx()
    yield "sim.drug", _wheel_of_drugs()
    yield "sim.panel", _panels()
    yield "sim.exam", _exams()


def _departments() -> Rows:
    for r in dictionaries.rows("departments"):
        ward = f"{r['ksdm']}W" if r["zy"] == "1" else None
        campus = "02" if r["ksdm"] in {"0602", "0912"} else "01"
        yield (
            r["ksdm"],
            r["ksmc"],
            r["kslb"],
            r["gbks"] or None,
            None,
            ward,
            campus,
            r["mz"],
            r["zy"],
            pinyin(r["ksmc"]),
            "0",
        )


def _staff(staff: list[Person]) -> Rows:
    for p in staff:
        doctor = p.role.startswith("d")
        narcotic = "1" if doctor and p.title in {"231", "232", "233"} else "0"
        yield (
            p.number, p.name, p.sex, p.title, p.title_name, p.department, p.licence, p.licence, p.antibiotics,
            "1" if doctor else "0", narcotic, p.surgery, "1",
        )  # fmt: skip


def _items() -> Rows:
    def row(
        no: str, code: str, name: str, unit: str, price: Any, kind: str, grade: str, share: str, where: str | None
    ) -> Sequence[Any]:
        national = f"{code:0<20}" if code.startswith("C") else dictionaries.service_code(code)
        return (no, code, name, unit, price, kind, national, grade, share, where, None, pinyin(name))

    for r in dictionaries.rows("items"):
        yield (*(v or None for v in r.values()), None, pinyin(r["fymc"]))
    for p in dictionaries.panels():
        yield row(str(p.fee), dictionaries.panel_code(p), p.name, "次", p.price, "04", "01", "0", "0901")
    for r in dictionaries.rows("exams"):
        yield row(r["fyxh"], r["fybm"], r["fymc"], "次", r["fydj"], "03", "02", "0.1", r["zxks"])
    for grade, fee, material in ((1, 300, 120), (2, 1200, 680), (3, 2600, 2400), (4, 5200, 14800)):
        yield row(
            str(40000 + grade), f"33{grade:07d}", f"{'一二三四'[grade - 1]}级手术费", "次", fee, "06", "01", "0", "0910"
        )
        yield row(
            str(40010 + grade),
            f"C09{grade:06d}",
            f"{'一二三四'[grade - 1]}级手术耗材",
            "套",
            material,
            "08",
            "02",
            "0.1",
            "0910",
        )


def _diagnoses() -> Rows:
    for r in dictionaries.rows("diagnoses"):
        infectious = "1" if r["icd"].startswith(("B18", "A09")) else "0"
        yield (r["icd"], r["name"], "01", r["icd"][:5], infectious, pinyin(r["name"]))


def _drugs() -> Rows:
    for n, r in enumerate(dictionaries.rows("drugs"), 1):
        flags = r["flags"]
        code = dictionaries.drug_code(n, r)
        yield (
            50000 + n, r["name"], r["name"], r["spec"], r["form"][:4], r["dunit"], r["dose"], r["unit"], r["price"], r["price"],
            "（模拟）药业有限公司", f"国药准字H{n:08d}", code, r["ybdj"], r["zfbl"], r["sfxm"], r["kss"], r["ddd"], r["jslb"],
            *("1" if mark in flags else "0" for mark in "警基集皮"), None,
        )  # fmt: skip


def _laboratory(plan: Plan) -> Iterator[tuple[str, Rows]]:
    items = sorted(dictionaries.lab_items().values(), key=lambda i: i.no)
    panels = dictionaries.panels()
    yield "lis.jy_xm", ((i.no, i.cname, i.ename, i.unit, i.prec, i.loinc, i.section, i.kind, i.no, None) for i in items)
    yield "lis.jy_zh", ((p.no, p.name, p.fee, p.tube, 3, p.specimen, p.section, p.minutes) for p in panels)
    yield "lis.jy_zhmx", ((p.no, i.no) for p in panels for i in p.items)
    yield (
        "lis.jy_ckz",
        ((i.no, "0", i.low, i.high, None if i.kind == "N" else "阴性", i.panic_low, i.panic_high) for i in items),
    )
    yield (
        "lis.yq_main",
        (
            (r["no"], r["name"], r["section"], r["proto"], r["code"], "1", plan.last + timedelta(days=120))
            for r in dictionaries.rows("instruments")
        ),
    )


def _days(plan: Plan) -> Rows:
    for n in range(plan.days):
        day = plan.first + timedelta(days=n)
        yield (day, (day - EPOCH).days, plan.visits_on(day))


def _stays(plan: Plan) -> Rows:
    for s in stays(plan):
        yield (
            s.zyh,
            s.day,
            s.patient,
            s.department,
            s.ward,
            s.bed,
            s.admitted,
            s.discharged,
            s.nights,
            s.operated,
            s.intensive,
        )


def wheel(weights: Sequence[float], slots: int) -> list[int]:
    """Which entry each slot belongs to, every entry with a share after its weight."""
    total, done = sum(weights), 0.0
    found: list[int] = []
    for index, weight in enumerate(weights):
        done += weight
        found += [index] * (round(done / total * slots) - len(found))
    return found


def _clock() -> Rows:
    for kind, hours in HOURS.items():
        for slot, hour in enumerate(wheel(hours, 1000)):
            yield (kind, slot, hour)


def _wheel_of_staff(staff: list[Person]) -> Rows:
    roles: dict[str, list[Person]] = {}
    for p in staff:
        roles.setdefault(p.role, []).append(p)
    for role, found in roles.items():
        for slot in range(100):
            yield (role, slot, found[slot % len(found)].number)


def _seats(staff: list[Person]) -> Rows:
    clinics = {r["ksdm"] for r in dictionaries.rows("departments") if r["mz"] == "1"}
    doctors = [p for p in staff if p.role.startswith("d") and p.department in clinics and p.department != "0701"]
    urgent = [p for p in staff if p.role == "d0701"]
    weights = [_CROWDED.get(p.department, 1) for p in doctors]
    clinic, er = wheel(weights, 1000), wheel([1] * len(urgent), 1000)
    for kind, found, slots in (("clinic", doctors, clinic), ("er", urgent, er)):
        for slot, index in enumerate(slots):
            p = found[index]
            yield (kind, slot, p.department, p.number, p.title, p.antibiotics)


def _dx() -> Rows:
    found = dictionaries.rows("diagnoses")
    for slot, index in enumerate(wheel([float(r["share"]) for r in found], 1000)):
        yield (slot, found[index]["icd"], found[index]["name"], found[index]["complaint"])


def _wheel_of_drugs() -> Rows:
    numbered = list(enumerate(dictionaries.rows("drugs"), 50001))
    plain = [(n, r) for n, r in numbered if r["sfxm"] != "10" and r["jslb"] == "00"]
    outside = [(n, r) for n, r in plain if r["route"] not in {"ivgtt", "iv"}]
    kinds = {
        "herb": [(n, r) for n, r in numbered if r["sfxm"] == "10"],
        "out1": [(n, r) for n, r in outside if r["kss"] in "01"],
        "out2": [(n, r) for n, r in outside if r["kss"] in "012"],
        "ward": plain,
    }
    for kind, found in kinds.items():
        for slot, index in enumerate(wheel([1] * len(found), 500)):
            n, r = found[index]
            yield (
                kind, slot, n, r["name"], r["price"], r["sfxm"], r["route"], r["dose"], r["dunit"], r["unit"],
                r["zfbl"], r["ybdj"], r["kss"],
            )  # fmt: skip


def _panels() -> Rows:
    found = dictionaries.panels()
    for slot, index in enumerate(wheel([p.share for p in found], 1000)):
        p = found[index]
        yield (slot, p.no, p.name, p.fee, p.price, p.tube, p.specimen, p.section, p.minutes)


def _exams() -> Rows:
    found = dictionaries.rows("exams")
    for slot, index in enumerate(wheel([1] * len(found), 1000)):
        r = found[index]
        yield (slot, r["fyxh"], r["fymc"], r["kind"], r["bw"], r["fydj"], r["zxks"])
