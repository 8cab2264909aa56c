"""The words and marks in which the contract's pages say how something stands."""

from __future__ import annotations

import datetime as dt

from .engine.agreement import SIDES, Standing
from .engine.due import Standing as DueStanding

STANDINGS = {  # state of a due time → mark, icon, word
    "done": ("ok", "circle-check", "已完成"),
    "done_late": ("warn", "clock-check", "逾期完成"),
    "partly": ("warn", "circle-half-2", "部分完成"),
    "late": ("late", "alert-circle", "已逾期"),
    "soon": ("warn", "clock-exclamation", "将到期"),
    "open": ("unknown", "clock", "未到期"),
    "future": ("unknown", "circle-dashed", "未开始"),
}


def question_state(agreed: bool, standing: Standing) -> tuple[str, str, str]:
    """Mark, icon and word for how far the two sides are with a question."""
    hospital, vendor = (standing.signed(side) for side in SIDES)
    if agreed:
        return ("warn", "arrows-split-2", "一方要求改动") if standing.pending else ("ok", "circle-check", "双方已确认")
    if hospital and vendor:
        return "warn", "arrows-split-2", "双方确认不一致"
    if hospital:
        return "warn", "circle-half-2", "医院已确认"
    if vendor:
        return "warn", "circle-half-2", "服务商已确认"
    return "unknown", "circle-dashed", "待双方确认"


def due_state(standing: DueStanding, today: dt.date) -> tuple[str, str, str]:
    """Mark, icon and word for a due time: what is left of it, or what is missing."""
    kind, glyph, word = STANDINGS[standing.state]
    if standing.missing and standing.state != "late":
        return "warn", "circle-half-2", f"缺 {len(standing.missing)} 个系统"
    if standing.state in {"late", "soon", "open"}:
        word = days_left(standing.due.due, today)
    return kind, glyph, word


def days_left(due: dt.date, today: dt.date) -> str:
    """还有 12 天, 今天到期, 逾期 3 天."""
    days = (due - today).days
    if days == 0:
        return "今天到期"
    return f"还有 {days} 天" if days > 0 else f"逾期 {-days} 天"
