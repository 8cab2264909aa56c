"""The fund split keeps the interface's identities exactly, whatever the bill."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simhospital.centre.benefit import Insured, Item, Parts, Year, divide, money, split
from simhospital.centre.profile import profile

RULES = profile("guangyuan").raw
cents = st.integers(0, 30_000_000).map(lambda number: Decimal(number) / 100)
shares = st.integers(0, 100).map(lambda number: Decimal(number) / 100)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(
    st.lists(st.tuples(cents, st.sampled_from(["01", "02", "03"]), shares, st.booleans()), max_size=20),
    st.sampled_from(["310", "390", "340"]),
    st.sampled_from(["11", "12", "15"]),
    st.sampled_from(["outpatient", "chronic", "inpatient"]),
    cents, cents, cents, st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_identities(lines, insutype, psn_type, kind, balance, pooled, burden, civil, aid, use):
    bill = Parts()
    for total, level, prepaid, limited in lines:
        item = Item("X", level, prepaid, Decimal("1.00") if limited else None)
        bill += divide(total, Decimal(3), total / 3, item)
    person = Insured(insutype, psn_type, civil, aid, balance)
    paid = split(bill, kind, person, Year(Decimal("100.00"), pooled, burden, 1), RULES, use)
    assert bill.total == bill.own + bill.over + bill.prepaid + bill.scope == sum(line[0] for line in lines)
    assert paid.fund == sum(paid.funds.values()) == sum(amount for *_, amount in paid.details)
    assert paid.parts.total == paid.fund + paid.account + paid.cash
    assert 0 <= paid.fund <= bill.scope
    assert 0 <= paid.account <= balance
    assert paid.cash >= 0
    for amount in (paid.fund, paid.account, paid.cash, paid.deductible, *paid.funds.values()):
        assert amount == amount.quantize(Decimal("0.01"))


def test_an_inpatient_by_hand():
    """Employee, first stay: 30,000.00 in scope, 550 deductible, 85 % to 20,000 and 88 % above."""
    paid = split(
        Parts(Decimal("30000.00"), scope=Decimal("30000.00")), "inpatient", Insured("310", "11"), Year(), RULES
    )
    assert paid.deductible == Decimal("550.00")
    assert paid.funds["hifp_pay"] == Decimal("17000.00") + Decimal("8316.00")


def test_above_the_cap_the_further_fund_pays():
    year = Year(pooled=Decimal("159000.00"), admissions=1)
    paid = split(Parts(Decimal("20000.00"), scope=Decimal("20000.00")), "inpatient", Insured("310", "11"), year, RULES)
    wanted = (Decimal(20000) - Decimal(275)) * Decimal("0.85")
    assert paid.funds["hifp_pay"] == Decimal("1000.00")
    assert paid.funds["hifob_pay"] == money((wanted - 1000) * Decimal("0.90"))
