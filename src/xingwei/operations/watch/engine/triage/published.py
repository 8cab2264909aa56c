"""Data sets of root-cause localisation as they are published: metrics as a table with a time column and columns
`service_metric` (RCAEval: `simple_data.csv`, `data.csv`; Sock Shop, Online Boutique, Train Ticket), the call graph as
edges. Pure: the caller reads the files. What is wrong is said in Chinese (`FormatProblem`)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .types import Edge, Graph, Kind, Node, Series

TIMES = ("time", "timestamp", "ts", "datetime", "时间")
_CALLER = ("source", "caller", "from", "parent", "upstream", "src")
_CALLED = ("target", "callee", "to", "child", "downstream", "dst")
_METRICS = (
    "cpu", "mem", "memory", "disk", "diskio", "socket", "net", "network", "latency", "error", "errors", "workload",
    "load", "rps", "qps", "p50", "p90", "p95", "p99", "rate", "io", "fs", "throughput",
)  # fmt: skip


class FormatProblem(ValueError):
    """The file is not what it should be; a Chinese sentence that says where."""


def metrics(text: str, services: Iterable[str] = ()) -> list[Series]:
    """One series a column. services: names from the graph; they decide where a column's name is cut."""
    reader = csv.reader(io.StringIO(text))
    header = [h.strip().lstrip("\ufeff") for h in next(reader, [])]
    if len(header) < 2:
        raise FormatProblem("指标文件里没有表头：第一列应是时间，其余列名应是“服务_指标”")
    where = next((i for i, h in enumerate(header) if h.lower() in TIMES), None)
    if where is None:
        raise FormatProblem(f"指标文件里没有时间列（{'、'.join(TIMES[:4])} 之一）")
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    if len(rows) < 3:
        raise FormatProblem(f"指标文件只有 {len(rows)} 行，算不出基线")
    for line, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise FormatProblem(f"指标文件第 {line} 行有 {len(row)} 列，表头是 {len(header)} 列")
    times = np.array([_moment(row[where], line) for line, row in enumerate(rows, 2)])
    order = np.argsort(times, kind="stable")
    names = sorted(services, key=lambda s: (-len(s), s))
    taken: set[str] = set()
    out = []
    for i, name in enumerate(header):
        if i == where or not name or name.lower().startswith("unnamed"):
            continue
        if name.lower().rstrip(".0123456789") in TIMES:
            continue  # `simple_data.csv` repeats the time column
        if name in taken:
            raise FormatProblem(f"指标文件里列名“{name}”出现了两次")
        taken.add(name)
        values = np.array([_number(row[i], line, name) for line, row in enumerate(rows, 2)])
        if not np.isfinite(values).any():
            continue
        service, metric = cut(name, names)
        out.append(Series(service, metric, times[order], values[order], title=name))
    if not out:
        raise FormatProblem("指标文件里没有一列数值")
    return out


def cut(name: str, services: Sequence[str]) -> tuple[str, str]:
    """front-end_latency-50 → (front-end, latency-50); the known services first, then the last _ before a metric."""
    for service in services:
        if name.startswith(service) and len(name) > len(service) and name[len(service)] in "_.-:/|":
            return service, name[len(service) + 1 :]
    for mark in ("_", ":", "|", "/", "."):
        parts = name.split(mark)
        for i in range(1, len(parts)):
            if parts[i].lower().split("-")[0] in _METRICS:
                return mark.join(parts[:i]), mark.join(parts[i:])
    head, mark, tail = name.rpartition("_")
    return (head, tail) if mark else (name, "value")


def graph(text: str, name: str = "") -> Graph:
    """From JSON ({"nodes": [...], "edges": [...]}, a list of pairs, or {caller: [called, …]}) or CSV (caller,called)."""
    plain = text.strip()
    if not plain:
        raise FormatProblem("依赖图文件是空的")
    if plain[0] in "{[":
        try:
            data = json.loads(plain)
        except json.JSONDecodeError as problem:
            raise FormatProblem(f"依赖图不是完好的 JSON：第 {problem.lineno} 行第 {problem.colno} 列") from problem
        return _from_json(data)
    return _from_csv(plain)


def with_services(known: Graph | None, series: Iterable[Series]) -> Graph:
    """The graph with a node for every service that is measured."""
    nodes = dict(known.nodes) if known else {}
    for s in series:
        nodes.setdefault(s.node, Node(s.node, s.node))
    return Graph(nodes.values(), known.edges if known else ())


def moment(text: str) -> dt.datetime:
    """Seconds, milliseconds since 1970, or a time in ISO form; without a zone it is UTC."""
    return dt.datetime.fromtimestamp(_moment(text, 0), dt.UTC)


