"""What instruments ask of the host, and how they are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.documents import DocumentProblem, read
from xingwei.operations.gateway.wire import host_query
from xingwei.operations.gateway.wire.host_query import Order

AT = datetime(2026, 11, 25, 8, 0, 0)
ASTM = b"H|\\^&|||X8^Maglumi|||||||P|1394-97|20261125080000\rQ|1|^B-17\\^B-18||ALL||||||||O\rL|1|N\r"
QBP = (
    b"MSH|^~\\&|CBC|LAB|LIS|H|20261125||QBP^Q11^QBP_Q11|Q1|P|2.5.1||||||UNICODE UTF-8\r"
    b"QPD|WOS^Work Order Step^IHELAW|T77|B-17\rRCP|I|1\r"
)
QRY = (
    b"MSH|^~\\&|BS|M|||20261125||QRY^Q02|7|P|2.3.1||||||ASCII\rQRD|20261125|R|D|2|||RD|B-17|OTH|||T|\rQRF|BS|||||RCT\r"
)
ORDER = Order("B-17", ("GLU", "ALT"), "P9", "王^小|明", "19900102", "M", "serum", urgent=True)


def asked(kind: str, raw: bytes) -> host_query.Query:
    found = host_query.query(kind, raw)
    assert found is not None
    return found


def test_astm_is_answered_with_its_own_delimiters() -> None:
    question = asked("astm", ASTM)
    assert question.barcodes == ("B-17", "B-18")
    made = host_query.answer(question, [ORDER], "found", AT, "1")
    document = read("astm", made)
    assert document.all("O[*]-3.1") == ["B-17"]
    assert document.all("O-5[*].4") == ["GLU", "ALT"]
    assert [document.get(p) for p in ("P-3.1", "P-6.1", "P-8.1", "O-6", "O-12", "O-26", "L-3", "H-10")] == [
        "P9", "王^小|明", "19900102", "S", "N", "Q", "F", "X8",
    ]  # fmt: skip
    assert host_query.answer(question, [], "none", AT, "1").splitlines()[-1] == b"L|1|I"
    assert host_query.answer(question, [], "failed", AT, "1").splitlines()[-1] == b"L|1|Q"
    cepheid = asked("astm", b"H|@^\\|||GX\rQ|1|^B-17\rL|1|N\r")
    assert read("astm", host_query.answer(cepheid, [ORDER], "found", AT, "1")).all("O-5[*].4") == ["GLU", "ALT"]


def test_qbp_is_answered_with_the_query_repeated_and_the_work() -> None:
    made = host_query.answer(asked("hl7", QBP), [ORDER], "found", AT, "XQ1")
    document = read("hl7", made)
    assert [document.get(p) for p in ("MSH-9", "MSH-5.1", "MSA-1", "MSA-2", "QAK-1", "QAK-2")] == [
        "RSP^K11^RSP_K11", "CBC", "AA", "Q1", "T77", "OK",
    ]  # fmt: skip
    assert document.get("QPD") == "QPD|WOS^Work Order Step^IHELAW|T77|B-17"
    assert (document.get("PID-3.1"), document.get("PID-5.1")) == ("P9", "王^小|明")
    assert document.all("OBR[*]-4.1") == ["GLU", "ALT"]
    none = read("hl7", host_query.answer(asked("hl7", QBP), [], "none", AT, "XQ2"))
    assert none.get("QAK-2") == "NF"
    assert read("hl7", host_query.answer(asked("hl7", QBP), [], "failed", AT, "XQ3")).get("QAK-2") == "AE"


def test_qry_is_answered_in_lines_whose_numbers_are_settings() -> None:
    document = read("hl7", host_query.answer(asked("hl7", QRY), [Order("B-17", ("1", "2"), "P9")], "found", AT, "1"))
    assert document.get("MSH-9") == "DSR^Q03"
    lines = dict(zip(document.all("DSP[*]-1"), document.all("DSP[*]-3"), strict=True))
    assert (lines["21"], lines["29"], lines["30"], lines["1"]) == ("B-17", "1", "2", "P9")
    other = host_query.answer(asked("hl7", QRY), [ORDER], "found", AT, "1", {"2": "barcode", "9": "tests"})
    assert other.count(b"DSP|") == 3
    with pytest.raises(DocumentProblem, match="不能用"):  # ASCII, and a Chinese name is asked for
        host_query.answer(asked("hl7", QRY.replace(b"ASCII", b"8859/1")), [ORDER], "found", AT, "1")


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("astm", ASTM.replace(b"||ALL||||||||O", b"||ALL||||||||A")),  # takes the query back
        ("astm", b"H|\\^&\rP|1\rO|1|B\rR|1|^^^K|4\rL|1|N\r"),
        ("hl7", QBP.replace(b"QBP^Q11", b"ORU^R01")),
        ("hl7", b"junk"),
    ],
)
def test_what_is_no_query(kind: str, raw: bytes) -> None:
    assert host_query.query(kind, raw) is None


OML = (
    "MSH|^~\\&|CIS|||||1|OML^O21|C1|P|2.4\rPID|1||P9||王^明||19900102|M\rORC|NW|O1|B-17\r"
    "OBR|1|O1|B-17|GLU^葡萄糖|S||||||||||serum\rORC|NW|O1|B-17\rOBR|2|O1|B-17|ALT\rORC|NW|O2|B-18\rOBR|3|O2|B-18|CBC|R\r"
).encode()


def test_an_order_for_several_specimens_is_read_for_each() -> None:
    first = host_query.orders_of("hl7", OML, "", "B-17")
    assert first == Order("B-17", ("GLU", "ALT"), "P9", "王明", "19900102", "M", "serum", urgent=True)
    second = host_query.orders_of("hl7", OML, "", "B-18")
    assert second is not None
    assert second.tests == ("CBC",)
    assert host_query.orders_of("hl7", OML, "", "B-1") is None
    assert host_query.orders_of("hl7", OML.replace(b"ORC|NW", b"ORC|CA"), "", "B-17") is None
    assert first.mapped({"GLU": "101,102", "ALT": ""}).tests == ("101", "102")


@given(st.text(max_size=30), st.lists(st.text(max_size=8), max_size=3))
def test_no_name_and_no_code_breaks_the_form(name: str, tests: list[str]) -> None:
    order = Order("B-17", tuple(tests), "P9", name)
    for kind, raw in (("astm", ASTM), ("hl7", QBP)):
        made = host_query.answer(asked(kind, raw), [order], "found", AT, "1")
        document: Any = read(kind, made)
        assert len(document) == len(made.strip(b"\r").split(b"\r"))
