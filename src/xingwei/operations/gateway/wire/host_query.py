"""Host queries: an instrument asks what is to be done with a specimen, and is told. Pure.

ASTM E1394 (LIS2-A2): a Q record, answered by P and O records, L-3 `F`; nothing known `I`, cannot say now `Q`. HL7 v2:
QBP^Q11 (IHE LAW among others) answered by RSP^K11 with PID and OBR; QRY^Q01, QRY^Q02 and QRY^R02 answered by DSR^Q03
with DSP lines, whose numbers differ from maker to maker and are therefore settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from ..engine.documents import Document, DocumentProblem, read
from ..engine.documents.delimited import Delimited

MOST = 50  # specimens in one query
DISPLAY: Mapping[str, str] = {
    "1": "patient", "3": "name", "4": "birth", "5": "sex", "21": "barcode", "24": "urgent", "26": "specimen",
    "29": "tests",
}  # fmt: skip
_ASKS = ("QBP^Q11", "QRY^Q01", "QRY^Q02", "QRY^R02")
Outcome = Literal["found", "none", "failed"]


@dataclass(frozen=True, slots=True)
class Query:
    """barcodes: of the specimens asked about. document: the query itself, whose delimiters the answer uses."""

    kind: Literal["astm", "hl7"]
    barcodes: tuple[str, ...]
    document: Delimited


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with one specimen. tests: codes as the instrument knows them."""

    barcode: str
    tests: tuple[str, ...]
    patient: str = ""
    name: str = ""
    birth: str = ""
    sex: str = ""
    specimen: str = ""
    urgent: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def mapped(self, codes: Mapping[str, str]) -> Order:
        """Codes of the hospital as codes of the instrument; what the map does not know stays as it is, what it maps to
        nothing is left out."""
        found = [piece for test in self.tests for piece in codes.get(test, test).split(",") if piece.strip()]
        return replace(self, tests=tuple(dict.fromkeys(piece.strip() for piece in found)))


def query(kind: str, raw: bytes, charset: str = "") -> Query | None:
    """None where the message is no host query (or takes one back)."""
    try:
        document = read(kind, raw, charset)
    except DocumentProblem:
        return None
    if kind == "astm" and isinstance(document, Delimited):
        asked = document.all("Q[*]-3")
        if not asked or document.get("Q-13.1") == "A":
            return None
        return Query("astm", _barcodes(_of_astm(document)), document)
    if kind == "hl7" and isinstance(document, Delimited):
        type_ = f"{document.get('MSH-9.1')}^{document.get('MSH-9.2')}"
        if type_ not in _ASKS:
            return None
        found = document.get("QPD-3.1") if type_ == "QBP^Q11" else document.get("QRD-8.1")
        return Query("hl7", _barcodes([found]), document)
    return None


def _of_astm(document: Delimited) -> list[str]:
    """Q-3 is patient^specimen, repeated; some put the specimen first."""
    out = []
    for spot in document.spots("Q[*]-3[*].2"):
        line, number, repetition, _, _ = spot
        out.append(document.read(spot).strip() or document.read((line, number, repetition, 1, 0)).strip())
    return out


def _barcodes(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in found if code and code.upper() != "ALL"))[:MOST]


def orders_of(kind: str, raw: bytes, charset: str, barcode: str) -> Order | None:
    """What an order message (OML^O21, ORM^O01, ASTM orders) says of a specimen; None where it says nothing, or takes
    it back."""
    try:
        document = read(kind, raw, charset)
    except DocumentProblem:
        return None
    if kind == "astm":
        return _order_of_astm(document, barcode)
    return _order_of_hl7(document, barcode) if kind == "hl7" else None


def _order_of_hl7(document: Document, barcode: str) -> Order | None:
    if document.get("MSH-9.1") not in ("OML", "ORM", "ORL", "OMG"):
        return None
    tests, urgent, specimen = [], False, ""
    cancelled = document.get("ORC-1") in ("CA", "OC", "DC")
    for n in range(1, len(document.all("OBR[*]-1")) + 1):
        if barcode not in (document.get(f"OBR[{n}]-3.1"), document.get(f"OBR[{n}]-2.1"), document.get(f"SPM[{n}]-2.1")):
            continue
        tests.append(document.get(f"OBR[{n}]-4.1"))
        urgent = urgent or document.get(f"OBR[{n}]-5.1") in ("S", "A", "STAT")
        specimen = specimen or document.get(f"OBR[{n}]-15.1") or document.get(f"SPM[{n}]-4.1")
    if not tests or cancelled:
        return None
    name = "".join(part for part in (document.get("PID-5.1"), document.get("PID-5.2")) if part)
    return Order(
        barcode, tuple(dict.fromkeys(t for t in tests if t)), document.get("PID-3.1"), name, document.get("PID-7.1")[:8],
        document.get("PID-8.1"), specimen, urgent,
    )  # fmt: skip


def _order_of_astm(document: Document, barcode: str) -> Order | None:
    tests = [
        test
        for spot in document.spots("O[*]-5[*].4")
        if document.read((spot[0], 3, 1, 1, 0)) == barcode and (test := document.read(spot))
    ]
    if not tests:
        return None
    return Order(barcode, tuple(dict.fromkeys(tests)), document.get("P-3.1"), document.get("P-6.1"),
                 document.get("P-8.1"), document.get("P-9.1"), document.get("O-16.1"))  # fmt: skip


