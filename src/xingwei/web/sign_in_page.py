"""What the sign-in page says of the contract in force, and which systems a role can be held for."""

from __future__ import annotations

import datetime as dt
import re

from xingwei.base.accounts import hooks
from xingwei.base.accounts.hooks import Promise, Welcome
from xingwei.base.estate import queries as estate
from xingwei.service.contract import queries as contract


def register() -> None:
    hooks.welcomes.append(welcome)
    hooks.systems.append(lambda: [(s.code, s.name) for s in estate.systems()])


def welcome() -> Welcome | None:
    """The service levels of the contract in force; None where there is none."""
    found = contract.in_force()
    if found is None:
        return None
    policy = contract.service_policy(found.version)
    promises = tuple(
        Promise(level.severity, _arrival(policy.arrive[level.severity].label), _gist(level.means))
        for level in found.contract.service.levels
        if level.severity in policy.arrive
    )
    always = policy.response_around_the_clock
    return Welcome(
        lead="信息系统运维，7×24 小时响应。" if always else "信息系统运维，工作时间响应。",
        foot=f"响应不超过 {_span(policy.response)}" + ("，全年无休" if always else ""),
        promises=promises,
    )


def _span(span: dt.timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} 小时" if minutes % 60 == 0 else f"{minutes} 分钟"


def _arrival(label: str) -> str:
    """ "1 个工作日或协商确定" → "1 个工作日内到场"."""
    return f"{label.removesuffix('或协商确定')}内到场"


def _gist(means: str) -> str:
    """The first clause of what a level means, without what stands in brackets."""
    return re.sub(r"（[^）]*）", "", means).partition("，")[0]
