"""The backup plans of the demonstration's hospital."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files
from .services import import_plans


@step(50, "配置备份计划", demo=True, files=(files.SHIPPED, files.DIRECTORY / "plans.schema.json"))
def backups(report: Report) -> None:
    """Plans for the five databases of the hospital that simhospital plays; plans that people changed stay."""
    import_plans(system_actor("command"), files.SHIPPED, keep=True)
