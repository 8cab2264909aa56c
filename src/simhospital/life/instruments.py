"""Analysers: they measure a sample when it reaches them and send what they found, each with the habits of its kind."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simhospital.generate.dictionaries import LabItem
from simhospital.settings import Habits

from . import points
from .codec import escape, stamp
from .links import Link
from .messages import obx
from .world import Sample, now

_chance = random.Random()  # noqa: S311 - habits of devices
_ERBA_UNITS = {"10^9/L": "10*3/uL", "10^12/L": "10*6/uL"}


@dataclass(slots=True)
class Analyser:
    """name and maker: as it signs; write: facts → text (HL7 or ASTM records)."""

    code: str
    link: Link
    habits: Habits
    write: Callable[[Analyser, Sample, dict[str, str], str, datetime], str]
    type: str

    def measure(self, sample: Sample) -> None:
        """Send the results of a sample."""
        values = self._disturbed(sample)
        at = now()
        if skew := points.active("dev-clock", self.code):
            points.did(skew, barcode=sample.barcode)
            at += timedelta(seconds=float(skew.get("seconds", 1440)))
        barcode = sample.barcode
        if strike := points.active("dev-no-barcode", self.code):
            points.did(strike, barcode=barcode)
            barcode = "0" * 10
        control_id = (
            uuid.uuid4().hex
            if self.code == "dev-cbc"
            else f"{self.code[4:].upper()}{self.link.book.number(self.code):08d}"
        )
        text = self.write(self, sample, values, control_id, at).replace("\x00BARCODE\x00", barcode)
        self.link.put(control_id, self.type, barcode, text)

    def _disturbed(self, sample: Sample) -> dict[str, str]:
        values = dict(sample.values)
        if strike := points.active("dev-decimal", self.code):
            points.did(strike, barcode=sample.barcode)
            factor = float(strike.get("factor", 10))
            values = {k: _times(v, factor) for k, v in values.items()}
        if strike := points.active("dev-partial", self.code):
            points.did(strike, barcode=sample.barcode)
            values = dict(list(values.items())[int(strike.get("items", 2)) :])
        return values

    def channel_code(self, item: LabItem, usual: str) -> str:
        """What the instrument calls an item; a fault renames one."""
        if strike := points.active("dev-unmapped", self.code):
            points.did(strike, item=item.ename)
            return f"{strike.get('code', 'X99')}-{usual}"
        return usual


def _times(value: str, factor: float) -> str:
    try:
        return f"{float(value) * factor:g}"
    except ValueError:
        return value


def erba(a: Analyser, s: Sample, values: dict[str, str], control_id: str, at: datetime) -> str:
    """Haematology like Erba ELite 580: settings as OBX, sender in MSH-3, now and then segments out of order."""
    head = f"MSH|^~\\&|ELite 580|Erba|||{stamp(at)}||ORU^R01|{control_id}|P|2.3.1||||||{a.link.charset.says}"
    order = f"OBR|1||\x00BARCODE\x00|01001^Automated Count^99MRC||{stamp(at)}|{stamp(at)}|||||||{stamp(at)}||||||||||HM||||||||admin"
    rows = [
        "OBX|1|IS|02001^Take Mode^99MRC||A||||||F",
        "OBX|2|IS|02002^Blood Mode^99MRC||W||||||F",
        "OBX|3|IS|02003^Test Mode^99MRC||CBC+DIFF||||||F",
        "OBX|4|NM|30525-0^Age^LN||||||||F",
        "OBX|5|IS|09001^Remark^99MRC||||||||F",
        "OBX|6|IS|03001^Ref Group^99MRC||General||||||F",
    ]
    for item in s.panel.items:
        if item.ename in values:
            flag = f"{s.flags[item.ename][:1]}~{'A' if s.flags[item.ename] else 'N'}"
            text = _erba_result(len(rows) + 1, item, values[item.ename], flag)
            rows.append(text.replace(f"^{escape(item.ename)}^LN", f"^{a.channel_code(item, item.ename)}^LN"))
    if _chance.random() < a.habits.disorder:
        cut = _chance.randrange(7, len(rows)) if len(rows) > 8 else 1
        rows = rows[cut:] + rows[:cut]
    return "\r".join([head, "PID|1", "PV1|1", order, *rows]) + "\r"


def _erba_result(number: int, item: LabItem, value: str, flag: str) -> str:
    """A result in the instrument's own units: haemoglobin in g/dL, with its range."""
    if item.unit != "g/L" or item.low is None or item.high is None:
        return obx(number, item, value, flag, _ERBA_UNITS.get(item.unit, item.unit))
    try:
        shown = f"{float(value) / 10:.1f}"
    except ValueError:
        shown = value
    limits = f"{item.low / 10:.1f}-{item.high / 10:.1f}"
    return f"OBX|{number}|NM|{item.loinc}^{escape(item.ename)}^LN||{shown}|g/dL|{limits}|{flag}|||F"


