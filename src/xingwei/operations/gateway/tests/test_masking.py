"""What is a person's never shows to who has no data right, whatever the message looks like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.runtime.config import REPO
from xingwei.operations.gateway.engine import frames, masking, shown, text

DATA = REPO.parent / "shared" / "data" / "hl7"
NAME, CARD, PHONE = "欧阳小兰", "510105196803041234", "13812345678"


def plain(masked: str) -> str:
    return "".join(p.text for p in masking.parts(masked) if not p.covered)


@pytest.mark.clause("4.3d")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("hl7", f"MSH|^~\\&|A\rPID|1||{CARD}^^^PI||{NAME}^^|||F|||幸福路||{PHONE}\r"),
        ("hl7", f"MSH|^~\\&|A\rZPI|1|{NAME}|{CARD}\r"),
        ("hl7", f"MSH|^~\\&|A\rNK1|1|{NAME}||{PHONE}\r"),
        ("hl7", f"MSH|^~\\&|A\rOBX|1|TX|1^所见||患者{NAME}，{CARD}||||||F\r"),
        ("hl7", f"MSH|^~\\&|A\rPI\rD|1||{CARD}||{NAME}\r"),
        ("hl7", f"MSH#^~\\&#A\rPID#1##{CARD}##{NAME}\r"),
        ("hl7", f"{NAME} {CARD}"),
        ("astm", f"H|\\^&\rP|1||{CARD}||{NAME}\rO|1|2603\r"),
        ("astm", f"\x021H|\\^&\r\x0300\r\n\x022P|1||{CARD}||{NAME}\r\x0300\r\n"),
        ("astm", f"H|\\^&\rC|1|I|{NAME}{PHONE}\r"),
        ("json", json.dumps({"input": {"data": {"psn_name": NAME, "certno": CARD, "x": PHONE}}}, ensure_ascii=False)),
        ("json", json.dumps({"name": [{"family": NAME, "given": [NAME]}], "telecom": [{"value": PHONE}]}, ensure_ascii=False)),
        ("xml", f'<a><psn_name>{NAME}</psn_name><b certno="{CARD}">{PHONE}</b></a>'),
        ("bytes", f"{NAME}{CARD}"),
        ("none", f"{NAME}{CARD}"),
    ],
)  # fmt: skip
def test_persons_are_covered_in_every_kind(kind: str, body: str) -> None:
    seen = plain(masking.mask(kind, body))
    for secret in (NAME, CARD, PHONE):
        assert secret not in seen


def test_what_is_no_persons_stays_readable() -> None:
    body = "MSH|^~\\&|LIS\rOBR|1||2603180418|101^血常规\rOBX|1|NM|718-7^HGB||11.7|g/dL|11.0-16.0|N\r"
    assert masking.mask("hl7", body) == body


@given(st.text(max_size=400), st.sampled_from(["hl7", "astm", "json", "xml", "bytes"]))
def test_nothing_breaks_the_mask(body: str, kind: str) -> None:
    masked = masking.mask(kind, body)
    assert list(shown.pieces(masked, segments=kind == "hl7")) is not None


@given(st.binary(max_size=600))
def test_bytes_of_any_kind_are_shown(raw: bytes) -> None:
    body = text.decoded(raw, "gb18030")
    "".join(p.text for p in shown.pieces(body, segments=False)).encode()
    text.numbers(body)
    frames.frames(raw)


def test_real_messages_lose_their_patients() -> None:
    paths = sorted(Path(DATA / "ms-fhir-converter").glob("ADT*.hl7"))
    if not paths:
        pytest.skip("real inputs are not here")
    for path in paths:
        body = text.decoded(path.read_bytes())
        pid = next((line for line in body.replace("\n", "\r").split("\r") if line.startswith("PID|")), "")
        fields = pid.split("|")
        seen = plain(masking.mask("hl7", body))
        for value in (fields[5:6] + fields[3:4])[:2]:
            for part in value.split("^")[:2]:
                if len(part) > 3:
                    assert f"|{part}^" not in seen, (path.name, part)


def test_words_are_found_whole_and_chinese_anywhere() -> None:
    body = "OBR|1||2603180418|101^血细胞分析(五分类)"
    assert text.holds(body, "细胞分析 2603180418")
    assert not text.holds(body, "260318041")
    assert not text.holds(body, "细胞数")
    have = set(text.numbers(body, "\0type:ORU"))
    assert have >= set(text.query_numbers("细胞分析 2603180418", "\0type:ORU"))
    assert not have >= set(text.query_numbers("260318041"))
