"""Documents: read by path, changed, bytes again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.documents import DocumentProblem, read

ORU = (
    "MSH|^~\\&|ELite 580|Erba|||20250628173333||ORU^R01|42|P|2.3.1||||||UNICODE\r"
    "PID|1||123^^^A~456^^^B||王^小明\r"
    "OBR|1||25059651|01001^Automated Count^99MRC\r"
    "OBX|1|NM|718-7^HGB^LN||13.4|g/dL|11.0-16.0|H~A|||F\r"
    "OBX|2|ST|X^A\\T\\B^L||a\\.br\\b|||||F\r"
).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("MSH-1", "|"), ("MSH-2", "^~\\&"), ("MSH-3", "ELite 580"), ("MSH-9.1", "ORU"), ("MSH-9.2", "R01"), ("MSH-10", "42"),
        ("PID-3", "123^^^A~456^^^B"), ("PID-3.1", "123"), ("PID-3[2].1", "456"), ("PID-3[2]", "456^^^B"), ("PID-5.2", "小明"),
        ("OBX-5", "13.4"), ("OBX[2]-3.2", "A&B"), ("OBX[2]-3", "X^A\\T\\B^L"), ("OBX[2]-5.1", "a\\.br\\b"), ("OBX[3]-5", ""),
        ("ZZZ-1", ""), ("OBX[1]-99", ""), ("OBX-8[2]", "A"),
    ],
)  # fmt: skip
def test_hl7_is_read_as_its_standard_numbers_it(path: str, value: str) -> None:
    assert read("hl7", ORU).get(path) == value


def test_wildcards_name_every_occurrence() -> None:
    document = read("hl7", ORU)
    assert document.all("OBX[*]-3.1") == ["718-7", "X"]
    assert document.all("PID-3[*].1") == ["123", "456"]
    assert ("OBX[2]-2", "ST") in list(document.fields())
    assert document.to_bytes() is ORU


def test_a_changed_field_leaves_every_other_byte_alone() -> None:
    document = read("hl7", ORU)
    document.set("PID-3[2].1", "4|5^6\\7")
    document.set("OBX[2]-11", "x\r\ny")
    expected = ORU.replace(b"456^^^B", b"4\\F\\5\\S\\6\\E\\7^^^B").replace(b"|||||F\r", b"|||||F|x\\.br\\y\r")
    assert document.to_bytes() == expected
    assert document.get("PID-3[2].1") == "4|5^6\\7"


def test_gbk_second_bytes_are_no_delimiters() -> None:
    """0x7C and 0x5E are second bytes of common characters: 縗 and others; splitting bytes would cut them in two."""
    text = "MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.4||||||GB 18030-2000\rPID|1||9||" + "亅乗亊|亇"
    raw = text.encode("gb18030")
    assert any(byte in raw for byte in (0x5C, 0x5E, 0x7C))
    document = read("hl7", raw)
    assert document.charset == "gb18030"
    assert document.get("PID-5") == "亅乗亊"
    document.set("PID-6", "乗")
    assert document.to_bytes() == text.replace("亇", "乗").encode("gb18030")


def test_what_the_bytes_show_wins_over_what_they_claim() -> None:
    raw = "MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.4||||||UNICODE UTF-8\rPID|1||9||张三\r".encode("gbk")
    assert read("hl7", raw).get("PID-5") == "张三"
    mixed = ORU + b"NTE|1||\xff\xfe\xfa\r"
    document = read("hl7", mixed)
    document.set("PID-1", "2")
    assert document.to_bytes() == mixed.replace(b"PID|1|", b"PID|2|"), "lone bytes come out as they came in"


def test_a_character_that_the_charset_lacks_is_refused() -> None:
    document = read("hl7", b"MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.4||||||ASCII\rPID|1\r")
    document.set("PID-5", "王")
    with pytest.raises(DocumentProblem, match="“王”不能用 ASCII 表示"):
        document.to_bytes()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("tail", [True, False])
def test_line_ends_stay_as_they_are(end: str, tail: bool) -> None:
    raw = end.join(["MSH|^~\\&|A", "PID|1", "OBX|1", "OBX|2"]).encode() + (end.encode() if tail else b"")
    document = read("hl7", raw)
    assert document.all("OBX[*]-1") == ["1", "2"]
    document.set("PID-1", "9")
    assert document.to_bytes() == raw.replace(b"PID|1", b"PID|9")
    document.remove("OBX[1]")
    assert document.to_bytes() == raw.replace(b"PID|1", b"PID|9").replace(b"OBX|1" + end.encode(), b"")


def test_a_line_feed_inside_a_value_ends_no_segment() -> None:
    raw = b"MSH|^~\\&|A\rOBX|1|TX|||line one\nline two|x\rOBX|2\r"
    document = read("hl7", raw)
    assert document.get("OBX-5") == "line one\nline two"
    assert document.all("OBX[*]-1") == ["1", "2"]


@pytest.mark.parametrize(
    "raw", [b"", b"PID|1", b"MSH", b"MSHA^~", b"MSH|^^\\&|", b"MSH|ab|", b"\x00\x01", "MSH|^~\\&|A".encode("utf-16")]
)
def test_what_is_no_hl7_says_so(raw: bytes) -> None:
    with pytest.raises(DocumentProblem, match=r"HL7|MSH"):
        read("hl7", raw)


@pytest.mark.parametrize(
    "path", ["", "pid-3", "PID-0", "PID-3.0", "PID.3", "OBX[0]-5", "OBX[-1]-5", "PIDD-3", "PID-3-1"]
)
def test_what_is_no_path_says_so(path: str) -> None:
    with pytest.raises(DocumentProblem):
        read("hl7", ORU).get(path)


def test_what_defines_the_delimiters_is_not_rewritten() -> None:
    document = read("hl7", ORU)
    for path in ("MSH-1", "MSH-2", "PID"):
        with pytest.raises(DocumentProblem):
            document.set(path, "x")
    with pytest.raises(DocumentProblem, match="控制字符"):
        document.set("PID-5", "a\x1cb")
    with pytest.raises(DocumentProblem, match="没有 ZPI-1"):
        document.set("ZPI-1", "x")


CEPHEID = b"H|@^\\|URM||GX^GeneXpert^4.8|||||LIS||P|1394-97|20250516\rP|1\rO|1|S-1\rR|1|^MTB|POS@NEG\r\nL|1|N\r"


def test_astm_takes_its_delimiters_from_the_header() -> None:
    document = read("astm", CEPHEID)
    assert document.get("H-5.2") == "GeneXpert"
    assert document.get("H-2") == "@^\\"
    assert document.get("R-4[2]") == "NEG"
    assert document.get("O-3") == "S-1"
    document.set("R-4[2].1", "a^b@c")
    assert document.to_bytes() == CEPHEID.replace(b"NEG", b"a\\S\\b\\R\\c")
    assert document.get("R-4[2].1") == "a^b@c"
    with pytest.raises(DocumentProblem, match="H 记录"):
        read("astm", b"P|1\r")


JSON = '{"infno":"2207","input":{"data":{"medfee_sumamt":10.50,"psn_no":"7","ok":true,"memo":null}},"rows":[{"a":1},{"a":2.0}]}'


def test_json_keeps_digits_and_order() -> None:
    document = read("json", JSON.encode())
    assert document.get("input.data.medfee_sumamt") == "10.50"
    assert document.all("rows[*].a") == ["1", "2.0"]
    assert document.get("input.data.memo") == ""
    assert document.get("nothing.here") == ""
    document.set("input.data.psn_no", "八")
    document.set("rows[*].a", "3.10")
    document.set("input.data.new", "x")
    document.remove("input.data.ok")
    assert document.to_bytes().decode() == (
        '{"infno":"2207","input":{"data":{"medfee_sumamt":10.50,"psn_no":"八","memo":null,"new":"x"}},'
        '"rows":[{"a":3.10},{"a":3.10}]}'
    )
    assert dict(document.fields())["rows[1].a"] == "3.10"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"{", "不是 JSON"), (b'{"a":1,"a":2}', "出现了两次"), (b"[NaN]", "不合规的数"), (b"[" * 5000, "嵌套太深|不是 JSON"),
        (b"[" * 90 + b"]" * 90, "超过 64 层"),
    ],
)  # fmt: skip
def test_what_is_no_json_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(DocumentProblem, match=why):
        read("json", raw)


XML = (
    '<?xml version="1.0" encoding="GBK"?><s:Envelope xmlns:s="urn:s"><s:Body><item id="1"><code>甲</code></item>'
    '<item id="2"><code>乙</code></item></s:Body></s:Envelope>'
).encode("gbk")


def test_xml_is_read_by_local_names() -> None:
    document = read("xml", XML)
    assert document.all("Envelope/Body/item[*]/code") == ["甲", "乙"]
    assert document.get("Envelope/Body/item[2]/@id") == "2"
    assert document.to_bytes() is XML
    document.set("Envelope/Body/item[2]/code", "丙")
    document.set("Envelope/Body/item[1]/name", "新")
    again = read("xml", document.to_bytes())
    assert again.all("Envelope/Body/item[*]/code") == ["甲", "丙"]
    assert ("Envelope/Body/item[1]/name", "新") in list(again.fields())


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
        b"<a" + b"><a" * 200 + b">",
        b"<a>" * 80 + b"</a>" * 80,
        b"",
        b"<a>",
    ],
)
def test_dangerous_or_broken_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentProblem):
        read("xml", raw)


def test_opaque_bytes_pass_through() -> None:
    document = read("bytes", b"\x00\xff")
    assert document.to_bytes() == b"\x00\xff"
    with pytest.raises(DocumentProblem):
        document.set("text", "x")
    assert read("bytes", "名".encode("gbk")).get("text") == "名"
    with pytest.raises(DocumentProblem, match="没有“pdf”"):
        read("pdf", b"")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)


@given(TEXT, st.integers(1, 40), st.integers(1, 5), st.integers(1, 5))
def test_what_is_written_to_a_component_is_read_back(value: str, field: int, repetition: int, component: int) -> None:
    document = read("hl7", ORU)
    path = f"PID-{field}[{repetition}].{component}"
    document.set(path, value)
    assert read("hl7", document.to_bytes()).get(path) == value.replace("\x85", "\x85")


@given(st.binary(max_size=300), st.sampled_from([b"MSH|^~\\&|", b"H|\\^&|", b"{", b"<a>", b""]))
def test_any_bytes_are_read_or_refused_and_come_back_whole(tail: bytes, head: bytes) -> None:
    for kind in ("hl7", "astm", "json", "xml", "bytes"):
        try:
            document = read(kind, head + tail)
        except DocumentProblem:
            continue
        for path, value in document.fields():
            assert document.get(path) == value or kind in ("xml", "bytes"), path
        assert document.to_bytes() == head + tail
