"""From the average to its band to the money, under every reading of what the text says twice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.service.contract.engine.fee import Amounts, band_of, fee
from xingwei.service.contract.engine.periods import Term
from xingwei.service.contract.engine.readings import KNOWN, Readings
from xingwei.service.contract.engine.scorecard import ScoreError, pass_mark
from xingwei.service.contract.files import load_directory

from .conftest import GUANGYUAN

CONTRACT = load_directory(GUANGYUAN).contract
TERM = Term(dt.date(2025, 10, 15), dt.date(2026, 10, 14))
AMOUNTS = Amounts.of(D(1_280_000), TERM, D(400_000))
pytestmark = pytest.mark.clause("9.10")

CASES: list[tuple[str, dict[str, str], str]] = [
    ("100", {}, "1280000.00"),
    ("90", {}, "1280000.00"),
    ("89.99", {}, "1216000.00"),
    ("89.5", {}, "1216000.00"),
    ("89.5", {"band-gap": "half_up"}, "1280000.00"),
    ("89.49", {"band-gap": "half_up"}, "1216000.00"),
    ("80", {}, "1216000.00"),
    ("79.5", {}, "1088000.00"),
    ("79.5", {"band-gap": "half_up"}, "1216000.00"),
    ("60", {}, "1088000.00"),
    ("60", {"band-overlap": "lower"}, "640000.00"),
    ("59.5", {}, "640000.00"),
    ("59.5", {"band-gap": "half_up"}, "1088000.00"),
    ("59", {}, "640000.00"),
    ("59", {"fee-rules": "deduct_unpaid"}, "1080000.00"),
    ("59", {"fee-rules": "deduct_month"}, "1226666.66"),
    ("60", {"band-overlap": "lower", "fee-rules": "deduct_unpaid"}, "1088000.00"),  # 备注 5：不含60分
    ("85", {"fee-base": "unpaid"}, "1260000.00"),
    ("85", {"fee-rules": "deduct_unpaid"}, "1216000.00"),
    ("0", {}, "640000.00"),
    ("-20", {"reverse-unlimited": "negative"}, "640000.00"),
]


@pytest.mark.parametrize(("average", "chosen", "paid"), CASES)
def test_what_an_average_pays(average: str, chosen: dict[str, str], paid: str) -> None:
    found = fee(CONTRACT, D(average), Readings(chosen), AMOUNTS)
    assert (found.paid, found.paid + found.withheld) == (D(paid), AMOUNTS.total)


def test_what_is_unpaid_is_by_default_the_whole_as_nothing_is_paid_before_acceptance() -> None:
    whole = Amounts.of(D(1_280_000), TERM)
    assert (whole.unpaid, whole.month) == (D(1_280_000), D("106666.67"))
    assert fee(CONTRACT, D(50), Readings({"fee-rules": "deduct_unpaid"}), whole).paid == D("640000.00")


def test_no_average_is_below_every_band() -> None:
    table = CONTRACT.fee_tables[0]
    without_lowest = type(table)(table.id, table.where, table.bands[:-1])
    with pytest.raises(ScoreError, match="均分 59 不在任何一档"):
        band_of(without_lowest, D(59), Readings())


FEE = ["band-gap", "band-overlap", "fee-rules", "fee-base"]
chosen = st.fixed_dictionaries({q: st.sampled_from(KNOWN[q]) for q in FEE}).map(Readings)
averages = st.decimals(-100, 100, places=2)
amounts = st.builds(
    lambda total, share: Amounts.of(D(total), TERM, D(total) * share / 100),
    st.integers(1, 10**9),
    st.integers(0, 100),
)
SOME = settings(max_examples=150, deadline=None)


@SOME
@given(averages, chosen, amounts)
def test_every_average_has_one_band_and_the_money_adds_up(average: D, under: Readings, of: Amounts) -> None:
    found = fee(CONTRACT, average, under, of)
    assert 0 <= found.paid <= of.total
    assert found.paid + found.withheld == of.total
    assert found.withheld.as_tuple().exponent == -2


@SOME
@given(averages, averages, chosen)
def test_a_better_average_never_lies_in_a_lower_band(one: D, other: D, under: Readings) -> None:
    for table in CONTRACT.fee_tables:
        low, high = sorted((one, other))
        assert band_of(table, low, under)[1].percent_paid <= band_of(table, high, under)[1].percent_paid


@SOME
@given(averages, averages, amounts)
def test_under_the_readings_until_agreed_a_better_average_never_pays_less(one: D, other: D, of: Amounts) -> None:
    low, high = sorted((one, other))
    assert fee(CONTRACT, low, Readings(), of).paid <= fee(CONTRACT, high, Readings(), of).paid


def test_the_pass_mark_is_where_the_lowest_band_ends() -> None:
    assert pass_mark(CONTRACT) == 60
