"""Set-up: the demonstration's estate. An installation of its own imports its own files (xingwei estate import)."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files, services

GUANGYUAN = files.SHIPPED / "guangyuan"


@step(30, "登记系统、接口与参数", demo=True, files=(GUANGYUAN,))
def estate(report: Report) -> None:
    services.import_estate(system_actor("command"), GUANGYUAN, progress=report)
