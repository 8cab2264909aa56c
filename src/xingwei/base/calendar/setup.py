"""The calendars shipped with the product, at the first start and when a newer product brings newer ones."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files, services


@step(10, "装入工作日历", files=(files.SHIPPED,))
def calendars(report: Report) -> None:
    services.install(system_actor("command"))
