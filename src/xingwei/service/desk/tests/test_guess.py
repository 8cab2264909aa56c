"""What a call is about: measured on sentences that people really say, and safe on any other."""

from __future__ import annotations

import csv
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.estate import services as estate
from xingwei.base.estate.engine import Term
from xingwei.base.estate.engine import Vocabulary as Words
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.service.desk.engine.guess import Caller, Vocabulary, propose
from xingwei.service.desk.queries import guess as reading

SCENARIOS = REPO / "src/xingwei/web/demo/scenarios.tsv"
WORDS = reading._words()
SMALL = Vocabulary(Words([Term("医保", "YB"), Term("刷医保卡", "YB", function="yb.settle", window=True)]), WORDS)


@pytest.mark.clause("9.2b")
@pytest.mark.parametrize(
    ("text", "caller", "expected"),
    [
        ("所有科室都登不上系统，全院都停了", Caller(), ("incident", 1)),
        ("刷医保卡一直转圈，几个窗口都这样，外面排着队", Caller(window=True, department="门诊收费处"), ("incident", 2)),
        ("五号窗口点什么都慢，别的窗口正常", Caller(window=True, department="门诊收费处"), ("incident", 3)),
        ("打印机不出纸", Caller(), ("incident", 3)),
        ("报告单上想加个二维码，病人自己查", Caller(), ("requirement", 0)),
        ("护士长想在出院后结算前改费用，权限在哪里开", Caller(), ("consultation", 0)),
        ("换页的时候最后一条没打出来，漏打", Caller(), ("defect", 0)),
        ("审计要去年耗材收费明细，按科室", Caller(), ("data_request", 0)),
    ],
)
def test_kind_and_level_follow_from_the_words(text: str, caller: Caller, expected: tuple[str, int]) -> None:
    proposal = propose(text, caller, SMALL)
    assert (proposal.kind, proposal.severity) == expected


@given(st.text(max_size=200))
def test_any_text_gets_a_proposal(text: str) -> None:
    proposal = propose(text, Caller(), SMALL)
    assert proposal.severity in {0, 2, 1, 3}
    assert (proposal.kind == "incident") == (proposal.severity > 0)


@pytest.mark.django_db
def test_on_the_sentences_of_a_year_most_guesses_are_right(house: SimpleNamespace, person: Any) -> None:
    """Without history: words alone. A wrong guess costs one touch; the figures here are the floor, not the goal."""
    estate.import_estate(system_actor(), REPO / "estates/guangyuan", skip_missing=True)
    windows = {"门诊收费处", "住院收费处", "门诊挂号处", "药房", "急诊科"}
    right: Counter[str] = Counter()
    with SCENARIOS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    vocabulary = reading.vocabulary()
    for row in rows:
        proposal = propose(
            row["words"], Caller(window=row["department"] in windows, department=row["department"]), vocabulary
        )
        right["kind"] += proposal.kind == row["kind"]
        right["system"] += proposal.system == row["system"]
        right["severity"] += proposal.severity == int(row["severity"])
    shares = {name: n / len(rows) for name, n in right.items()}
    assert shares["kind"] >= 0.8
    assert shares["severity"] >= 0.8
    assert shares["system"] >= 0.6
