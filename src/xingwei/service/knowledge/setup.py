"""The guides that come with the product, at the first start and when a newer product brings newer ones."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files, services


@step(60, "装入操作指南", files=(files.SHIPPED,))
def guides(report: Report) -> None:
    services.import_guides(system_actor("command"), files.SHIPPED, progress=report)