def _from_json(data: Any) -> Graph:
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    if isinstance(data, Mapping) and ("edges" in data or "links" in data or "nodes" in data):
        for item in data.get("nodes") or ():
            node = _node(item)
            nodes[node.key] = node
        pairs: Iterable[Any] = data.get("edges") or data.get("links") or ()
    elif isinstance(data, Mapping):
        pairs = [(a, b) for a, many in data.items() for b in _many(a, many)]
    elif isinstance(data, list):
        pairs = data
    else:
        raise FormatProblem("依赖图应是 nodes 与 edges，或“调用方、被调用方”的列表")
    for number, pair in enumerate(pairs, 1):
        edges.append(_edge(pair, number))
    return _whole(nodes, edges)


def _many(caller: str, called: Any) -> Iterable[str]:
    if not isinstance(called, list):
        raise FormatProblem(f"依赖图里“{caller}”后面应是一个列表")
    return [str(c) for c in called]


def _node(item: Any) -> Node:
    if isinstance(item, str):
        return Node(item, item)
    if not isinstance(item, Mapping) or not (key := item.get("key") or item.get("id") or item.get("name")):
        raise FormatProblem("依赖图的 nodes 里每一项应是名字，或有 key（id、name）")
    kind = str(item.get("kind", Kind.SERVICE))
    if kind not in {k.value for k in Kind}:
        raise FormatProblem(f"依赖图里“{key}”的 kind“{kind}”不认识，可以是 {'、'.join(k.value for k in Kind)}")
    return Node(
        str(key), str(item.get("label", key)), kind, str(item.get("owner", "vendor")), str(item.get("owner_name", ""))
    )


def _edge(pair: Any, number: int) -> Edge:
    if isinstance(pair, Mapping):
        source = next((pair[k] for k in _CALLER if k in pair), None)
        target = next((pair[k] for k in _CALLED if k in pair), None)
        if source is None or target is None:
            raise FormatProblem(f"依赖图第 {number} 条边没有 source 或 target")
        return Edge(str(source), str(target), str(pair.get("kind", "calls")))
    if isinstance(pair, list | tuple) and len(pair) >= 2:
        return Edge(str(pair[0]), str(pair[1]))
    raise FormatProblem(f"依赖图第 {number} 条边应是“调用方、被调用方”两项")


def _from_csv(text: str) -> Graph:
    rows = [[c.strip() for c in row] for row in csv.reader(io.StringIO(text)) if any(c.strip() for c in row)]
    head = [c.lower() for c in rows[0]]
    a = next((i for i, c in enumerate(head) if c in _CALLER), None)
    b = next((i for i, c in enumerate(head) if c in _CALLED), None)
    body = rows[1:] if a is not None and b is not None else rows
    a, b = (a, b) if a is not None and b is not None else (0, 1)
    edges = []
    for line, row in enumerate(body, 2 if body is not rows else 1):
        if len(row) <= max(a, b):
            raise FormatProblem(f"依赖图第 {line} 行不足两列，应是“调用方,被调用方”")
        edges.append(Edge(row[a], row[b]))
    return _whole({}, edges)


def _whole(nodes: dict[str, Node], edges: list[Edge]) -> Graph:
    for edge in edges:
        for end in (edge.source, edge.target):
            nodes.setdefault(end, Node(end, end))
    if not nodes:
        raise FormatProblem("依赖图里没有节点")
    return Graph(nodes.values(), edges)


def _moment(text: str, line: int) -> float:
    plain = text.strip()
    try:
        number = float(plain)
    except ValueError:
        try:
            when = dt.datetime.fromisoformat(plain.replace("/", "-"))
        except ValueError as problem:
            place = f"第 {line} 行的时间" if line else "时刻"
            raise FormatProblem(
                f"{place}“{plain[:40]}”看不懂：要秒数、毫秒数，或 2026-03-18 09:49:00 这样的时间"
            ) from problem
        return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
    if not np.isfinite(number):
        raise FormatProblem(f"时间“{plain[:40]}”不是数")
    while abs(number) > 1e11:  # milliseconds, microseconds, nanoseconds
        number /= 1e3
    return number


def _number(text: str, line: int, name: str) -> float:
    plain = text.strip()
    if not plain or plain.lower() in {"nan", "null", "none", "na", "-"}:
        return float("nan")
    try:
        return float(plain)
    except ValueError as problem:
        raise FormatProblem(f"指标文件第 {line} 行“{name}”一列的“{plain[:30]}”不是数") from problem
