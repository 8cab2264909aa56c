"""What depends on what: who is affected when a node fails, what a node needs, and which chains make no sense.

An edge's source needs its target. Parts may call each other mutually (an application and the integration platform
do); nothing may run on, be stored in, pass through or be supported by itself, over however many steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MUTUAL = frozenset({"calls"})  # kinds of dependency that may form a circle

# kind → (kinds of node that may need so, kinds of node that may be needed so)
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "runs_on": (frozenset({"application", "database", "device"}), frozenset({"host"})),
    "stores_in": (frozenset({"application"}), frozenset({"database"})),
    "calls": (
        frozenset({"application", "interface", "device"}),
        frozenset({"application", "interface", "device", "third_party"}),
    ),
    "connects": (
        frozenset({"application", "interface", "device", "host", "third_party"}),
        frozenset({"link"}),
    ),
    "serves": (frozenset({"function"}), frozenset({"application", "interface", "device"})),
}
_WORDS = {
    "application": "应用",
    "database": "数据库",
    "host": "主机",
    "link": "网络链路",
    "device": "设备",
    "third_party": "第三方",
    "interface": "接口",
    "function": "业务功能",
}
_KINDS = {"runs_on": "运行于", "stores_in": "数据存于", "calls": "调用", "connects": "经由", "serves": "由其支撑"}


class GraphError(ValueError):
    """A dependency that makes no sense; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Node:
    """key: "component:CODE", "interface:CODE" or "function:CODE". kind: a component's kind, interface or function."""

    key: str
    label: str
    kind: str
    system: str = ""
    window: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    source: str
    target: str
    kind: str


def check_ends(edge: Edge, source: Node, target: Node) -> None:
    """Raise GraphError where this kind of dependency cannot hold between such nodes."""
    if edge.kind not in _ENDS:
        raise GraphError(f"没有“{edge.kind}”这种依赖")
    if source.key == target.key:
        raise GraphError(f"{source.label}不能依赖自己")
    needing, needed = _ENDS[edge.kind]
    if source.kind not in needing or target.kind not in needed:
        fits = [
            word for kind, word in _KINDS.items() if source.kind in _ENDS[kind][0] and target.kind in _ENDS[kind][1]
        ]
        hint = f"，可以是：{'、'.join(fits)}" if fits else ""
        raise GraphError(
            f"{_WORDS[source.kind]}“{source.label}”与{_WORDS[target.kind]}“{target.label}”之间"
            f"不能是“{_KINDS[edge.kind]}”{hint}"
        )


class Graph:
    """Nodes and edges; edges whose ends are not among the nodes are left out."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.nodes: dict[str, Node] = {n.key: n for n in nodes}
        self.edges: list[Edge] = [e for e in edges if e.source in self.nodes and e.target in self.nodes]
        self._needs: dict[str, list[str]] = {k: [] for k in self.nodes}
        self._needed_by: dict[str, list[str]] = {k: [] for k in self.nodes}
        for edge in self.edges:
            self._needs[edge.source].append(edge.target)
            self._needed_by[edge.target].append(edge.source)

    def affected_by(self, key: str) -> dict[str, int]:
        """What a failure of the node reaches, with the number of steps; without the node itself."""
        return self._reach(key, self._needed_by)

    def upstream(self, key: str) -> dict[str, int]:
        """All that the node needs, with the number of steps: where to look when it fails."""
        return self._reach(key, self._needs)

    def neighbours(self, key: str) -> set[str]:
        return {*self._needs.get(key, ()), *self._needed_by.get(key, ())}

    def chain(self, source: str, target: str) -> list[str]:
        """The shortest chain by which source needs target, both included; empty where it does not."""
        return _shortest(source, target, self._needs)

    def strict(self) -> Graph:
        """Without the edges whose kind may form a circle."""
        return Graph(self.nodes.values(), (e for e in self.edges if e.kind not in MUTUAL))

    def circle_through(self, edge: Edge) -> list[str]:
        """The circle that the edge is part of: its source, and the chain from its target back to it; or nothing."""
        back = self.chain(edge.target, edge.source)
        return [edge.source, *back] if back else []

    def circles(self) -> list[list[str]]:
        """One circle for each group of nodes that need each other in kinds that allow none."""
        graph = self.strict()
        out: list[list[str]] = []
        seen: set[str] = set()
        for edge in graph.edges:
            if edge.source not in seen and (circle := graph.circle_through(edge)):
                out.append(circle)
                seen.update(circle)
        return out

    def part(self, keys: Iterable[str]) -> Graph:
        """The nodes of these keys and the edges between them."""
        wanted = set(keys)
        return Graph((n for k, n in self.nodes.items() if k in wanted), self.edges)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def _reach(self, key: str, steps: Mapping[str, list[str]]) -> dict[str, int]:
        found: dict[str, int] = {}
        queue = deque([(key, 0)])
        while queue:
            at, far = queue.popleft()
            for then in steps.get(at, ()):
                if then != key and then not in found:
                    found[then] = far + 1
                    queue.append((then, far + 1))
        return found


def _shortest(source: str, target: str, steps: Mapping[str, list[str]]) -> list[str]:
    came: dict[str, str] = {source: ""}
    queue = deque([source])
    while queue:
        at = queue.popleft()
        if at == target:
            path = [at]
            while came[path[-1]]:
                path.append(came[path[-1]])
            return path[::-1]
        for then in steps.get(at, ()):
            if then not in came:
                came[then] = at
                queue.append(then)
    return []
