"""The gateway of the demonstration's hospital."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files
from .services.importer import import_gateway


@step(40, "配置接口网关", demo=True, files=(files.SHIPPED,))
def gateway(report: Report) -> None:
    """Channels, code maps and routes of the hospital that simhospital plays."""
    import_gateway(system_actor("command"), files.SHIPPED, skip_missing=True, keep_channels=True, progress=report)
