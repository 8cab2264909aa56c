"""The dependency picture as an ECharts option: nodes on fixed places, lines that end at their edges, and only the
abnormal coloured. Nodes are labelled boxes of a scatter series, dependencies a lines series; both in pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .engine import COLUMNS, Graph, Node, columns_of
from .models import System

WIDTH, ROW, NODE_WIDTH, NODE_HEIGHT = 1080, 42, 172, 30  # pixels; fits a 1366 screen beside the navigation
_BULGE = 60  # how far a line between two nodes of one column may leave it
_TIERS = (("business", "业务系统"), ("platform", "平台与数据"), ("interface", "接口"))
Url = Callable[[str, str], str]
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a node by token: border, fill, ink."""

    border: str = "--xw-line-2"
    fill: str = "--xw-surface"
    ink: str = "--xw-ink"
    dashed: bool = False


NORMAL = Look()
FOREIGN = Look(fill="--xw-sunken", dashed=True)
FAILED = Look("--xw-late-mark", "--xw-late-soft", "--xw-late")
AFFECTED = Look("--xw-warn-mark", "--xw-warn-soft", "--xw-warn")
PALE = Look("--xw-line", "--xw-surface", "--xw-ink-3")


def picture(graph: Graph, failed: str, marked: set[str], system: str, url: Url) -> dict[str, Any]:
    """One system's parts, or those around one node: option, heads, size, and a sentence that says what is drawn."""
    columns = [(name, nodes) for (name, _), nodes in zip(COLUMNS, columns_of(graph), strict=True) if nodes]
    spots = _spots([[n.key for n in nodes] for _, nodes in columns])
    boxes = [_box(n, spots[n.key], failed, marked, system, url) for n in graph]
    lines = []
    for e in graph.edges:
        hot = bool(failed) and {e.source, e.target} <= {failed, *marked}
        lines.append(_line(spots[e.source], spots[e.target], kind=e.kind, hot=hot, pale=bool(failed) and not hot))
    said = f"{len(boxes)} 个节点、{len(lines)} 条依赖，左边依赖右边"
    return _drawn(columns, boxes, lines, said)


def overview(graph: Graph, systems: Iterable[System], url: Url) -> dict[str, Any]:
    """The whole hospital: one node a system, third parties at the right, lines where parts need each other."""
    systems = list(systems)
    between = _between(graph)
    places = {f"system:{s.code}": n for n, s in enumerate(systems)}

    def wish(node: Node) -> tuple[float, str]:
        callers = [places[a] for a, b in between if b == node.key and a in places]
        return (sum(callers) / len(callers) if callers else len(places), node.key)

    outside = sorted((n for n in graph if n.kind == "third_party" and not n.system), key=wish)
    columns: list[tuple[str, list[tuple[str, str, str]]]] = [
        (label, [(f"system:{s.code}", s.short_name, url("", s.code)) for s in systems if s.tier == tier])
        for tier, label in _TIERS
    ]
    columns.append(("院外与第三方", [(n.key, n.label, url(n.key, "")) for n in outside]))
    columns = [c for c in columns if c[1]]
    spots = _spots([[key for key, _, _ in entries] for _, entries in columns])
    boxes = [_boxed(label, spots[key], target, NORMAL) for _, entries in columns for key, label, target in entries]
    lines = [
        _line(spots[a], spots[b], width=min(1 + n / 6, 4))
        for (a, b), n in sorted(between.items())
        if a in spots and b in spots
    ]
    return _drawn(columns, boxes, lines, "点一个系统看它的部件与依赖；线越粗，依赖越多") | {
        "groups": [(name, [(label, target) for _, label, target in entries]) for name, entries in columns]
    }


def _between(graph: Graph) -> Counter[tuple[str, str]]:
    """How many dependencies lead from one system to another, or to a third party."""
    found: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        a, b = (_group(graph.nodes[k]) for k in (edge.source, edge.target))
        if a and b and a != b:
            found[a, b] += 1
    return found


def _group(node: Node) -> str:
    return f"system:{node.system}" if node.system else node.key if node.kind == "third_party" else ""


