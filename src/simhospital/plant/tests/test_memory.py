"""Planted differences in memory: what the truth says is what the rows show, and nothing else differs."""

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simhospital.plant import PlantError, kinds, planted
from simhospital.plant.sides import PAIRS


def gaps(found):
    """Left minus right in yuan, by reconciliation, as the rows show it."""
    s = found.sides

    def total(name, column, keep=lambda r: True):
        return sum((r[column] for r in s[name] if keep(r)), Decimal(0))

    channels = {"wx", "zfb", "unionpay", "yb"}
    deposit = lambda r: r["goods"] == "住院预交金"  # noqa: E731
    return {
        "insurance": total("settlement", "medfee_sumamt") - total("insurance_statement", "medfee_sumamt"),
        "payments": total("payment", "amount", lambda r: r["channel"] in channels)
        - total("channel_bill", "amount", lambda r: not deposit(r)),
        "deposits": total("deposit", "amount", lambda r: r["channel"] in channels)
        - total("channel_bill", "amount", deposit),
        "ledger": total("charge", "amount") - total("ledger_entry", "credit", lambda r: r["account"].startswith("4")),
        "cash": total("payment", "amount", lambda r: r["channel"] == "cash")
        + total("deposit", "amount", lambda r: r["channel"] == "cash")
        - total("cash_book", "counted"),
    }


def test_books_without_differences_agree_to_the_last_row():
    found = planted(6, 0, 5, visits=80)
    assert found.truth == []
    assert set(gaps(found).values()) == {Decimal(0)}
    left = {
        r["setl_id"]: (r["medfee_sumamt"], r["fund_pay_sumamt"], r["insutype"], r["setl_time"])
        for r in found.sides["settlement"]
    }
    right = {
        r["setl_id"]: (r["medfee_sumamt"], r["fund_pay_sumamt"], r["insutype"], r["setl_time"])
        for r in found.sides["insurance_statement"]
    }
    assert left == right
    assert len(left) > 200


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99_999))
def test_the_truth_explains_the_whole_gap(seed):
    found = planted(6, 120, seed)
    told = defaultdict(Decimal)
    for truth in found.truth:
        told[truth.reconciliation] += truth.gap
    assert {name: told[name] for name in PAIRS} == gaps(found)
    assert len(found.truth) == 120
    assert len({t.id for t in found.truth}) == 120


def test_the_keys_of_the_truth_are_rows_of_the_sides():
    found = planted(12, 400, 11)
    numbers = {
        "settlement": {r["setl_id"] for r in found.sides["settlement"]},
        "insurance_statement": {r["setl_id"] for r in found.sides["insurance_statement"]},
        "payment": {r["channel_no"] for r in found.sides["payment"]},
        "channel_bill": {r["channel_no"] for r in found.sides["channel_bill"]},
        "deposit": {r["receipt_no"] for r in found.sides["deposit"]},
        "charge": {f"{r['day']}|{r['kind']}|{r['fee_class']}" for r in found.sides["charge"]},
        "ledger_entry": {f"{r['voucher_no']}|{r['account']}" for r in found.sides["ledger_entry"]},
    }
    for truth in found.truth:
        for side, keys in truth.keys.items():
            if truth.reconciliation != "cash":
                assert set(keys) <= numbers[side], truth
        if truth.more == "right" and truth.cause == "timeout_one_sided" and truth.reconciliation == "insurance":
            (key,) = truth.keys["insurance_statement"]
            assert key not in numbers["settlement"]


def test_every_kind_can_be_planted_and_a_seed_draws_its_own_mix():
    whole = planted(30, 2000, 1)
    assert {t.happens for t in whole.truth} == {k.happens for k in kinds()}
    assert len(whole.truth) == 2000
    assert whole.last - whole.first == timedelta(days=30)
    one, again, other = planted(6, 150, 1), planted(6, 150, 1), planted(6, 150, 2)
    assert [t.line() for t in again.truth] == [t.line() for t in one.truth]
    assert again.sides == one.sides
    assert Counter(t.happens for t in one.truth) != Counter(t.happens for t in other.truth)


def test_chosen_causes_and_what_cannot_be_done():
    found = planted(5, 30, 3, causes=("insurance:rounding", "wrong_account"), visits=200)
    assert {t.cause for t in found.truth} == {"rounding", "wrong_account"}
    with pytest.raises(PlantError, match="没有这种差异"):
        planted(5, 3, 3, causes=("gremlins",))
    with pytest.raises(PlantError, match="放不下"):
        planted(3, 5000, 3, visits=20)
