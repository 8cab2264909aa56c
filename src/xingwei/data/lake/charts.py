"""The lake's charts as ECharts options; colours are tokens that ui/chart.js resolves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

AXIS: dict[str, Any] = {
    "axisLine": {"lineStyle": {"color": "--xw-line-2"}},
    "axisTick": {"show": False},
    "axisLabel": {"color": "--xw-ink-3", "fontSize": 12, "hideOverlap": True},
    "splitLine": {"lineStyle": {"color": "#edf1f3"}},
    "nameTextStyle": {"color": "--xw-ink-3", "fontSize": 12},
}


def bars(days: Sequence[str], values: Sequence[float], unit: str, urls: Sequence[str] = ()) -> dict[str, Any]:
    """One bar a day; a bar that has an address opens it."""
    data: list[Any] = [{"value": v, "url": u} for v, u in zip(values, urls, strict=True)] if urls else list(values)
    return _frame(days, unit) | {"series": [{"type": "bar", "data": data, "barCategoryGap": "25%"}]}


def trend(days: Sequence[str], series: Iterable[tuple[str, Sequence[float | None]]], unit: str) -> dict[str, Any]:
    """Several lines over days."""
    listed = [{"name": n, "type": "line", "data": list(v), "symbolSize": 4, "connectNulls": True} for n, v in series]
    return _frame(days, unit) | {"legend": {"type": "scroll", "top": 0}, "series": listed}


def _frame(days: Sequence[str], unit: str) -> dict[str, Any]:
    return {
        "grid": {"left": 56, "right": 16, "top": 40, "bottom": 26},
        "tooltip": {"trigger": "axis"},
        "xAxis": AXIS | {"type": "category", "data": list(days), "splitLine": {"show": False}},
        "yAxis": AXIS | {"type": "value", "name": unit, "minInterval": 1},
    }
