"""The dependency picture as an ECharts option: fixed places, links end at nodes, only the abnormal is coloured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .engine import COLUMNS, Graph, Node, columns_of
from .models import System

ROW, NODE_WIDTH, NODE_HEIGHT = 44, 172, 32  # pixels
_TIERS = (("business", "业务系统"), ("platform", "平台与数据"), ("interface", "接口"))
Url = Callable[[str, str], str]


def picture(graph: Graph, failed: str, marked: set[str], system: str, url: Url) -> dict[str, Any]:
    """The option, its height in pixels, and a sentence that says what is drawn."""
    columns = [(name, nodes) for (name, _), nodes in zip(COLUMNS, columns_of(graph), strict=True) if nodes]
    tallest = max((len(nodes) for _, nodes in columns), default=1)
    data = []
    for x, (_, nodes) in enumerate(columns):
        for y, node in enumerate(nodes):
            at = _place(x, y, len(nodes), tallest)
            data.append(_node(node, at, failed, marked, system, url))
    dim = bool(failed)
    links = [
        {
            "source": e.source,
            "target": e.target,
            "lineStyle": _line(dim, {e.source, e.target} <= {failed, *marked}, e.kind),
        }
        for e in graph.edges
    ]
    return {
        "option": _option(data, links),
        "heads": [name for name, _ in columns],
        "height": tallest * ROW + 8,
        "width": len(columns) * (NODE_WIDTH + 36),
        "said": f"{len(data)} 个节点、{len(links)} 条依赖，左边依赖右边",
    }


def overview(graph: Graph, systems: Iterable[System], url: Url) -> dict[str, Any]:
    """The whole hospital: one node a system, third parties at the right, lines where parts need each other."""
    outside = [n for n in graph if n.kind == "third_party"]
    columns: list[tuple[str, list[tuple[str, str, str]]]] = [
        (label, [(f"system:{s.code}", s.short_name, s.code) for s in systems if s.tier == tier])
        for tier, label in _TIERS
    ]
    columns.append(("院外与第三方", [(n.key, n.label, "") for n in outside]))
    tallest = max(len(entries) for _, entries in columns) or 1
    data = []
    for x, (_, entries) in enumerate(columns):
        for y, (key, label, code) in enumerate(entries):
            at = _place(x, y, len(entries), tallest)
            target = url("", code) if code else url(key, "")
            data.append(_box(key, label, at, target, "--xw-line-2", "--xw-surface", "--xw-ink"))
    links = [
        {"source": a, "target": b, "lineStyle": {"width": min(1 + n / 6, 4), "color": "--xw-primary-line"}}
        for (a, b), n in sorted(_between(graph).items())
    ]
    return {
        "option": _option(data, links),
        "heads": [name for name, _ in columns],
        "height": tallest * ROW + 8,
        "width": len(columns) * (NODE_WIDTH + 36),
        "said": "点一个系统看它的部件与依赖；线越粗，依赖越多",
    }


def _between(graph: Graph) -> Counter[tuple[str, str]]:
    """How many dependencies lead from one system to another, or to a third party."""
    found: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        ends = [_group(graph.nodes[k]) for k in (edge.source, edge.target)]
        if all(ends) and ends[0] != ends[1]:
            found[ends[0], ends[1]] += 1
    return found


def _group(node: Node) -> str:
    return f"system:{node.system}" if node.system else node.key if node.kind == "third_party" else ""


def _place(x: int, y: int, rows: int, tallest: int) -> tuple[float, float]:
    """Columns count 0, 1, 2 …: the chart stretches them over its width. A short column stands in the middle."""
    return float(x), (tallest - rows) * ROW / 2 + y * ROW


def _node(node: Node, at: tuple[float, float], failed: str, marked: set[str], system: str, url: Url) -> dict[str, Any]:
    label = f"{node.label[:12]}…" if len(node.label) > 13 else node.label
    if node.key == failed:
        return _box(node.key, f"✕ {label}", at, url("", system), "--xw-late-mark", "--xw-late-soft", "--xw-late")
    if node.key in marked:
        return _box(node.key, f"! {label}", at, url(node.key, system), "--xw-warn-mark", "--xw-warn-soft", "--xw-warn")
    foreign = bool(system) and node.system != system
    box = _box(node.key, label, at, url(node.key, system), "--xw-line-2", "--xw-surface", "--xw-ink")
    if foreign:
        box["itemStyle"] |= {"borderType": "dashed", "color": "--xw-sunken"}
    if failed:
        box["itemStyle"]["opacity"] = 0.55
        box["label"]["color"] = "--xw-ink-3"
    return box


def _box(key: str, label: str, at: tuple[float, float], url: str, border: str, fill: str, ink: str) -> dict[str, Any]:
    return {
        "id": key,
        "name": label,
        "x": at[0],
        "y": at[1],
        "url": url,
        "itemStyle": {"color": fill, "borderColor": border, "borderWidth": 1.5},
        "label": {"color": ink},
    }


def _line(dim: bool, hot: bool, kind: str) -> dict[str, Any]:
    style: dict[str, Any] = {
        "width": 1.2,
        "color": "--xw-primary-line",
        "type": "dashed" if kind == "calls" else "solid",
    }
    if dim:
        style |= {"color": "--xw-warn-mark", "width": 2} if hot else {"opacity": 0.35}
    return style


def _option(data: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    """The margins leave room for half a node, so that the outer columns stand at the edges."""
    return {
        "tooltip": {"show": False},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "preserveAspect": False,
                "left": NODE_WIDTH / 2,
                "right": NODE_WIDTH / 2,
                "top": ROW / 2,
                "bottom": ROW / 2,
                "symbol": "roundRect",
                "symbolSize": [NODE_WIDTH, NODE_HEIGHT],
                "roam": False,
                "label": {"show": True, "fontSize": 12},
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 6,
                "lineStyle": {"curveness": 0.05},
                "emphasis": {"focus": "adjacency"},
                "data": data,
                "links": links,
            }
        ],
    }