def mindray(a: Analyser, s: Sample, values: dict[str, str], control_id: str, at: datetime) -> str:
    """Chemistry, HL7 2.3.1: test numbers instead of names, the patient's name in the local charset."""
    head = f"MSH|^~\\&|BS-2000|{a.code.upper()}|||{stamp(at)}||ORU^R01|{control_id}|P|2.3.1||||0||{a.link.charset.says}"
    rows: list[str] = []
    for item in s.panel.items:
        if item.ename in values:
            limits = f"{item.low:g}-{item.high:g}" if item.low is not None and item.high is not None else ""
            facts = (
                a.channel_code(item, str(item.no)),
                escape(item.ename),
                escape(values[item.ename]),
                item.unit,
                limits,
            )
            rows.append(f"OBX|{len(rows) + 1}|NM|{'|'.join(facts)}|{s.flags[item.ename][:1]}|||F|||{stamp(at)}")
    asked = f"{s.panel.no}^{escape(s.panel.name)}|{'Y' if s.urgent else 'N'}|{stamp(at)}|{stamp(at)}"
    order = f"OBR|1|\x00BARCODE\x00|{s.order}|{asked}"
    return (
        "\r".join([head, f"PID|1|{s.patient.brid}|||{escape(s.patient.name)}||{_born_and_sex(s)}", order, *rows]) + "\r"
    )


def _born_and_sex(s: Sample) -> str:
    return f"{s.patient.born:%Y%m%d}|{'M' if s.patient.sex == '1' else 'F'}"


def astm(a: Analyser, s: Sample, values: dict[str, str], control_id: str, at: datetime) -> str:
    """Immunology and coagulation: ASTM E1394 records H, P, O, R…, L, one a line."""
    name = {"dev-immuno": "MAGLUMI X8", "dev-coag": "CS-5100"}.get(a.code, a.code)
    matter = "血清" if a.code == "dev-immuno" else "血浆"
    records = [
        f"H|\\^&|{control_id}||{name}^V2.1||||||LIS||P|E1394-97|{stamp(at)}",
        f"P|1||{s.patient.brid}||{s.patient.name}||{_born_and_sex(s)}",
        f"O|1|\x00BARCODE\x00||^^^{s.panel.no}^{s.panel.name}|{'S' if s.urgent else 'R'}|{stamp(at)}||||||||{matter}",
    ]
    for item in s.panel.items:
        if item.ename in values:
            limits = f"{item.low:g} to {item.high:g}" if item.low is not None and item.high is not None else ""
            flag = s.flags[item.ename][:1] or "N"
            code = a.channel_code(item, item.ename)
            records.append(
                f"R|{len(records) - 2}|^^^{code}|{values[item.ename]}|{item.unit}|{limits}|{flag}||F||||{stamp(at)}"
            )
    return "\r".join([*records, "L|1|N"]) + "\r"
