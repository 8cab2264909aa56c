"""The hospital's own rules of quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..engine import quality
from ..engine.datasets import datasets
from ..models import RuleOfHouse
from .base import LakeRefused


def put(actor: Actor, item: Mapping[str, Any]) -> bool:
    """Add or change a rule; returns whether anything changed. Raises LakeRefused."""
    require(actor, "lake.rule:change")
    dataset = datasets().get(item["dataset"])
    if dataset is None:
        raise LakeRefused(f"没有数据集“{item['dataset']}”")
    if item["code"] in {r.code for r in quality.rules_of(dataset)}:
        raise LakeRefused(f"“{item['code']}”是数据集自带的规则，请换一个代码")
    try:
        quality.condition(dataset, item["must"])
    except quality.RuleProblem as problem:
        raise LakeRefused(str(problem)) from None
    with transaction.atomic():
        row = RuleOfHouse.objects.select_for_update().filter(dataset=item["dataset"], code=item["code"]).first()
        if row is not None and row.document == dict(item):
            return False
        new = row is None
        row = row or RuleOfHouse(dataset=item["dataset"], code=item["code"])
        before, row.document = row.document, dict(item)
        row.save()
        record(
            actor,
            "lake.rule.add" if new else "lake.rule.change",
            row,
            f"{'新增' if new else '修改'}质量规则“{item['title']}”",
            before=None if new else before,
            after=dict(item),
        )
    return True


def drop(actor: Actor, rule: RuleOfHouse) -> None:
    """Take a rule of the house away; what it counted stays."""
    require(actor, "lake.rule:change", rule)
    with transaction.atomic():
        record(actor, "lake.rule.drop", rule, f"删去质量规则“{rule}”", before=rule.document)
        rule.delete()
