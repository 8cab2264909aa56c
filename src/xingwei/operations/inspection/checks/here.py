"""Checks over the machine that the product runs on, and the working calendar."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from xingwei.base.calendar import queries as calendar
from xingwei.base.runtime import config

from . import Finding, register


@register("disk", "运维平台的磁盘", least_gb=20)
def disk(given: Mapping[str, Any], _system: str) -> Finding:
    """There is room where the product keeps its data."""
    usage = shutil.disk_usage(config.from_environment().home)
    free = usage.free / 1e9
    return Finding(
        free >= float(given["least_gb"]), f"剩余 {free:.0f} GB，共 {usage.total / 1e9:.0f} GB", round(free, 1)
    )


@register("calendar", "工作日历已公布", months=2)
def work_calendar(given: Mapping[str, Any], _system: str) -> Finding:
    """The holidays of the coming months are published, so that deadlines are right."""
    today = timezone.localdate()
    current = calendar.current()
    last = today.replace(day=1)
    for _ in range(int(given["months"])):
        last = (last.replace(day=28) + (last.replace(day=5) - last.replace(day=1))).replace(day=1)
    if current.provisional(today, last):
        return Finding(False, f"{last.year} 年的放假安排还没有公布或没有导入")
    return Finding(True, f"日历 {current.version} 版，{last.year} 年的放假安排已公布")
