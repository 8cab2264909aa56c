"""The ledger as it leaves in Excel or CSV: all that the page shows, and the solution, for whoever counts later."""

from __future__ import annotations

import datetime as dt
from typing import Any

from xingwei.base.ui.table import Column, Table

from .models import Case
from .workflow import kind_of, state_of

LEVELS = {0: "不定级", 1: "一级", 2: "二级", 3: "三级"}


def _clock(key: str) -> Any:
    """The last deadline of that clock; empty where the case has no such clock."""

    def value(case: Case) -> Any:
        due = next((c["due"] for c in reversed(case.clocks) if c["key"] == key and "due" in c), "")
        return dt.datetime.fromisoformat(due) if due else ""

    return value


class LedgerTable(Table):
    caption = "问题台账"
    columns = (
        Column("number", "编号", kind="id"),
        Column("kind", "类别", value=lambda c: kind_of(c).label),
        Column("severity", "级别", value=lambda c: LEVELS.get(c.severity, "")),
        Column("title", "标题", kind="title"),
        Column("description", "现象"),
        Column("system", "系统", value="system.short_name"),
        Column("department", "科室", value="department.name"),
        Column("reporter_name", "反映人"),
        Column("channel", "渠道", value="get_channel_display"),
        Column("state", "状态", value=lambda c: state_of(c).label),
        Column("waiting_for", "在等", value=lambda c: c.get_waiting_for_display() if c.waiting_for else ""),
        Column("assignee", "办理人", value=lambda c: str(c.assignee or "")),
        Column("party", "归属", value="get_party_display"),
        Column("opened_at", "受理时间", kind="time"),
        Column("responded_at", "响应时间", kind="time"),
        Column("arrived_at", "到场时间", kind="time"),
        Column("resolved_at", "解决时间", kind="time"),
        Column("closed_at", "办结时间", kind="time"),
        Column("response_due", "响应时限", value=_clock("response")),
        Column("arrival_due", "到场时限", value=_clock("arrival")),
        Column("late", "曾超时", value=lambda c: "是" if c.ever_late else ""),
        Column("cause", "原因"),
        Column("solution", "解决办法"),
        Column("satisfaction", "满意度", value=lambda c: c.satisfaction or "", kind="num"),
        Column("tags", "标签", value=lambda c: "、".join(c.tags)),
    )
