"""HL7 messages as the hospital's systems write them. Pure: facts in, text out (segments ended by CR)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from simhospital.generate.dictionaries import LabItem, Row

from .codec import escape, stamp
from .world import Doctor, Patient, Sample, Visit


def msh(
    sender: str, receiver: str, type_: str, control_id: str, at: datetime, charset: str, version: str = "2.4"
) -> str:
    """The first segment."""
    return f"MSH|^~\\&|{sender}|GYRMYY|{receiver}|GYRMYY|{stamp(at)}||{type_}|{control_id}|P|{version}||||||{charset}"


def pid(p: Patient) -> str:
    """Patient: hospital number and identity card, name in the family-name component only, as is usual here."""
    sex = {"1": "M", "2": "F"}.get(p.sex, "U")
    ids = f"{p.brid}^^^HIS^PI~{p.certno}^^^GOV^NI"
    return f"PID|1||{ids}||{escape(p.name)}||{p.born:%Y%m%d}|{sex}|||{escape(p.address)}||{p.phone}"


def pv1(kind: str, place: str, d: Doctor, number: str, at: datetime) -> str:
    """Visit: class O, E or I; PV1-19 is the visit's number."""
    doctor = f"{d.number}^{escape(d.name)}"
    return f"PV1|1|{kind}|{escape(place)}||||{doctor}|||{d.department}|||||||{doctor}||{number}" + "|" * 25 + stamp(at)


def adt(
    event: str, head: str, p: Patient, place: str, d: Doctor, number: str, at: datetime, diagnosis: Row | None = None
) -> str:
    """Registration, admission, transfer, discharge, change of a patient."""
    kind = "I" if event in {"A01", "A02", "A03"} else "E" if d.department == "0701" else "O"
    segments = [head, f"EVN|{event}|{stamp(at)}", pid(p), pv1(kind, place, d, number, at)]
    if diagnosis:
        segments.append(f"DG1|1||{diagnosis['icd']}^{escape(diagnosis['name'])}^ICD10||{stamp(at)}|A")
    return "\r".join(segments) + "\r"


def oml(head: str, v: Visit, samples: Sequence[Sample], at: datetime, control: str = "NW") -> str:
    """Laboratory order: a group of ORC and OBR for each panel, with the barcode in OBR-3."""
    segments = [head, pid(v.patient), pv1("E" if v.urgent else "O", v.doctor.department_name, v.doctor, v.number, v.at)]
    for n, s in enumerate(samples, 1):
        urgent = "S" if s.urgent else "R"
        who = f"{v.doctor.number}^{escape(v.doctor.name)}"
        segments += [
            f"ORC|{control}|{s.order}|{s.barcode}|{v.number}||||{''}|{stamp(at)}|||{who}",
            f"OBR|{n}|{s.order}|{s.barcode}|{s.panel.no}^{escape(s.panel.name)}^LIS|{urgent}|{stamp(at)}|||||||"
            f"{escape(v.diagnosis)}||{s.panel.specimen}|{who}",
        ]
    return "\r".join(segments) + "\r"


def omp(head: str, v: Visit, prescription: str, drugs: Sequence[Row], at: datetime) -> str:
    """Prescription: ORC and RXO for each drug."""
    segments = [head, pid(v.patient), pv1("E" if v.urgent else "O", v.doctor.department_name, v.doctor, v.number, v.at)]
    for n, d in enumerate(drugs, 1):
        segments += [
            f"ORC|NW|{prescription}-{n}||{prescription}|||||{stamp(at)}|||{v.doctor.number}^{escape(v.doctor.name)}",
            f"RXO|{n}^{escape(d['name'])}^HIS|{d['dose']}||{d['dunit']}||||||1|{escape(d['unit'])}",
            f"RXR|{d['route']}",
        ]
    return "\r".join(segments) + "\r"


def omg(head: str, v: Visit, order: str, exam: Row, at: datetime) -> str:
    """Request for an examination."""
    who = f"{v.doctor.number}^{escape(v.doctor.name)}"
    return "\r".join([
        head, pid(v.patient), pv1("E" if v.urgent else "O", v.doctor.department_name, v.doctor, v.number, v.at),
        f"ORC|NW|{order}||{v.number}|||||{stamp(at)}|||{who}",
        f"OBR|1|{order}||{exam['fyxh']}^{escape(exam['fymc'])}^HIS|R|{stamp(at)}|||||||{escape(v.diagnosis)}|||{who}||||||||{exam['kind']}",
    ]) + "\r"  # fmt: skip


def obx(number: int, item: LabItem, value: str, flag: str, unit: str | None = None) -> str:
    """One result with range and flag."""
    kind = "NM" if item.kind == "N" else "ST"
    limits = f"{item.low:g}-{item.high:g}" if item.low is not None and item.high is not None else "阴性"
    shown = item.unit if unit is None else unit
    return (
        f"OBX|{number}|{kind}|{item.loinc}^{escape(item.ename)}^LN||{escape(value)}|{escape(shown)}|{limits}|{flag}|||F"
    )


def report(head: str, s: Sample, at: datetime, technician: str, checker: str, status: str = "F") -> str:
    """The laboratory's report: what EMR, CIS, OPD and ODR receive."""
    collected = stamp(s.collected or s.asked)
    kind = {"1": "O", "2": "I", "3": "E"}[s.source]
    rows = [
        obx(n, i, s.values[i.ename], s.flags[i.ename]) for n, i in enumerate(s.panel.items, 1) if i.ename in s.values
    ]
    return "\r".join([
        head, pid(s.patient), pv1(kind, s.doctor.department_name, s.doctor, s.visit, s.asked),
        f"ORC|RE|{s.order}|{s.barcode}",
        f"OBR|1|{s.order}|{s.barcode}|{s.panel.no}^{escape(s.panel.name)}^LIS|{'S' if s.urgent else 'R'}|{stamp(s.asked)}|{collected}"
        f"|||||||{collected}|{s.panel.specimen}|{s.doctor.number}^{escape(s.doctor.name)}||||||{stamp(at)}|||{status}|||||||{technician}|{checker}",
        *rows,
    ]) + "\r"  # fmt: skip


def image_report(head: str, p: Patient, d: Doctor, visit: str, order: str, exam: Row, study: str, at: datetime) -> str:
    """The report of an examination, with the study's instance number in OBX-1."""
    part = escape(exam["bw"])
    return "\r".join([
        head, pid(p), pv1("O", d.department_name, d, visit, at), f"ORC|RE|{order}|{study}",
        f"OBR|1|{order}|{study}|{exam['fyxh']}^{escape(exam['fymc'])}^HIS|R|||||||||||{d.number}^{escape(d.name)}||||||{stamp(at)}||{exam['kind']}|F",
        f"OBX|1|ST|UID^检查实例^PACS||{study}||||||F",
        f"OBX|2|TX|FIND^检查所见^PACS||{part}形态大小正常，\\.br\\边界清晰，未见明显异常密度影。||||||F",
        f"OBX|3|TX|CONC^检查结论^PACS||{part}未见明显异常||||||F",
    ]) + "\r"  # fmt: skip
