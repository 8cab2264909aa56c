"""Where each node of the dependency picture stands: fixed columns, so that the picture is the same every day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from .graph import Graph, Node

COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("业务功能", frozenset({"function"})),
    ("应用", frozenset({"application"})),
    ("接口与设备", frozenset({"interface", "device"})),
    ("数据库与主机", frozenset({"database", "host"})),
    ("链路与第三方", frozenset({"link", "third_party"})),
)
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """A node in its column; row counts from 0 at the top."""

    node: Node
    column: int
    row: int


def columns_of(graph: Graph) -> list[list[Node]]:
    """The nodes of each column in an order that keeps lines short and few of them crossing.

    Each node goes to the average place of its neighbours (barycentre), forth and back, from the order of keys:
    the same graph always gives the same picture.
    """
    columns: list[list[Node]] = [
        sorted((n for n in graph if n.kind in kinds), key=lambda n: (n.system, n.key)) for _, kinds in COLUMNS
    ]
    for _ in range(_ROUNDS):
        for order in (columns, columns[::-1]):
            spots = _spots(columns)
            for i, column in enumerate(order):
                if i:
                    column.sort(key=lambda n: (_wish(graph, n, spots), n.system, n.key))
                    spots = _spots(columns)
    return columns


def place(graph: Graph) -> list[Placed]:
    return [Placed(node, x, y) for x, column in enumerate(columns_of(graph)) for y, node in enumerate(column)]


def _spots(columns: Iterable[list[Node]]) -> dict[str, float]:
    """Each node's height, 0 to 1."""
    return {n.key: (y + 0.5) / len(column) for column in columns for y, n in enumerate(column)}


def _wish(graph: Graph, node: Node, spots: dict[str, float]) -> float:
    heights = [spots[k] for k in graph.neighbours(node.key) if k in spots]
    # fsum: a plain sum differs in its last bit with the order of the neighbours, and so would the picture
    return fsum(heights) / len(heights) if heights else spots[node.key]
