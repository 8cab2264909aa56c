from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from xingwei.operations.gateway.tests.captures import files
from xingwei.operations.gateway.wire.astm_records import messages, summary


def test_what_an_index_needs() -> None:
    text = b"H|\\^&|77||X|||||||P|1|20250701185020\rP|1|A9\rO|1|S-1^2\rR|1|^^^K|4.1\rL|1|N\r"
    found = summary(text)
    assert (found.control_id, found.type, found.patient, found.reference, found.problem) == (
        "77",
        "ASTM^R",
        "A9",
        "S-1",
        "",
    )
    assert found.event_at == datetime(2025, 7, 1, 18, 50, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert summary(b"H|\\^&\rQ|1|^S-9||ALL\rL|1\r").reference == "S-9"
    assert summary("H|\\^&\rP|1||||王\rL|1\r".encode("gbk")).charset == "gb18030"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "开头不是 H"),
        (b"H|\\^&\rP|1\r", "没有 L 记录"),
        (b"H|\\^&\rX|1\rL|1\r", "不认识的记录“X”"),
        (b"H|||||\rL|1\r", "分隔符"),
        (b"P|1\rL|1\r", "开头不是 H"),
    ],
)
def test_what_cannot_be_routed_says_why(text: bytes, why: str) -> None:
    assert why in summary(text).problem


def test_a_session_with_several_messages() -> None:
    one, two = b"H|\\^&\rL|1\r", b"H|\\^&|2\rL|1\r"
    assert messages(one + two) == [one, two]
    assert messages(b"\r\n" + one) == [b"\r\n" + one] or messages(b"\r\n" + one)[-1] == one
    assert b"".join(messages(b"x\r" + one)) == b"x\r" + one
    assert messages(b"") == []


@pytest.mark.parametrize("path", files("astm/astmio/maglumi"), ids=lambda path: path.name)
def test_real_results_of_a_maglumi(path: Path) -> None:
    found = summary(path.read_bytes())
    assert found.problem == ""
    assert found.type == "ASTM^R"
    assert found.reference
