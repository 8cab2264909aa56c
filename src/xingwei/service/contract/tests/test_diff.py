"""What one text changes against another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from xingwei.service.contract.engine.diff import compare, pieces
from xingwei.service.contract.engine.loader import Loaded
from xingwei.service.contract.files import load_directory


def test_a_text_does_not_differ_from_itself(loaded: Loaded) -> None:
    assert compare(loaded.contract, loaded.contract) == []


def test_every_kind_of_change_is_named(loaded: Loaded, edited: Callable[..., Path]) -> None:
    edited("service-levels.yaml", "minutes: 30", "minutes: 20")
    edited("scorecard.yaml", "kind: flat, points: 10", "kind: flat, points: 12")
    edited("fee.yaml", "pay_percent: 95", "pay_percent: 96")
    edited("obligations.yaml", "times: 4", "times: 2")
    directory = edited("contract.yaml", "short: 病历", "short: 病案")  # a name on our screens, not in the text
    found = {(d.part, d.title): d for d in compare(loaded.contract, load_directory(directory).contract)}
    assert set(found) == {
        ("响应时限", "响应"),
        ("扣分标准", "数据备份与恢复：数据备份不合理，备份数据损坏导致在需要时无法恢复"),
        ("付费档", "正文九（十） 80–89"),
        ("履约义务", "现场定期巡检"),
    }
    assert [(p.kind, p.text) for p in found["响应时限", "响应"].pieces] == [
        ("gone", "3"),
        ("new", "2"),
        ("same", "0 分钟，7×24"),
    ]


def test_what_is_gone_and_what_is_new(loaded: Loaded, edited: Callable[..., Path]) -> None:
    line = "    - {id: V2, event: 安全事故造成重大经济损失或人员伤亡,"
    directory = edited("scorecard.yaml", line, line.replace("V2", "V3"))
    kinds = {(d.part, d.kind) for d in compare(loaded.contract, load_directory(directory).contract)}
    assert kinds == {("否决项", "added"), ("否决项", "removed")}


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_pieces_hold_both_texts_whole(old: str, new: str) -> None:
    found = pieces(old, new)
    assert "".join(p.text for p in found if p.kind != "new") == old
    assert "".join(p.text for p in found if p.kind != "gone") == new
