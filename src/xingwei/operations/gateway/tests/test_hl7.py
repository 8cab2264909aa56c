"""What the gateway reads of HL7 without parsing it, compared with a parser that does."""

from __future__ import annotations

from datetime import datetime

import hl7 as peer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.tests.captures import files
from xingwei.operations.gateway.wire import hl7
from xingwei.operations.gateway.wire.mllp import Reader

MESSAGE = (
    b"MSH|^~\\&|LIS|LAB|HIS|HOSP|20260320101530.25+0800||ORU^R01^ORU_R01|A1|P|2.5.1||||||UNICODE UTF-8\r"
    b"PID|1||P0001^^^HOSP~OLD^^^OLD||\xe5\xbc\xa0\xe4\xb8\x89\r"
    b"OBR|1|ORD1^HIS|SPEC1^LIS|CBC\r"
)


def test_the_facts_that_are_stored_beside_a_message() -> None:
    head = hl7.head(MESSAGE)
    facts = hl7.facts(MESSAGE, head)
    assert (head.type, head.control_id, head.version) == ("ORU^R01", "A1", "2.5.1")
    assert (facts.patient, facts.reference, facts.key, facts.codec) == ("P0001", "SPEC1", "P0001", "utf-8")
    assert facts.event_at == datetime.fromisoformat("2026-03-20T10:15:30.250000+08:00")


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("UNICODE", "utf-8"), ("GB 18030-2000", "gb18030"), ("GBK", "gb18030"),
     ("8859/1~UNICODE", "iso8859-1"), ("", "gb18030"), ("KLINGON", "gb18030")],
)  # fmt: skip
def test_the_character_set(declared: str, codec: str) -> None:
    assert hl7.charset(declared.encode(), "gb18030") == codec


def test_in_gb18030_the_second_byte_of_a_character_may_look_like_a_delimiter() -> None:
    name = next(chr(c) for c in range(0x4E00, 0x9FA5) if chr(c).encode("gb18030")[1:] == b"|")
    tricky = next(chr(c) for c in range(0x4E00, 0x9FA5) if chr(c).encode("gb18030")[1:] == b"^")
    text = f"MSH|^~\\&|{name}|LAB|HIS||20260101||ADT^A01|{name}7|P|2.4||||||GB18030\rPID|1|{name}|{tricky}1^x||李\r"
    raw = text.encode("gb18030")
    head = hl7.head(raw)
    assert head.type == "ADT^A01"
    assert hl7.facts(raw, head).patient == f"{tricky}1"
    answer = hl7.acknowledge(head, "AA", "X1")
    assert answer.decode("gb18030").split("\r")[1] == f"MSA|AA|{name}7"


@pytest.mark.parametrize("raw", [b"", b"MSH", b"MSH|", b"PID|1", b"\x00\x01", b"MSH\x00^~\\&|A|B|C|D", b"MSHx^~\\&"])
def test_what_is_no_message_is_told(raw: bytes) -> None:
    with pytest.raises(hl7.Hl7Error):
        hl7.head(raw)


@given(st.binary(max_size=200))
def test_anything_after_a_header_is_survived(noise: bytes) -> None:
    raw = b"MSH|^~\\&|" + noise
    head = hl7.head(raw)
    hl7.facts(raw, head)
    assert hl7.acknowledge(head, "AA", "X").startswith(b"MSH|")


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_a_value_survives_being_escaped(text: str) -> None:
    escaped = hl7.escape(text)
    assert not set(escaped) & set("|^~&\r\n")
    assert hl7.unescape(escaped) == text


@pytest.mark.parametrize(
    ("condition", "good", "answered"),
    [("", True, True), ("AL", True, True), ("NE", True, False), ("ER", True, False), ("ER", False, True),
     ("SU", True, True), ("SU", False, False)],
)  # fmt: skip
def test_the_enhanced_mode(condition: str, good: bool, answered: bool) -> None:
    head = hl7.head(f"MSH|^~\\&|A|B|C|D|2026||ADT^A08|7|P|2.4|||{condition}|\r".encode())
    assert hl7.wants_answer(head, good) == answered
    ack = hl7.read_ack(hl7.acknowledge(head, "AE", "X", "出|错"))
    assert (ack.code, ack.control_id, ack.text) == ("CE" if condition else "AE", "7", "出|错")


def test_an_acknowledgement_turns_sender_and_receiver_round() -> None:
    answer = hl7.acknowledge(hl7.head(MESSAGE), "AA", "X1").decode()
    fields = answer.split("\r")[0].split("|")
    assert fields[2:6] == ["HIS", "HOSP", "LIS", "LAB"]
    assert (fields[8], fields[9], fields[11], fields[17]) == ("ACK^R01^ACK", "X1", "2.5.1", "UNICODE UTF-8")


@pytest.mark.parametrize("path", files("hl7"), ids=lambda p: "/".join(p.parts[-2:]))
def test_real_messages_agree_with_python_hl7(path) -> None:
    reader = Reader()
    raw = path.read_bytes()
    frames = (
        [f.body for f in reader.feed(raw) + reader.close()] if raw[:1] == b"\x0b" else [raw.lstrip(b"\xef\xbb\xbf")]
    )
    for body in frames:
        try:
            head = hl7.head(body)
            text = body.decode()
            theirs = peer.parse(text.replace("\r\n", "\r").replace("\n", "\r"))
            msh = theirs.segment("MSH")
        except (hl7.Hl7Error, UnicodeDecodeError, peer.HL7Exception, LookupError, ValueError, AssertionError):
            continue  # one of the two cannot read it
        assert head.control_id == str(msh(10)) if len(msh) > 10 else head.control_id == ""
        if len(msh) <= 9 or not len(msh[9]):
            continue
        assert head.type == "^".join([p for p in str(msh(9)).split("^")[:2] if p])
        facts = hl7.facts(body, head)
        if not facts.patient:
            continue
        pid = theirs.segment("PID")
        candidates = [str(pid[n]).split("~")[0].split("^")[0].strip() for n in (2, 3) if len(pid) > n and len(pid[n])]
        assert facts.patient in candidates
