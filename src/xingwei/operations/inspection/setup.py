"""The inspections of the demonstration's hospital."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files, services


@step(55, "配置巡检计划", demo=True, files=(files.SHIPPED, files.DIRECTORY / "inspections.schema.json"))
def inspections(report: Report) -> None:
    """Checklists and plans, and what the calendar asks for in the coming days."""
    services.import_inspections(system_actor("command"), files.SHIPPED)
    services.schedule()
