"""Statements as a table, for export."""

from __future__ import annotations

from xingwei.base.ui.table import Column, Table


class LinesTable(Table):
    columns = (
        Column("text", "语句", "statement.text"),
        Column("calls", "次数", "calls"),
        Column("total_ms", "总用时（毫秒）", lambda line: round(line.total_ms, 1)),
        Column("mean_ms", "平均（毫秒）", lambda line: round(line.mean_ms, 3)),
        Column("share", "占比（%）", lambda line: round(line.share, 2)),
        Column("trend", "变化", lambda line: line.trend_words[1]),
        Column("advice", "建议", lambda line: line.advice.get_state_display() if line.advice else ""),
    )
