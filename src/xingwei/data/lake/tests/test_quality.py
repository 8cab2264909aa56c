"""Rules: missing, out of range, unknown code, broken reference, duplicate; counted by day, none invented."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from xingwei.base.policy.engine import system_actor
from xingwei.data.lake.engine import quality as engine
from xingwei.data.lake.engine.datasets import datasets
from xingwei.data.lake.models import QualityCount
from xingwei.data.lake.services import quality, rules
from xingwei.data.lake.services.base import LakeRefused

from .hand import put_part

pytestmark = pytest.mark.clause("1.8b")
DAY = dt.date(2026, 3, 18)


def deposit(number, **values):
    at = dt.datetime(2026, 3, 18, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    return {
        "receipt_no": str(number), "stay_id": "7", "amount": Decimal("100.00"), "method": "cash", "received_at": at,
        "state": "normal", "_source": "deposit.hand", "_row": f'{{"sjh":"{number}"}}',
    } | values  # fmt: skip


def counted(day=DAY):
    rows = QualityCount.objects.filter(day=day)
    return {(r.dataset, r.rule): (r.looked, r.bad, r.samples) for r in rows if r.bad}


@pytest.mark.django_db
def test_each_kind_of_defect_is_found_where_it_is_and_nowhere_else():
    put_part("admission", dt.date(2026, 3, 10), [{"stay_id": "7"}])
    put_part(
        "deposit",
        DAY,
        [
            deposit(1), deposit(2, stay_id=None), deposit(3, method="?99"), deposit(4, stay_id="8"), deposit(5), deposit(5),
            deposit(6, amount=None),
        ],
    )  # fmt: skip
    assert quality.look("deposit") > 0
    assert counted() == {
        ("deposit", "missing:stay_id"): (7, 1, ['{"sjh":"2"}']),
        ("deposit", "missing:amount"): (7, 1, ['{"sjh":"6"}']),
        ("deposit", "code:method"): (7, 1, ['{"sjh":"3"}']),
        ("deposit", "refers:stay_id"): (7, 1, ['{"sjh":"4"}']),
        ("deposit", "duplicate"): (7, 1, ['{"sjh":"5"}']),
    }


@pytest.mark.django_db
def test_a_rule_of_the_house_counts_like_the_others(person):
    put_part("deposit", DAY, [deposit(1), deposit(2, amount=Decimal("100000.00"))])
    put_part("admission", DAY, [{"stay_id": "7"}])
    item = {"dataset": "deposit", "code": "not_huge", "title": "超过五万元", "must": "amount <= 50000", "kind": "range"}
    assert rules.put(system_actor("command"), item)
    assert not rules.put(system_actor("command"), item)
    quality.look("deposit", [DAY])
    assert counted()["deposit", "not_huge"] == (2, 1, ['{"sjh":"2"}'])
    with pytest.raises(LakeRefused, match="没有字段 nothing"):
        rules.put(system_actor("command"), item | {"must": "nothing > 1"})
    with pytest.raises(LakeRefused, match="自带的规则"):
        rules.put(system_actor("command"), item | {"code": "duplicate"})


@pytest.mark.django_db
def test_where_nothing_was_extracted_to_refer_to_nothing_is_claimed():
    put_part("deposit", timezone.localdate(), [deposit(1)])
    quality.look("deposit")
    assert not QualityCount.objects.filter(rule="refers:stay_id", bad__gt=0).exists()


@pytest.mark.parametrize("dataset", datasets().values(), ids=lambda d: d.code)
def test_every_dataset_has_sound_rules_over_fields_that_exist(dataset):
    listed = engine.rules_of(dataset)
    assert len({r.code for r in listed}) == len(listed)
    assert {r.kind for r in listed} <= set(engine.KINDS)
    for rule in listed:
        if rule.refers:
            datasets()[rule.refers[0]].field(rule.refers[1])


@pytest.mark.parametrize("must", ["(", "SELECT 1", "amount > (SELECT 1)", "DROP TABLE x", "unknown = 1"])
def test_a_condition_that_is_none_is_refused(must):
    with pytest.raises(engine.RuleProblem):
        engine.condition(datasets()["deposit"], must)