def _spots(columns: Sequence[Sequence[str]]) -> dict[str, Spot]:
    """The middle of each node; a short column stands in the middle of the picture."""
    step = (WIDTH - NODE_WIDTH) / max(len(columns) - 1, 1)
    tallest = max((len(c) for c in columns), default=0)
    return {
        key: (NODE_WIDTH / 2 + x * step, ((tallest - len(keys)) / 2 + y + 0.5) * ROW)
        for x, keys in enumerate(columns)
        for y, key in enumerate(keys)
    }


def _box(node: Node, at: Spot, failed: str, marked: set[str], system: str, url: Url) -> dict[str, Any]:
    if node.key == failed:
        return _boxed(f"✕ {node.label}", at, url("", system), FAILED)
    if node.key in marked:
        return _boxed(f"! {node.label}", at, url(node.key, system), AFFECTED)
    look = PALE if failed else FOREIGN if system and node.system != system else NORMAL
    return _boxed(node.label, at, url(node.key, system), look)


def _boxed(label: str, at: Spot, url: str, look: Look) -> dict[str, Any]:
    return {
        "name": label,
        "value": list(at),
        "url": url,
        "label": {
            "color": look.ink,
            "backgroundColor": look.fill,
            "borderColor": look.border,
            "borderType": "dashed" if look.dashed else "solid",
        },
    }


def _line(
    source: Spot, target: Spot, *, kind: str = "", hot: bool = False, pale: bool = False, width: float = 1.2
) -> dict[str, Any]:
    """From edge to edge; within one column a curve that leaves it at the right."""
    (x1, y1), (x2, y2) = source, target
    half = NODE_WIDTH / 2
    curveness = 0.0
    if x1 == x2:
        ends = [[x1 + half, y1], [x2 + half, y2]]
        curveness = min(0.5, _BULGE / abs(y2 - y1)) * (1 if y2 > y1 else -1) if y1 != y2 else 0.0
    else:
        toward = half if x2 > x1 else -half
        ends = [[x1 + toward, y1], [x2 - toward, y2]]
    style: Mapping[str, Any] = {
        "color": "--xw-warn-mark" if hot else "--xw-primary-line",
        "width": 2 if hot else width,
        "type": "dashed" if kind == "calls" else "solid",
        "opacity": 0.3 if pale else 1,
        "curveness": curveness,
    }
    return {"coords": ends, "lineStyle": style}


def _drawn(
    columns: Sequence[tuple[str, Sequence[Any]]], boxes: list[dict[str, Any]], lines: list[dict[str, Any]], said: str
) -> dict[str, Any]:
    height = max((len(entries) for _, entries in columns), default=0) * ROW
    axis = {"type": "value", "show": False, "min": 0}
    label = {
        "show": True,
        "position": "inside",
        "formatter": "{b}",
        "fontSize": 12,
        "width": NODE_WIDTH - 20,
        "overflow": "truncate",
        "align": "center",
        "verticalAlign": "middle",
        "lineHeight": NODE_HEIGHT - 2,
        "padding": [0, 9],
        "borderWidth": 1.2,
        "borderRadius": 6,
    }
    option = {
        "grid": {"left": 0, "right": 0, "top": 0, "bottom": 0},
        "xAxis": axis | {"max": WIDTH},
        "yAxis": axis | {"max": height, "inverse": True},
        "tooltip": {"show": False},
        "series": [
            {
                "type": "lines",
                "coordinateSystem": "cartesian2d",
                "symbol": ["none", "arrow"],
                "symbolSize": 6,
                "silent": True,
                "z": 1,
                "data": lines,
            },
            {
                "type": "scatter",
                "symbol": "rect",
                "symbolSize": [NODE_WIDTH, NODE_HEIGHT],
                "z": 3,
                "itemStyle": {"color": "transparent", "opacity": 1},
                "emphasis": {"itemStyle": {"shadowBlur": 6, "shadowColor": "--xw-line-2"}},
                "label": label,
                "data": boxes,
            },
        ],
    }
    return {
        "option": option,
        "heads": [name for name, _ in columns],
        "height": height,
        "width": WIDTH,
        "drawn": bool(boxes),
        "said": said,
    }
