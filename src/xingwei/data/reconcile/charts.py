"""The bridge as a waterfall, and how the days went, as ECharts options; ui/chart.js resolves the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from .words import MINUS

AXIS: dict[str, Any] = {
    "axisLine": {"lineStyle": {"color": "--xw-line-2"}},
    "axisTick": {"show": False},
    "axisLabel": {"color": "--xw-ink-2", "fontSize": 12, "interval": 0, "lineHeight": 16},
    "splitLine": {"show": False},
}
TOTAL, MORE, LESS = "#b9c9d1", "#d9925a", "--xw-c1"
STEPS = 7  # more causes than this are one step, or nobody can read the picture


def label(amount: Decimal, signed: bool) -> str:
    text = f"{amount:,.2f}".replace("-", MINUS)
    return f"+{text}" if signed and amount > 0 else text


def bridge(
    start: tuple[str, Decimal], steps: Sequence[Mapping[str, Any]], end: tuple[str, Decimal]
) -> tuple[dict[str, Any], Decimal]:
    """A waterfall from one side's total to the other's, and where its axis begins (0 unless that hides the steps).

    steps: title, amount (Decimal), count, url.
    """
    shown = _few(steps)
    levels, at = [start[1], end[1]], start[1]
    for step in shown:
        at += step["amount"]
        levels.append(at)
    low, high = min(levels), max(levels)
    span = max(high - low, Decimal("0.01"))
    base = Decimal(0) if low <= 0 or low < span * 3 else _round_down(low - span * Decimal("0.35"), span)
    names = [start[0], *(f"{s['title']}\n{s['count']} 笔" for s in shown), end[0]]
    series: dict[str, list[Any]] = {k: ["-"] * len(names) for k in ("base", "total", "more", "less")}
    series["total"][0] = _bar(start[1] - base, start[1], False)
    series["total"][-1] = _bar(end[1] - base, end[1], False)
    at = start[1]
    for n, step in enumerate(shown, 1):
        after = at + step["amount"]
        series["base"][n] = float(min(at, after) - base)
        series["more" if step["amount"] >= 0 else "less"][n] = _bar(
            abs(step["amount"]), step["amount"], True, step["url"]
        )
        at = after
    bar: dict[str, Any] = {"type": "bar", "stack": "s", "barWidth": "62%"}

    def told(color: str) -> dict[str, Any]:
        return {"show": True, "position": "top", "color": color, "fontSize": 12, "fontWeight": 600, "formatter": "{b}"}

    option = {
        "grid": {"left": 10, "right": 10, "top": 28, "bottom": 44},
        "xAxis": AXIS | {"type": "category", "data": names},
        "yAxis": {"type": "value", "show": False, "min": 0, "max": float((high - base) * Decimal("1.12"))},
        "series": [
            bar | {"data": series["base"], "itemStyle": {"color": "transparent"}, "silent": True},
            bar | {"data": series["total"], "itemStyle": {"color": TOTAL, "borderRadius": 3}, "label": told("--xw-ink")},
            bar | {"data": series["more"], "itemStyle": {"color": MORE, "borderRadius": 3}, "label": told("--xw-l2")},
            bar | {"data": series["less"], "itemStyle": {"color": LESS, "borderRadius": 3}, "label": told("--xw-primary-ink")},
        ],
    }  # fmt: skip
    return option, base


def _bar(height: Decimal, amount: Decimal, signed: bool, url: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"value": float(height), "label": {"formatter": label(amount, signed)}}
    return found | ({"url": url} if url else {})


def _few(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if len(steps) <= STEPS:
        return list(steps)
    order = sorted(steps, key=lambda s: -abs(s["amount"]))
    rest = order[STEPS - 1 :]
    others = {"title": f"其余 {len(rest)} 种", "amount": sum((s["amount"] for s in rest), Decimal(0)),
              "count": sum(s["count"] for s in rest), "url": ""}  # fmt: skip
    return [*order[: STEPS - 1], others]


def _round_down(value: Decimal, span: Decimal) -> Decimal:
    unit = Decimal(10) ** max(span.adjusted(), 0)
    return max(Decimal(0), (value // unit) * unit)


def trend(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows that differed (bars) and what they came to (line), day by day."""
    return {
        "grid": {"left": 48, "right": 64, "top": 28, "bottom": 26},
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "right": 0, "itemHeight": 8, "textStyle": {"fontSize": 12}},
        "xAxis": AXIS | {"type": "category", "data": [f"{d['day']:%m-%d}" for d in days],
                         "axisLabel": {"color": "--xw-ink-3", "fontSize": 12, "hideOverlap": True}},
        "yAxis": [
            {"type": "value", "name": "笔", "minInterval": 1, "splitLine": {"lineStyle": {"color": "#edf1f3"}}},
            {"type": "value", "name": "元", "splitLine": {"show": False}},
        ],
        "series": [
            {"name": "差异笔数", "type": "bar", "data": [d["rows"] for d in days], "itemStyle": {"color": MORE}},
            {"name": "差额（元）", "type": "line", "yAxisIndex": 1, "symbol": "circle", "symbolSize": 4,
             "data": [float(d["gap"]) if d["gap"] is not None else None for d in days], "itemStyle": {"color": LESS}},
        ],
    }  # fmt: skip
