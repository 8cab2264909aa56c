"""The reconciliations of the demonstration's hospital."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files
from .services import definitions, demonstration


@step(60, "配置对账", demo=True, files=(files.SHIPPED, files.DIRECTORY / "reconciliations.schema.json"))
def reconciliations(report: Report) -> None:
    """What the simulated hospital's books are held against, and who it is at the insurer."""
    definitions.import_directory(system_actor("command"), files.SHIPPED, progress=report)
    demonstration.identify()
