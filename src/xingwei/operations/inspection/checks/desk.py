"""Checks over the service desk and the backups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from xingwei.operations.backups import hazards, queries
from xingwei.operations.backups.engine.standing import State
from xingwei.operations.backups.models import Plan
from xingwei.service.desk.models import Case

from . import Finding, register


@register("backups", "备份可恢复")
def backups(_given: Mapping[str, Any], system: str) -> Finding:
    """Every plan of the system is proven by a restore drill."""
    plans = Plan.objects.filter(enabled=True).select_related("system", "case")
    found = queries.views(plans.filter(system__code=system) if system else plans)
    bad = [v for v in found if v.standing.state is not State.PROVEN]
    if not found:
        return Finding(False, "没有备份计划")
    if bad:
        return Finding(False, f"{len(bad)} 份不能证明可恢复：{bad[0].plan.name}，{hazards.why(bad[0])}"[:300], len(bad))
    return Finding(True, f"{len(found)} 份都经恢复演练证明", 0)


@register("open_cases", "没有拖得太久的问题", older_than_days=7, kinds=("incident",))
def open_cases(given: Mapping[str, Any], system: str) -> Finding:
    """No case of these kinds is open for longer."""
    since = timezone.now() - dt.timedelta(days=int(given["older_than_days"]))
    cases = Case.objects.filter(kind__in=list(given["kinds"]), opened_at__lt=since).exclude(
        category__in=["resolved", "closed"]
    )
    if system:
        cases = cases.filter(system__code=system)
    numbers = list(cases.order_by("opened_at").values_list("number", flat=True)[:100])
    if numbers:
        return Finding(
            False, f"{len(numbers)} 件超过 {given['older_than_days']} 天未解决：{'、'.join(numbers[:5])}", len(numbers)
        )
    return Finding(True, f"没有超过 {given['older_than_days']} 天未解决的", 0)
