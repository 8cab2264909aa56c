"""`check` finds contradictions in the data: change the data and the finding goes, or another comes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from xingwei.service.contract.engine.examples import Setting
from xingwei.service.contract.engine.findings import Finding, check
from xingwei.service.contract.engine.loader import Loaded
from xingwei.service.contract.engine.periods import Term
from xingwei.service.contract.engine.readings import Readings, readings
from xingwei.service.contract.files import load_directory

Edit = Callable[..., Path]


def found_in(directory: Path) -> dict[str, Finding]:
    contract = load_directory(directory).contract
    return {f.id: f for f in check(contract, readings(contract.questions))}


@pytest.fixture(scope="module")
def found(loaded: Loaded) -> dict[str, Finding]:
    contract = loaded.contract
    return {f.id: f for f in check(contract, readings(contract.questions))}


def said(finding: Finding) -> list[str]:
    return [fact.what for fact in finding.facts]


@pytest.mark.clause("9.10")
def test_the_points_do_not_add_up(found: dict[str, Finding]) -> None:
    points = found["points-sum"]
    assert said(points) == ["9 行分值 12＋12＋20＋10＋10＋10＋10＋5＋8＝97，满分写 100，差 3 分"]
    assert points.example is not None
    assert [o.money for o in points.example.outcomes] == [Decimal(1_000_000), Decimal(950_000), Decimal(1_000_000)]


def test_points_that_add_up_are_no_finding(edited: Edit) -> None:
    assert "points-sum" not in found_in(edited("scorecard.yaml", "points: 5\n", "points: 8\n"))


@pytest.mark.clause("9.10")
def test_89_5_lies_between_two_bands_and_60_in_two(found: dict[str, Finding]) -> None:
    gaps = said(found["band-gap"])
    assert len(gaps) == 4  # two gaps, in each of the two places of the text
    assert "正文九（十）：90–100 与 80–89 之间，大于 89、小于 90 的均分（如 89.5）不在任何一档" in gaps
    overlap = found["band-overlap"]
    assert len(overlap.facts) == 1  # the remarks exclude 60 (不含60分), the text does not
    assert overlap.facts[0].what.startswith("正文九（十）：均分 60 同时落在 60–79 档和 60 以下档")


def test_bands_that_meet_are_no_finding(edited: Edit) -> None:
    directory = edited("fee.yaml")
    path = directory / "fee.yaml"
    text = path.read_text(encoding="utf-8")
    for high in (89, 79):
        text = text.replace(f"high: {high}, high_closed: true", f"high: {high + 1}, high_closed: false")
    text = text.replace(
        "“60 分以下”按50%支付服务费用, high: 60, high_closed: true",
        "“60 分以下”按50%支付服务费用, high: 60, high_closed: false",
    )
    path.write_text(text, encoding="utf-8")
    found = found_in(directory)
    assert "band-gap" not in found
    assert "band-overlap" not in found


@pytest.mark.clause("9.10")
def test_two_rules_below_60_and_two_bases_in_one_sentence(found: dict[str, Finding]) -> None:
    rules = found["fee-rules"]
    assert said(rules) == [
        "均分 60 以下：正文九（十）付服务费用的 50%，考核表备注扣当月服务费（剩余未支付服务费）的 50%",
        "考核表备注的 60 以下档一句之内写了两个基数：“当月服务费”、“剩余未支付服务费”",
    ]
    assert rules.example is not None
    paid = {o.reading: o.money for o in rules.example.outcomes}
    assert paid == {
        "pay_of_total": Decimal("500000.00"),
        "deduct_unpaid": Decimal("850000.00"),
        "deduct_month": Decimal("958333.33"),
    }
    assert rules.example.at_stake == Decimal("458333.33")


def test_numbers_skipped_and_repeated(found: dict[str, Finding], edited: Edit) -> None:
    assert said(found["numbering"]) == [
        "七、集成平台：编号跳过了 4",
        "八、各类接口：编号换了写法，又从头数起",
        "八、各类接口：编号 1 重复",
        "（二）项目服务要求及模式：编号换了写法，又从头数起",
    ]
    words = [q.words for q in found["numbering"].facts[0].quotes]
    assert words == ["3、系统安全维护", "5、操作使用指导"]


def test_systems_claimed_and_listed(found: dict[str, Finding], edited: Edit) -> None:
    assert "7 个系统" in said(found["system-count"])[0]
    assert "共 10 项" in said(found["system-count"])[0]
    assert "system-count" not in found_in(edited("contract.yaml", "count: 7", "count: 10"))


def test_what_most_systems_have_and_some_lack(found: dict[str, Finding]) -> None:
    lacking = said(found["missing-items"])
    assert "“系统故障处理”（条款 1.9b）：6 个系统写了，检验LIS没有写" in lacking
    assert "“问题台账管理”（条款 1.6）：6 个系统写了，数据中心没有写" in lacking
    assert "“操作使用指导”（条款 2.5）：5 个系统写了，HIS、专业版病历没有写" in lacking


def test_names_of_another_chapter(found: dict[str, Finding]) -> None:
    quotes = [(q.at, q.words) for q in found["foreign-names"].quotes]
    assert quotes == [
        ("2.8", "向HIS产品研发进行"),
        ("3.8", "向HIS产品研发进行"),
        ("8.2.1a", "设备无法正常传输"),
        ("8.2.2a", "设备传输的原始数据"),
    ]


def test_one_party_with_eleven_names(found: dict[str, Finding]) -> None:
    vendor = said(found["party-names"])[1]
    assert vendor.startswith("运维一方有 11 个称呼：运维服务商（29 次）")
    assert "运维服务商公司（1 次）" in vendor  # the longer name is not also counted as the shorter one


def test_every_quotation_is_exact_and_can_be_cited(loaded: Loaded, found: dict[str, Finding]) -> None:
    contract = loaded.contract
    for finding in found.values():
        assert finding.quotes, finding.id
        for quote in finding.quotes:
            assert quote.words in contract.words[quote.at], (finding.id, quote)
            assert contract.citation(quote.at)


def test_every_reading_of_an_example_says_something_and_one_is_in_force(found: dict[str, Finding]) -> None:
    for finding in found.values():
        assert finding.chosen in {r.id for r in finding.readings}, finding.id
        if finding.example is not None:
            outcomes = finding.example.outcomes
            assert [o.reading for o in outcomes] == [r.id for r in finding.readings]
            assert len({o.says for o in outcomes}) > 1, f"{finding.id}: the example does not tell the readings apart"


def test_statements_that_agree_are_no_conflict(edited: Edit) -> None:
    directory = edited("questions.yaml", "says: 每次考核}", "says: 均值低于 60 分}")
    assert "failed-quarter" not in found_in(directory)


def test_what_no_question_asks_is_found_all_the_same(edited: Edit) -> None:
    """A contract without questions still shows its contradictions, with no reading to choose."""
    found = found_in(edited("questions.yaml", new="questions: []\n"))
    assert {"points-sum", "band-gap", "fee-rules", "numbering", "party-names"} <= set(found)
    assert found["points-sum"].readings == ()


def test_examples_use_the_contract_s_own_sums(loaded: Loaded) -> None:
    term = Term(dt.date(2026, 1, 31), dt.date(2027, 1, 30))
    setting = Setting(Decimal(1_280_000), term, real=True)
    found = {f.id: f for f in check(loaded.contract, Readings(), setting)}
    gap = found["band-gap"].example
    assert gap is not None
    assert gap.at_stake == Decimal(64_000)
    quarter = found["quarter"].example
    assert quarter is not None
    assert quarter.outcomes[0].says == "第一份季度报告到期 2026-04-29，共 4 份"


def test_agreed_readings_are_shown_as_agreed(loaded: Loaded) -> None:
    contract = loaded.contract
    found = {f.id: f for f in check(contract, readings(contract.questions, {"band-gap": "half_up"}))}
    assert (found["band-gap"].chosen, found["band-gap"].agreed) == ("half_up", True)
    assert not found["points-sum"].agreed
