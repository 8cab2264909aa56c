"""The watch of a new installation, and of the demonstration's hospital."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step

from . import files
from .services import measurements
from .services.importer import import_watch


@step(41, "准备监测的表")
def tables(report: Report) -> None:
    """Partitions of the coming days, so that nothing falls into the default one."""
    measurements.make_partitions()
    measurements.learn_days()


@step(42, "配置监测", demo=True, files=(files.SHIPPED,))
def watch(report: Report) -> None:
    """Probes, functions, jobs and the big screen of the hospital that simhospital plays."""
    import_watch(system_actor("command"), files.SHIPPED, progress=report)
