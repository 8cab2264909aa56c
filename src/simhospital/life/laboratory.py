"""The LIS: takes orders and results over MLLP, labels over HTTP, matches them by barcode, validates, reports."""

from __future__ import annotations

import json
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simhospital.generate import dictionaries

from . import codec, messages
from .links import Link
from .receivers import Refused
from .records import Records
from .services import Wrong
from .world import Sample, flag_of, now

_chance = random.Random()  # noqa: S311 - a laboratory
_KEPT = 20_000
Later = Callable[[float, Any], None]


@dataclass(slots=True)
class Laboratory:
    """link: where reports go. later: runs a coroutine after so many of the hospital's minutes."""

    link: Link
    records: Records
    later: Later
    known: OrderedDict[str, Sample] = field(default_factory=OrderedDict)
    asked: OrderedDict[str, str] = field(default_factory=OrderedDict)
    unmatched: int = 0
    labels: int = 0
    reports: int = 0

    def expect(self, sample: Sample) -> None:
        """What the CIS will order soon; the order itself comes by message."""
        self.known[sample.barcode] = sample
        while len(self.known) > _KEPT:
            self.known.popitem(last=False)

    async def handle(self, message: codec.Message, body: bytes) -> str:
        """Orders and results. Raises Refused."""
        if message.type.startswith("OML"):
            return self._order(message)
        if message.type.startswith("ORU"):
            return self._results(message)
        if message.type.startswith("ADT"):
            return "patient"
        raise Refused(f"不支持的消息类型 {message.type}")

    def _order(self, message: codec.Message) -> str:
        orders = message.all("ORC")
        if not orders:
            raise Refused("申请中没有 ORC 段")
        for orc in orders:
            barcode = orc[3] if len(orc) > 3 else ""
            if not barcode:
                raise Refused("申请没有条码")
            self.asked[barcode] = orc[2]
            while len(self.asked) > _KEPT:
                self.asked.popitem(last=False)
        return "order"

    def _results(self, message: codec.Message) -> str:
        barcode = message.field("OBR", 3, 1)
        if barcode not in self.known:
            barcode = message.field("OBR", 2, 1)
        found = {}
        for row in message.all("OBX"):
            if len(row) > 5 and row[5]:
                found[_item_of(row[3], row[4])] = _in_our_unit(row[5], row[6] if len(row) > 6 else "")
        return self._take(barcode, found)

    def foreign(self, body: bytes) -> tuple[str, str, str] | None:
        """ASTM records or a label's JSON inside an MLLP frame."""
        text = codec.decode(body)
        if text.startswith("H|"):
            records = [r.split("|") for r in text.replace("\n", "\r").split("\r") if r]
            by = {r[0]: r for r in records}
            barcode = by.get("O", ["", "", ""])[2].split("^")[0]
            self._take(barcode, {_item_of(r[2].lstrip("^"), ""): r[3] for r in records if r[0] == "R" and len(r) > 3})
            return by["H"][2] if len(by["H"]) > 2 else "", "ASTM", barcode
        try:
            label = json.loads(text)
        except ValueError:
            return None
        if not isinstance(label, dict) or "barcode" not in label:
            return None
        barcode = str(label["barcode"])
        self._labelled(barcode)
        return str(label.get("msg_id") or ""), "LABEL", barcode

    async def label(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """智能贴标: a tube was made for a patient."""
        barcode = str(body.get("barcode") or "")
        if not barcode:
            raise Wrong("缺少条码 barcode")
        self._labelled(barcode)
        return {"code": 0, "message": "成功", "barcode": barcode, "known": barcode in self.asked}

    def _labelled(self, barcode: str) -> None:
        self.labels += 1
        if sample := self.known.get(barcode):
            sample.collected = now()

    def _take(self, barcode: str, values: dict[str, str]) -> str:
        sample = self.known.get(barcode)
        if sample is None:
            self.unmatched += 1
            return "unmatched"
        items = dictionaries.lab_items()
        for name, value in values.items():
            if (item := items.get(name)) is not None:
                sample.values[name] = value
                try:
                    sample.flags[name] = flag_of(item, float(value))
                except ValueError:
                    sample.flags[name] = ""
        self.later(3 if sample.urgent else 20, lambda: self.publish(sample))
        return "results"

    async def publish(self, sample: Sample) -> None:
        """Validate and report; critical values are marked HH and LL for those who must act."""
        at = now()
        technician, checker = (str(10001 + _chance.randrange(40)) for _ in range(2))
        number = self.link.book.number("report")
        control_id = f"LIS{at:%y%m%d}{number:08d}"
        head = messages.msh("LIS", "ESB", "ORU^R01", control_id, at, self.link.charset.says)
        self.link.put(
            control_id, "ORU^R01", str(sample.patient.brid), messages.report(head, sample, at, technician, checker)
        )
        self.reports += 1
        await self.records.write(*_rows(sample, at, technician, checker, number))


def _in_our_unit(value: str, unit: str) -> str:
    """Haemoglobin that was not converted on its way comes in g/dL."""
    if unit != "g/dL":
        return value
    try:
        return f"{float(value) * 10:.0f}"
    except ValueError:
        return value


def _item_of(code: str, name: str) -> str:
    """Which item a result belongs to: by LOINC, by our number, or by its short name."""
    parts = code.split("^")
    for item in dictionaries.lab_items().values():
        if item.loinc == parts[0] or str(item.no) == parts[0]:
            return item.ename
    return parts[0] if parts[0] in dictionaries.lab_items() else (parts[1] if len(parts) > 1 else name)


def _rows(s: Sample, at: Any, technician: str, checker: str, number: int) -> list[tuple[str, dict[str, Any]]]:
    key = {"receivedate": at.date(), "sectionno": s.panel.section, "testtypeno": 1, "sampleno": f"L{number}"}
    collected = s.collected or s.asked
    head = {
        **key, "barcode": s.barcode, "patno": str(s.patient.brid), "cname": s.patient.name, "genderno": s.patient.sex,
        "age": max(0, at.year - s.patient.born.year), "ageunitno": "1", "deptno": s.doctor.department, "doctor": s.doctor.number,
        "collectdate": collected.date(), "collecttime": f"{collected:%H:%M:%S}", "testdate": at.date(), "testtime": f"{at:%H:%M:%S}",
        "technician": technician, "checkdate": at.date(), "checktime": f"{at:%H:%M:%S}", "checker": checker, "statusno": "8",
        "printtimes": 0, "urgentstate": "1" if s.urgent else "0", "version": 1,
    }  # fmt: skip
    rows: list[tuple[str, dict[str, Any]]] = [("lis.jy_bg", head)]
    for item in s.panel.items:
        if item.ename in s.values:
            text = s.values[item.ename]
            number_of = float(text) if text.replace(".", "", 1).isdigit() else None
            limits = f"{item.low:g}-{item.high:g}" if item.low is not None and item.high is not None else "阴性"
            found = {
                "itemno": item.no,
                "reportvalue": number_of,
                "reportdesc": text,
                "unit": item.unit,
                "refrange": limits,
            }
            rows.append(("lis.jy_jg", {**key, **found, "resultstatus": s.flags.get(item.ename, "")}))
    return rows
