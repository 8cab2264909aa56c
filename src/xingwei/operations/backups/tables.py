"""Backups as tables, for export."""

from __future__ import annotations

from xingwei.base.ui.table import Column, Table

from . import hazards
from .engine.standing import Level


class PlansTable(Table):
    columns = (
        Column("name", "备份", "plan.name"),
        Column("system", "系统", "plan.system"),
        Column("form", "形式", "plan.get_form_display"),
        Column("maker", "由谁执行", "plan.get_maker_display"),
        Column("state", "能否恢复", lambda v: v.state[1]),
        Column("taken", "最近备份", lambda v: v.standing.last.get(Level.TAKEN) or ""),
        Column("verified", "最近校验", lambda v: v.standing.last.get(Level.VERIFIED) or ""),
        Column("restored", "最近恢复演练", lambda v: v.standing.last.get(Level.RESTORED) or ""),
        Column("copies", "现有份数", "copies"),
        Column("why", "说明", hazards.why),
    )
