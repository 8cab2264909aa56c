"""The dependency graph of a verdict as a chart: what is suspected, what it affects, what is well beside it; fixed
columns from people to the outside, so that the picture is the same every day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .engine.triage import Graph

COLUMNS = {"function": 0, "client": 0, "user": 0, "application": 1, "database": 2, "interface": 2, "host": 3, "link": 3,
           "device": 4, "third_party": 4}  # fmt: skip
LOOKS = {
    "suspect": ("--xw-late-soft", "--xw-late-mark", "嫌疑"), "affected": ("--xw-warn-soft", "--xw-warn-mark", "受累"),
    "blind": ("--xw-unknown-soft", "--xw-unknown-mark", "没有数据"), "quiet": ("#ffffff", "--xw-ok-mark", "正常"),
    "": ("#ffffff", "--xw-unknown-mark", "没有测量"),
}  # fmt: skip
WIDTH, HEIGHT, STEP_X, STEP_Y, MOST = 126, 44, 158, 62, 5


def picture(graph: Graph, document: Mapping[str, Any]) -> dict[str, Any]:
    """An ECharts option, its height in pixels, and how many affected parts there was no room for."""
    states: Mapping[str, str] = document["states"]
    ranks = {s["node"]: i for i, s in enumerate(document["suspects"][:4], 1)}
    chosen = _chosen(graph, states, ranks, document.get("node", ""))
    places = _places(graph, chosen, ranks)
    rows = max((y for _, y in places.values()), default=0) + 1
    nodes = [_node(graph, k, xy, states.get(k, ""), document) for k, xy in places.items()]
    nodes += [_badge(places[k], rank) for k, rank in ranks.items() if k in places]
    links = [
        _link(places[e.source], places[e.target], states.get(e.target, "") == "suspect")
        for e in graph.edges
        if e.source in places and e.target in places
    ]
    width, height = STEP_X * 5, STEP_Y * rows
    axis = {"show": False, "min": 0, "type": "value"}
    option = {
        "grid": {"left": 0, "right": 0, "top": 0, "bottom": 0},
        "xAxis": axis | {"max": width}, "yAxis": axis | {"max": height, "inverse": True},
        "series": [
            {"type": "lines", "coordinateSystem": "cartesian2d", "data": links, "silent": True, "z": 1},
            {"type": "scatter", "data": nodes, "z": 3},
        ],
    }  # fmt: skip
    hidden = sum(1 for k, s in states.items() if s == "affected" and k not in places)
    return {"option": option, "height": max(180, height + 8), "hidden": hidden}


def _chosen(graph: Graph, states: Mapping[str, str], ranks: Mapping[str, int], entry: str) -> list[str]:
    """Suspects, the entry, then affected neighbours, then quiet ones that the first suspect is told apart by."""
    first = [k for k in [*ranks, entry] if k in graph.nodes]
    near: dict[str, None] = {}
    for k in first:
        for other in [*sorted(graph.needs[k]), *sorted(graph.needed_by[k])]:
            near.setdefault(other)
    order = {"affected": 0, "blind": 1, "quiet": 2}
    rest = sorted(near, key=lambda k: (order.get(states.get(k, ""), 3), k))
    rest += sorted(k for k, s in states.items() if s == "affected" and k in graph.nodes and k not in near)
    return list(dict.fromkeys([*first, *rest]))


def _places(graph: Graph, chosen: list[str], ranks: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    filled: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for k in chosen:
        column = COLUMNS.get(str(graph.nodes[k].kind), 1)
        if filled.get(column, 0) < MOST or k in ranks:
            places[k] = (column, filled.get(column, 0))
            filled[column] = filled.get(column, 0) + 1
    return places


def _xy(place: tuple[int, int]) -> list[int]:
    return [STEP_X * place[0] + STEP_X // 2, STEP_Y * place[1] + STEP_Y // 2]


def _node(graph: Graph, key: str, place: tuple[int, int], state: str, document: Mapping[str, Any]) -> dict[str, Any]:
    fill, line, word = LOOKS.get(state, LOOKS[""])
    w, h = WIDTH, HEIGHT
    label = graph.nodes[key].label
    short = label if len(label) <= 7 else f"{label[:6]}…"
    said = next((s["evidence"][0]["text"] for s in document["suspects"] if s["node"] == key and s["evidence"]), word)
    sub = (said if len(said) <= 10 else f"{said[:9]}…") if state == "suspect" else word
    colour = "--xw-late" if state == "suspect" else "--xw-ink-3"
    return {
        "value": _xy(place), "symbolSize": [w, h], "name": label,
        "symbol": f"path://M6 0H{w - 6}A6 6 0 0 1 {w} 6V{h - 6}A6 6 0 0 1 {w - 6} {h}H6A6 6 0 0 1 0 {h - 6}V6A6 6 0 0 1 6 0Z",
        "url": _url(key),
        "itemStyle": {"opacity": 1, "color": fill, "borderColor": line if state in {"suspect", "affected"} else "--xw-line-2",
                      "borderWidth": 2 if state == "suspect" else 1},
        "label": {
            "show": True, "align": "left", "offset": [-w / 2 + 9, 0], "formatter": f"{{d|●}} {{n|{short}}}\n{{s|{sub}}}",
            "rich": {"d": {"color": line, "fontSize": 10}, "s": {"color": colour, "fontSize": 12, "lineHeight": 16},
                     "n": {"color": "--xw-ink", "fontSize": 13, "fontWeight": 600, "lineHeight": 19}},
        },
    }  # fmt: skip


def _url(key: str) -> str:
    kind, _, code = key.partition(":")
    return {"component": f"/estate/components/{code}/", "interface": f"/estate/interfaces/{code}/",
            "function": f"/estate/functions/{code}/"}.get(kind, "")  # fmt: skip


def _badge(place: tuple[int, int], rank: int) -> dict[str, Any]:
    x, y = _xy(place)
    return {
        "value": [x + WIDTH // 2 - 2, y - HEIGHT // 2 + 2], "symbol": "circle", "symbolSize": 20,
        "itemStyle": {"opacity": 1, "color": "--xw-late-mark" if rank == 1 else "--xw-ink-3", "borderColor": "#fff",
                      "borderWidth": 2},
        "label": {"show": True, "formatter": str(rank), "color": "#fff", "fontSize": 12, "fontWeight": 600},
    }  # fmt: skip


def _link(a: tuple[int, int], b: tuple[int, int], hot: bool) -> dict[str, Any]:
    style = {"opacity": 1, "color": "--xw-late-mark" if hot else "#a9bac3", "width": 2.5 if hot else 1.4}
    return {"coords": [_xy(a), _xy(b)], "lineStyle": style}
