"""Any bytes at all, and bytes that look almost right, at every codec."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.documents import KINDS
from xingwei.operations.gateway.engine.rules import VERBS, RuleProblem, compile_route

from .fuzz import TARGETS

_HL7 = b"MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.4||||||UNICODE UTF-8\rPID|1||7~8\rOBR|1\rOBX|1|NM|K||<4.10\rOBX|2\r"
SEEDS = [
    _HL7,
    b"\x0b" + _HL7 + b"\x1c\r",
    b"\x05\x021H|\\^&|1\r\x03C8\r\n\x022L|1\r\x0300\r\n\x04",
    b'{"infno":"2207","msgid":"1","input":{"data":{"psn_no":"1","n":1.50}}}',
    b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"1"}}]}',
    b'<?xml version="1.0" encoding="GBK"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a b="1">\xcd\xf5'
    b"</a></s:Body></s:Envelope>",
    b'[{"PatientID":"1","ScheduledProcedureStepSequence":[{"Modality":"CT"}]}]',
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good message with some bytes changed, doubled or left out."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at : at + draw(st.integers(1, 30))]
            case 2:
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case _:
                data[at:at] = draw(
                    st.sampled_from([b"|", b"^", b"\r", b"\\", b"\x1c", b"\x03", b'"', b"{", b"<", b"\xff", b"\x81"])
                )
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
@given(data=st.one_of(spoilt(), st.binary(max_size=400)))
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_a_codec(target: Callable[[bytes], None], data: bytes) -> None:
    target(data)


@pytest.mark.parametrize("data", [b"MSH" + b"\xff" * 100 + b"|^~|\x00 ^~[\\&|A|B"])
def test_what_a_fuzzer_once_found(data: bytes) -> None:
    for target in TARGETS:
        target(data)
        target(b"\x0b" + data + b"\x1c\r")


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 20_000),
        st.text(max_size=8),
        st.sampled_from(["PID-3", "OBX[*]-5", "m", "(", "\\1", "%Y"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["path", "equals", "in", "any", "value"]), inner, max_size=3),
    ),
    max_leaves=6,
)
_KEYS = [
    "path",
    "value",
    "map",
    "to",
    "from",
    "when",
    "factor",
    "digits",
    "pattern",
    "with",
    "width",
    "fill",
    "side",
    "by",
    "segment",
    "text",
    "unit",
]


@given(
    rule=st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6),
    verb=st.sampled_from([*VERBS, "eval"]),
    kind=st.sampled_from(KINDS),
)
@settings(max_examples=300, deadline=None)
def test_a_rule_of_any_shape_is_compiled_or_refused_in_words(rule: dict[str, Any], verb: str, kind: str) -> None:
    try:
        compile_route(
            {"rules": [{"id": "1", "name": "一", **rule, "do": verb}], "to": ["x"]}, {"m": {"pairs": {}}}, kind
        )
    except RuleProblem as problem:
        refused = problem
    else:
        return
    assert any("一" <= char <= "鿿" for char in refused.reason)


def test_a_fuzzer_that_watches_the_branches_finds_nothing(tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed here")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
    command = [
        sys.executable,
        "-m",
        "xingwei.operations.gateway.tests.fuzz",
        str(corpus),
        "-max_total_time=5",
        "-rss_limit_mb=1024",
        "-timeout=5",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
