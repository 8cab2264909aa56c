from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.estate.engine import COLUMNS, Edge, Graph, GraphError, Node, check_ends, place

KINDS = ["application", "database", "host", "link", "interface", "function", "device", "third_party"]
NAMES = [f"n{i}" for i in range(9)]
NODES = st.lists(st.sampled_from(KINDS), min_size=9, max_size=9).map(
    lambda kinds: [Node(name, name.upper(), kind) for name, kind in zip(NAMES, kinds, strict=True)]
)
EDGES = st.lists(
    st.builds(
        Edge,
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from(["runs_on", "serves", "connects", "calls"]),
    ),
    max_size=24,
)
GRAPHS = st.builds(Graph, NODES, EDGES)

HOSPITAL = Graph(
    [
        Node("f", "收费", "function", "HIS", window=True),
        Node("app", "HIS 应用", "application", "HIS"),
        Node("db", "HIS 数据库", "database", "HIS"),
        Node("host", "数据库主机", "host"),
        Node("esb", "集成平台", "application", "ESB"),
    ],
    [
        Edge("f", "app", "serves"),
        Edge("app", "db", "stores_in"),
        Edge("db", "host", "runs_on"),
        Edge("app", "esb", "calls"),
        Edge("esb", "app", "calls"),
    ],
)


@pytest.mark.clause("1.7a", "1.9a")
def test_a_failure_reaches_all_that_needs_it_nearest_first() -> None:
    assert HOSPITAL.affected_by("host") == {"db": 1, "app": 2, "f": 3, "esb": 3}
    assert HOSPITAL.upstream("f") == {"app": 1, "db": 2, "esb": 2, "host": 3}
    assert HOSPITAL.chain("f", "host") == ["f", "app", "db", "host"]
    assert HOSPITAL.affected_by("nobody") == {}


def test_parts_may_call_each_other_and_nothing_else_may_go_round() -> None:
    assert HOSPITAL.circles() == []
    round_ = Graph(HOSPITAL.nodes.values(), [*HOSPITAL.edges, Edge("host", "f", "runs_on")])
    assert sorted(round_.circles()[0][:-1]) == ["app", "db", "f", "host"]


@given(GRAPHS)
def test_affected_and_needed_are_mirror_images(graph: Graph) -> None:
    for key in graph.nodes:
        for other in graph.affected_by(key):
            assert key in graph.upstream(other)
            chain = graph.chain(other, key)
            assert chain[0] == other
            assert chain[-1] == key
            assert len(chain) - 1 == graph.affected_by(key)[other] == graph.upstream(other)[key]


@given(GRAPHS)
def test_circles_are_found_exactly_where_a_node_needs_itself(graph: Graph) -> None:
    strict = graph.strict()
    going_round = {e.source for e in strict.edges if strict.circle_through(e)}
    found = graph.circles()
    assert bool(found) == bool(going_round)
    for circle in found:
        assert circle[0] == circle[-1]
        assert set(circle) <= going_round


@given(GRAPHS, EDGES)
def test_a_failure_never_reaches_less_when_something_is_added(graph: Graph, more: list[Edge]) -> None:
    grown = Graph(graph.nodes.values(), [*graph.edges, *more])
    for key in graph.nodes:
        assert set(graph.affected_by(key)) <= set(grown.affected_by(key))


@given(GRAPHS)
def test_every_node_has_one_place_and_the_picture_is_the_same_every_day(graph: Graph) -> None:
    placed = place(graph)
    assert sorted(p.node.key for p in placed) == sorted(graph.nodes)
    assert len({(p.column, p.row) for p in placed}) == len(placed)
    assert all(p.node.kind in COLUMNS[p.column][1] for p in placed)
    again = Graph(reversed(list(graph.nodes.values())), reversed(graph.edges))
    assert place(again) == placed


@pytest.mark.parametrize(
    ("kind", "source", "target", "said"),
    [
        ("runs_on", "application", "database", "可以是：数据存于"),
        ("runs_on", "host", "host", "之间不能是“运行于”"),
        ("stores_in", "database", "database", "不能是“数据存于”"),
        ("serves", "application", "function", "不能是“由其支撑”"),
        ("connects", "interface", "host", "不能是“经由”"),
        ("wishes", "application", "host", "没有“wishes”这种依赖"),
    ],
)
def test_ends_that_do_not_fit_are_refused_with_what_would(kind: str, source: str, target: str, said: str) -> None:
    with pytest.raises(GraphError, match=said):
        check_ends(Edge("a", "b", kind), Node("a", "甲", source), Node("b", "乙", target))


def test_nothing_depends_on_itself() -> None:
    node = Node("a", "甲", "application")
    with pytest.raises(GraphError, match="不能依赖自己"):
        check_ends(Edge("a", "a", "calls"), node, node)
