"""What the search over everything finds of the estate."""

from __future__ import annotations

from collections.abc import Iterator

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import SearchHit

from . import queries

_ICONS = {
    "system": "server-2",
    "subsystem": "sitemap",
    "function": "activity",
    "component": "box",
    "interface": "plug-connected",
}
_MOST = 8


def hits(actor: Actor, q: str) -> Iterator[SearchHit]:
    """Systems and parts by name, code or alias; parameters by every word of their meaning."""
    if may(actor, "estate.system:view"):
        for row in queries.find(q, _MOST):
            kind = row.KIND  # type: ignore[attr-defined]
            system = getattr(row, "system", None)
            detail = str(system) if system else ""
            yield SearchHit("系统与接口", str(row), row.get_absolute_url(), detail, _ICONS[kind])  # type: ignore[attr-defined]
    if may(actor, "estate.parameter:view"):
        for parameter in queries.parameters().filter(queries.matching_parameters(q), active=True)[:_MOST]:
            detail = f"{parameter.system} {parameter.code}：{parameter.meaning}"[:80]
            yield SearchHit("参数", parameter.name, parameter.get_absolute_url(), detail, "adjustments")
