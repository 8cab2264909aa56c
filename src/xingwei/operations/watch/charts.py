"""The watch's charts as ECharts options: now against what is usual, with what nobody saw and what was announced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .engine.bands import band
from .engine.baseline import Floats, Usual
from .engine.tracks import Track, thin, with_gaps
from .engine.uptime import Interval

MOST = 600  # points of one line
_AXIS: dict[str, Any] = {
    "axisLine": {"lineStyle": {"color": "--xw-line-2"}},
    "axisTick": {"show": False},
    "axisLabel": {"color": "--xw-ink-3", "fontSize": 12, "hideOverlap": True},
    "splitLine": {"lineStyle": {"color": "#edf1f3"}},
    "nameTextStyle": {"color": "--xw-ink-3", "fontSize": 12, "align": "left"},
}


def against_usual(
    track: Track, usual: Usual | None, since: dt.datetime, until: dt.datetime, *, every_s: float,
    weekdays: Mapping[dt.date, int], blind: Iterable[Interval] = (), quiet: Iterable[Interval] = (),
    limits: Sequence[tuple[str, float]] = (),
) -> dict[str, Any]:  # fmt: skip
    """One series over a stretch. limits: (word, value) lines."""
    apart = float(np.median(np.diff(track.times))) if len(track.lo) > 1 else every_s
    drawn = with_gaps(thin(track, MOST), max(3 * apart, (until - since).total_seconds() / MOST * 3))
    series: list[dict[str, Any]] = []
    if usual is not None and len(drawn.times):
        series += _band(usual, since, until, weekdays)
    if len(drawn.hi):
        series += _range(drawn)
    line: dict[str, Any] = {
        "name": "实际", "type": "line", "symbol": "none", "connectNulls": False, "data": _points(drawn.times, drawn.values),
        "lineStyle": {"color": "--xw-c1", "width": 1.5}, "itemStyle": {"color": "--xw-c1"}, "z": 5,
        "markArea": {"silent": True, "data": [*_areas(blind, since, until, "看不到", "rgba(120,135,145,.22)"),
                                              *_areas(quiet, since, until, "维护", "rgba(141,124,201,.18)")]},
        "markLine": {
            "silent": True, "symbol": "none", "data": [{"yAxis": v, "name": w} for w, v in limits],
            "lineStyle": {"color": "--xw-late", "type": "dashed"},
            "label": {"formatter": "{b}", "position": "insideEndTop", "color": "--xw-late", "fontSize": 12},
        },
    }  # fmt: skip
    return {
        "grid": {"left": 56, "right": 16, "top": 30, "bottom": 26},
        "tooltip": {"trigger": "axis"},
        "xAxis": _AXIS | {"type": "time", "min": _ms(since), "max": _ms(until), "splitLine": {"show": False}},
        "yAxis": _AXIS | {"type": "value", "name": track.unit, "scale": _scaled(track)},
        "series": [*series, line],
    }


def _scaled(track: Track) -> bool:
    """Whether the axis may begin above 0: where all values lie close together far from it."""
    known = track.values[~np.isnan(track.values)]
    return bool(len(known)) and bool(known.min() > 0.6 * known.max() > 0)


def _band(
    usual: Usual, since: dt.datetime, until: dt.datetime, weekdays: Mapping[dt.date, int]
) -> list[dict[str, Any]]:
    step = max(3600.0, (until - since).total_seconds() / 300)
    times = np.arange(since.timestamp(), until.timestamp() + step, step)
    low, middle, high = band(times, usual, weekdays)
    base: dict[str, Any] = {"type": "line", "symbol": "none", "stack": "usual", "lineStyle": {"opacity": 0}, "silent": True,
                            "tooltip": {"show": False}}  # fmt: skip
    return [
        base | {"name": "平常下沿", "data": _points(times, low)},
        base | {"name": "平常的范围", "data": _points(times, high - low), "areaStyle": {"color": "--xw-c1", "opacity": 0.13}},
        {"name": "同一时段平常", "type": "line", "symbol": "none", "data": _points(times, middle), "silent": True,
         "lineStyle": {"color": "--xw-ink-3", "width": 1, "type": "dashed"}, "itemStyle": {"color": "--xw-ink-3"}},
    ]  # fmt: skip


def _range(track: Track) -> list[dict[str, Any]]:
    base: dict[str, Any] = {"type": "line", "symbol": "none", "stack": "range", "lineStyle": {"opacity": 0}, "silent": True,
                            "tooltip": {"show": False}}  # fmt: skip
    return [
        base | {"name": "最低", "data": _points(track.times, track.lo)},
        base | {"name": "最低到最高", "data": _points(track.times, track.hi - track.lo),
                "areaStyle": {"color": "--xw-c2", "opacity": 0.18}},
    ]  # fmt: skip


def _points(times: Floats, values: Floats) -> list[list[float | None]]:
    """Pairs as ECharts wants them; five significant digits, None where nothing is known."""
    with np.errstate(all="ignore"):
        size = np.power(10.0, 4 - np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values)))))
        short = np.round(values * size) / size
    known = np.isfinite(short)
    return [
        [t, v if k else None]
        for t, v, k in zip(np.round(times * 1000).tolist(), short.tolist(), known.tolist(), strict=True)
    ]


def _areas(
    spans: Iterable[Interval], since: dt.datetime, until: dt.datetime, word: str, fill: str
) -> list[list[dict[str, Any]]]:
    out: list[list[dict[str, Any]]] = []
    for low, high in spans:
        a, b = max(low, since), min(high, until)
        if a < b:
            wide = (b - a) > (until - since) * 0.06
            label = {"show": wide, "color": "--xw-ink-2", "fontSize": 12, "position": "insideTop"}
            out.append(
                [{"xAxis": _ms(a), "name": word, "itemStyle": {"color": fill}, "label": label}, {"xAxis": _ms(b)}]
            )
    return out


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
