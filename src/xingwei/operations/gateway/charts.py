"""The gateway's charts as ECharts options; colours are tokens that ui/chart.js resolves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from .engine.episodes import Episode, Slot

AXIS: dict[str, Any] = {
    "axisLine": {"lineStyle": {"color": "--xw-line-2"}},
    "axisTick": {"show": False},
    "axisLabel": {"color": "--xw-ink-3", "fontSize": 12, "hideOverlap": True},
    "splitLine": {"lineStyle": {"color": "#edf1f3"}},
    "nameTextStyle": {"color": "--xw-ink-3", "fontSize": 12},
}
BARE = AXIS | {"splitLine": {"show": False}}
OK, SLOW, FAILED = "#8fc7a6", "--xw-warn-mark", "--xw-late-mark"
_AREAS = {
    "open": ("已熔断", "rgba(141,124,201,.13)", "#45377a"),
    "cut": ("人工切断", "rgba(141,124,201,.22)", "#45377a"),
    "half_open": ("半开", "rgba(224,161,0,.2)", "#6b4600"),
}


def _clock(at: dt.datetime) -> str:
    return f"{timezone.localtime(at):%H:%M:%S}"


def window(
    slots: Sequence[Slot], episodes: Sequence[Episode], *, failure_rate: float, step: dt.timedelta
) -> dict[str, Any]:
    """Calls by slot, the share of failed and slow ones, the threshold, and when the breaker was not closed."""
    top = max([s.ok + s.slow + s.failed for s in slots] + [4])
    bar: dict[str, Any] = {"type": "bar", "stack": "calls", "barCategoryGap": "18%"}
    areas = _areas(slots, episodes, step)
    return {
        "grid": {"left": 44, "right": 48, "top": 26, "bottom": 26},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": BARE | {"type": "category", "data": [_clock(s.at)[:5] for s in slots]},
        "yAxis": [
            AXIS | {"type": "value", "name": f"次 / {int(step.total_seconds())} 秒", "max": top, "minInterval": 1},
            BARE | {"type": "value", "name": "占比 %", "max": 100, "interval": 50},
        ],
        "series": [
            bar | {"name": "成功", "data": [s.ok for s in slots], "itemStyle": {"color": OK}},
            bar | {"name": "慢", "data": [s.slow for s in slots], "itemStyle": {"color": SLOW}},
            bar | {"name": "失败、超时", "data": [s.failed for s in slots], "itemStyle": {"color": FAILED}},
            {
                "name": "失败与慢占比 %", "type": "line", "yAxisIndex": 1, "data": [s.share for s in slots],
                "symbol": "none", "lineStyle": {"color": "--xw-ink", "width": 1.5},
                "itemStyle": {"color": "--xw-ink"},
                # on the line, since areas of bars snap to the ticks of the axis
                "markArea": {"silent": True, "data": areas},
                "markLine": {
                    "silent": True, "symbol": "none", "data": [{"yAxis": round(failure_rate * 100)}],
                    "lineStyle": {"color": "--xw-late", "type": "dashed"},
                    "label": {"formatter": f"阈值 {failure_rate * 100:g} %", "position": "insideStartTop",
                              "color": "--xw-late", "fontSize": 12},
                },
            },
        ],
    }  # fmt: skip


def _areas(slots: Sequence[Slot], episodes: Sequence[Episode], step: dt.timedelta) -> list[list[dict[str, Any]]]:
    if not slots:
        return []
    first, last = slots[0].at, slots[-1].at + step
    out: list[list[dict[str, Any]]] = []
    for span in (s for e in episodes for s in e.spans):
        since, until = max(span.since, first), min(span.until or last, last)
        if since >= until:
            continue
        label, fill, ink = _AREAS.get(span.state, _AREAS["open"])
        minutes = int((until - since).total_seconds() // 60)
        wide = (until - since) > (last - first) * 0.3
        name = f"{label} {minutes} 分" if wide else label
        begin, end = int((since - first) / step), min(int((until - first) / step), len(slots) - 1)
        style: dict[str, Any] = {"color": ink, "fontSize": 12, "position": "insideTop", "distance": 8}
        if end - begin < len(slots) * 0.05:
            style["show"] = False
        out.append([{"xAxis": begin, "name": name, "itemStyle": {"color": fill}, "label": style}, {"xAxis": end}])
    return out


def lines(
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None], str]],
    *,
    unit: str,
    kind: str = "line",
    stack: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """Several series over the same times. series: (name, values, colour token or "")."""  # fmt: skip
    drawn = []
    for name, values, colour in series:
        one: dict[str, Any] = {
            "name": name,
            "type": kind,
            "data": list(values),
            "symbol": "none",
            "connectNulls": False,
        }
        if stack:
            one["stack"] = "all"
        if colour:
            one |= {"itemStyle": {"color": colour}, "lineStyle": {"color": colour, "width": 1.5}}
        drawn.append(one)
    return {
        "grid": {"left": 56, "right": 16, "top": 34, "bottom": 26},
        "legend": {"top": 0, "right": 0, "itemHeight": 8, "itemWidth": 14, "textStyle": {"color": "--xw-ink-2"}},
        "tooltip": {"trigger": "axis"},
        "xAxis": BARE | {"type": "category", "data": list(labels)},
        "yAxis": AXIS | {"type": "value", "name": f"{unit}{note}"},
        "series": drawn,
    }


def band(
    labels: Sequence[str],
    known: Sequence[float | None],
    middle: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
    *,
    unit: str,
    limit: float | None = None,
) -> dict[str, Any]:
    """What was measured, what is expected, and between which bounds nine of ten days should lie."""  # fmt: skip
    width = [None if a is None or b is None else b - a for a, b in zip(low, high, strict=True)]
    base: dict[str, Any] = {"type": "line", "symbol": "none", "stack": "band", "lineStyle": {"opacity": 0},
                            "silent": True}  # fmt: skip
    line: dict[str, Any] = {"type": "line", "symbol": "none"}
    expected: dict[str, Any] = line | {
        "name": "预测", "data": list(middle), "lineStyle": {"color": "--xw-c1", "width": 1.5, "type": "dashed"},
        "itemStyle": {"color": "--xw-c1"},
    }  # fmt: skip
    if limit is not None:
        expected["markLine"] = {
            "silent": True, "symbol": "none", "data": [{"yAxis": limit}],
            "lineStyle": {"color": "--xw-late", "type": "dashed"},
            "label": {"formatter": "上限", "position": "insideStartTop", "color": "--xw-late", "fontSize": 12},
        }  # fmt: skip
    return {
        "grid": {"left": 56, "right": 16, "top": 34, "bottom": 26},
        "legend": {"top": 0, "right": 0, "itemHeight": 8, "data": ["实际", "预测", "九成可能的范围"],
                   "textStyle": {"color": "--xw-ink-2"}},
        "tooltip": {"trigger": "axis"},
        "xAxis": BARE | {"type": "category", "data": list(labels)},
        "yAxis": AXIS | {"type": "value", "name": unit, "min": 0},
        "series": [
            line | {"name": "实际", "data": list(known), "lineStyle": {"color": "--xw-ink", "width": 1.5},
                    "itemStyle": {"color": "--xw-ink"}},
            base | {"name": "下限", "data": list(low), "tooltip": {"show": False}},
            base | {"name": "九成可能的范围", "data": width, "areaStyle": {"color": "--xw-c1", "opacity": 0.16},
                    "itemStyle": {"color": "--xw-c1", "opacity": 0.3}, "tooltip": {"show": False}},
            expected,
        ],
    }  # fmt: skip
