"""The engine on small hospitals whose truth is known by construction."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.watch.engine.triage import Edge, Event, Graph, Layer, Node, Series, rank

AT = dt.datetime(2026, 3, 18, 2, 0, tzinfo=dt.UTC)
TIMES = np.arange(AT.timestamp() - 6 * 3600, AT.timestamp(), 60.0)
GRAPH = Graph(
    [
        Node("charge", "收费", "function"),
        Node("his", "HIS 应用", "application"),
        Node("db", "HIS 数据库", "database"),
        Node("host", "数据库主机", "host", "hospital"),
        Node("yb", "医保中心", "third_party", "third_party"),
        Node("2207", "2207", "interface"),
        Node("insured", "医保结算", "function"),
    ],
    [
        Edge("charge", "his", "serves"),
        Edge("his", "db", "stores_in"),
        Edge("db", "host", "runs_on"),
        Edge("2207", "yb", "calls"),
        Edge("insured", "2207", "serves"),
        Edge("insured", "his", "serves"),
    ],
)


def line(node: str, signal: str, usual: float, noise: float, now: float | None = None, minutes: int = 20) -> Series:
    rng = np.random.default_rng(sum(map(ord, node + signal)))
    values = usual + noise * rng.standard_normal(len(TIMES))
    if now is not None:
        values[AT.timestamp() - minutes * 60 < TIMES] = now
    return Series(node, signal, TIMES, values)


def usual() -> dict[str, Series]:
    rows = [
        line("charge", "syn.rt", 0.3, 0.02),
        line("insured", "syn.rt", 0.5, 0.03),
        line("his", "app.rt", 0.2, 0.02),
        line("db", "db.blocked", 1, 0.5),
        line("host", "host.cpu", 40, 3),
        line("yb", "tp.rt", 0.4, 0.05),
        line("2207", "if.ack_ms", 400, 30),
    ]
    return {f"{s.node} {s.signal}": s for s in rows}


def with_(*changed: Series) -> dict[str, Series]:
    return usual() | {f"{s.node} {s.signal}": s for s in changed}


def test_a_lock_explains_what_waits_for_it() -> None:
    seen = with_(
        line("db", "db.blocked", 1, 0.5, 40, 22),
        line("his", "app.rt", 0.2, 0.02, 6),
        line("charge", "syn.rt", 0.3, 0.02, 7),
        line("insured", "syn.rt", 0.5, 0.03, 7),
    )
    verdict = rank(GRAPH, seen, [], AT)
    assert verdict.first is not None
    assert (verdict.first.node, verdict.first.layer, verdict.first.owner) == ("db", Layer.DATABASE, "vendor")
    assert verdict.states["charge"] == "affected"
    assert verdict.states["yb"] == "quiet"


def test_a_slow_centre_is_the_third_party_s() -> None:
    seen = with_(
        line("yb", "tp.rt", 0.4, 0.05, 28, 21),
        line("2207", "if.ack_ms", 400, 30, 28_000),
        line("insured", "syn.rt", 0.5, 0.03, 30),
    )
    verdict = rank(GRAPH, seen, [], AT)
    assert verdict.first is not None
    assert (verdict.first.node, verdict.first.layer) == ("yb", Layer.THIRD_PARTY)
    assert verdict.first.score > 0.6
    assert sum(s.score for s in verdict.suspects) + verdict.unknown_score == pytest.approx(1, abs=0.01)


def test_two_causes_come_out_as_two() -> None:
    seen = with_(
        line("yb", "tp.rt", 0.4, 0.05, 28, 21),
        line("2207", "if.ack_ms", 400, 30, 28_000),
        line("host", "host.cpu", 40, 3, 99, 30),
        line("db", "db.blocked", 1, 0.5, 30, 25),
    )
    verdict = rank(GRAPH, seen, [], AT)
    assert verdict.causes == 2
    assert {s.node for s in verdict.suspects[:2]} == {"yb", "host"}


def test_a_quiet_hospital_has_no_suspect() -> None:
    assert rank(GRAPH, usual(), [], AT).quiet


def test_what_came_later_is_not_looked_at() -> None:
    assert rank(GRAPH, with_(line("db", "db.blocked", 1, 0.5, 40, 22)), [], AT - dt.timedelta(minutes=30)).quiet


def test_a_probe_that_fell_silent_is_not_taken_for_normal() -> None:
    dead = line("db", "db.blocked", 1, 0.5)
    cut = Series("db", "db.blocked", dead.times[:-20], dead.values[:-20])
    verdict = rank(GRAPH, with_(cut, line("his", "app.rt", 0.2, 0.02, 6)), [], AT)
    assert verdict.states["db"] in {"blind", "suspect"}


def test_innocent_changes_elsewhere_are_named_as_excluded() -> None:
    change = Event(AT - dt.timedelta(hours=1), "change", "yb", "中心升级", by="third_party")
    verdict = rank(GRAPH, with_(line("db", "db.blocked", 1, 0.5, 40, 22)), [change], AT)
    assert verdict.first is not None
    assert verdict.first.node == "db"
    assert [e.text for e in verdict.excluded] == ["中心升级"]


@given(st.permutations(sorted(usual())))
def test_the_order_of_the_series_means_nothing(order: list[str]) -> None:
    seen = with_(line("db", "db.blocked", 1, 0.5, 40, 22), line("his", "app.rt", 0.2, 0.02, 6))
    a = rank(GRAPH, seen, [], AT)
    b = rank(GRAPH, {k: seen[k] for k in order}, [], AT)
    assert [(s.node, round(s.score, 12)) for s in a.suspects] == [(s.node, round(s.score, 12)) for s in b.suspects]