def order_of_row(row: Mapping[str, str], barcode: str) -> Order | None:
    """What a system that was asked answers: columns tests (codes by commas), patient, name, birth, sex, specimen,
    urgent; None where there is nothing to do."""
    tests = tuple(dict.fromkeys(t.strip() for t in row.get("tests", "").replace("，", ",").split(",") if t.strip()))
    if not tests:
        return None
    said = {name: row.get(name, "") for name in ("patient", "name", "birth", "sex", "specimen")}
    urgent = row.get("urgent", "").upper() in ("1", "Y", "S", "TRUE")
    return Order(barcode, tests, urgent=urgent, extra=dict(row), **said)


def answer(
    asked: Query,
    orders: Sequence[Order],
    outcome: Outcome,
    at: datetime,
    own_id: str,
    display: Mapping[str, str] = DISPLAY,
) -> bytes:
    """The reply in the query's own form, delimiters and character set. Raises DocumentProblem where a name cannot be
    written in it."""
    if asked.kind == "astm":
        lines = _astm(asked.document, orders, outcome, f"{at:%Y%m%d%H%M%S}")
    elif asked.document.get("MSH-9.1") == "QBP":
        lines = _rsp(asked.document, orders, outcome, f"{at:%Y%m%d%H%M%S}", own_id)
    else:
        lines = _dsr(asked.document, orders, outcome, f"{at:%Y%m%d%H%M%S}", own_id, display)
    text = "\r".join(lines) + "\r"
    try:
        return text.encode(asked.document.charset)
    except UnicodeEncodeError as error:
        raise DocumentProblem(f"字符“{text[error.start]}”不能用 {asked.document.charset.upper()} 表示。") from None


def _joined(document: Delimited, fields: Sequence[str]) -> str:
    return document.field_sep.join(fields).rstrip(document.field_sep)


def _safe(document: Delimited, value: str) -> str:
    return document._escape("".join(c for c in value if c.isprintable()), sub=False)


def _astm(document: Delimited, orders: Sequence[Order], outcome: Outcome, at: str) -> list[str]:
    by, again, part = document.field_sep, document.repetition_sep, document.component_sep
    head = ["H", f"{again}{part}{document.escape}", "", "", "XINGWEI", "", "", "", "", _safe(document, document.get("H-5.1")),
            "", "P", document.get("H-13") or "1394-97", at]  # fmt: skip
    lines = [by.join(head)]
    for n, order in enumerate(orders, 1):
        lines.append(_joined(document, ["P", str(n), _safe(document, order.patient), "", "", _safe(document, order.name),
                                        "", order.birth, order.sex]))  # fmt: skip
        tests = again.join(f"{part * 3}{_safe(document, test)}" for test in order.tests)
        fields = ["O", "1", _safe(document, order.barcode), "", tests, "S" if order.urgent else "R", "", "", "", "", "",
                  "N", "", "", "", _safe(document, order.specimen), *[""] * 9, "Q"]  # fmt: skip
        lines.append(by.join(fields))
    lines.append(by.join(["L", "1", {"found": "F", "none": "I", "failed": "Q"}[outcome]]))
    return lines


def _head(document: Delimited, type_: str, at: str, own_id: str) -> list[str]:
    part = document.component_sep
    swapped = [document.get("MSH-5"), document.get("MSH-6"), document.get("MSH-3"), document.get("MSH-4")]
    fields = ["MSH", document.get("MSH-2"), *swapped, at, "", type_.replace("^", part), own_id,
              document.get("MSH-11") or "P", document.get("MSH-12") or "2.4", "", "", "", "", "", document.get("MSH-18")]  # fmt: skip
    return [_joined(document, fields), _joined(document, ["MSA", "AA", document.get("MSH-10")])]


def _people(document: Delimited, order: Order) -> str:
    return _joined(document, ["PID", "1", "", _safe(document, order.patient), "", _safe(document, order.name), "",
                              order.birth, order.sex])  # fmt: skip


def _rsp(document: Delimited, orders: Sequence[Order], outcome: Outcome, at: str, own_id: str) -> list[str]:
    third = document.get("MSH-9.3")
    type_ = "RSP^K11" + ("^RSP_K11" if third else "")
    tag, name = document.get("QPD-2"), document.get("QPD-1")
    said = {"found": "OK", "none": "NF", "failed": "AE"}[outcome]
    lines = [*_head(document, type_, at, own_id), _joined(document, ["QAK", tag, said, name]), document.get("QPD")]
    for order in orders:
        lines.append(_people(document, order))
        for n, test in enumerate(order.tests, 1):
            fields = ["OBR", str(n), "", _safe(document, order.barcode), _safe(document, test),
                      "S" if order.urgent else "R", *[""] * 9, _safe(document, order.specimen)]  # fmt: skip
            lines.append(_joined(document, fields))
    return lines


def _dsr(
    document: Delimited, orders: Sequence[Order], outcome: Outcome, at: str, own_id: str, display: Mapping[str, str]
) -> list[str]:
    said = {"found": "OK", "none": "NF", "failed": "AE"}[outcome]
    lines = [*_head(document, "DSR^Q03", at, own_id), _joined(document, ["QAK", "SR", said]),
             *[document.get(name) for name in ("QRD", "QRF") if document.get(name)]]  # fmt: skip
    for order in orders:
        known = {"barcode": order.barcode, "patient": order.patient, "name": order.name, "birth": order.birth,
                 "sex": order.sex, "specimen": order.specimen, "urgent": "Y" if order.urgent else "N"}  # fmt: skip
        for number, name in sorted(display.items(), key=lambda pair: int(pair[0])):
            values = order.tests if name == "tests" else [known.get(name, order.extra.get(name, ""))]
            for n, value in enumerate(values, int(number)):
                lines.append(_joined(document, ["DSP", str(n), "", _safe(document, value)]))
    lines.append(_joined(document, ["DSC", ""]) if orders else "DSC")
    return lines
