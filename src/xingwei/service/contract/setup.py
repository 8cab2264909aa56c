"""The contracts shipped with the product become versions; putting one in force is for people to do."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from .files import directories
from .services import import_contract


@step(40, "装入合同", files=directories())
def contracts(report: Report) -> None:
    for directory in directories():
        import_contract(system_actor("command"), directory)
