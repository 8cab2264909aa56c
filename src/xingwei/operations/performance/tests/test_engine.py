"""Counters, trends and plans: pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..engine.plans import Cause, filter_columns, weaknesses
from ..engine.trend import Day, Kind, trend
from ..engine.usage import Counters, used


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1e4)), min_size=2, max_size=20), st.integers(0, 20))
def test_what_was_used_adds_up_whatever_is_reset(steps: list[tuple[int, float]], at: int) -> None:
    total = Counters(0, 0.0)
    readings = [total]
    for n, (calls, ms) in enumerate(steps):
        base = Counters(0, 0.0) if n == at else total
        total = Counters(base.calls + calls, base.total_ms + ms * calls)
        readings.append(total)
    sums = [used({"q": a}, {"q": b}).get("q", Counters(0, 0.0)) for a, b in pairwise(readings)]
    assert sum(s.calls for s in sums) <= sum(calls for calls, _ in steps)
    if at >= len(steps):
        assert sum(s.calls for s in sums) == sum(calls for calls, _ in steps)
    assert all(s.calls > 0 for s in sums if s.total_ms)
    assert all(s.calls >= 0 for s in sums)


def test_a_statement_that_was_never_read_before_waits_for_the_next_reading() -> None:
    assert used({}, {"q": Counters(5, 50)}) == {}
    assert used({"p": Counters(1, 1)}, {"p": Counters(2, 2), "q": Counters(900, 9)}) == {"p": Counters(1, 1)}
    # everything was set to zero: what is there came after
    assert used({"p": Counters(9, 9)}, {"p": Counters(1, 2), "q": Counters(3, 4)}) == {
        "p": Counters(1, 2), "q": Counters(3, 4),
    }  # fmt: skip


@pytest.mark.clause("9.3")
@pytest.mark.parametrize(
    ("means", "kind"),
    [
        ([10, 11], Kind.UNKNOWN),
        ([10, 11, 9, 10, 12, 10, 11], Kind.STEADY),
        ([10, 12, 14, 16, 18, 20, 23, 26, 30], Kind.SLOWER),
        ([10, 11, 10, 10, 45, 44, 47, 46, 45], Kind.JUMPED),
        ([40, 42, 39, 12, 11, 10], Kind.FASTER),
        ([10, 10, 10, 500, 10, 10, 10, 10, 10], Kind.STEADY),  # one bad day
    ],
)
def test_trends(means: list[float], kind: Kind) -> None:
    assert trend([Day(100, m) for m in means]).kind is kind


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("((xm)::text = $1)", ("xm",)),
        ("((czrq >= $1) AND (czrq < $2) AND (ksdm = $3))", ("ksdm", "czrq")),
        ("(upper((xm)::text) = $1)", ()),
        ("((a = $1) OR (b = $2))", ()),
        ("(a = b)", ()),
        ("(((zt)::integer = ANY ('{1,2}'::integer[])) AND (mzh = $1))", ("zt", "mzh")),
        ("", ()),
        ("not sql at all (((", ()),
    ],
)
def test_columns_on_which_an_index_would_help(condition: str, columns: tuple[str, ...]) -> None:
    assert filter_columns(condition) == columns


def scan(rows: float, condition: str = "(xm = $1)", **more: Any) -> dict[str, Any]:
    return {
        "Node Type": "Seq Scan", "Schema": "his", "Relation Name": "mz_ghxx", "Plan Rows": rows, "Total Cost": 900.0,
        "Filter": condition, **more,
    }  # fmt: skip


def test_a_selective_scan_of_a_big_table_wants_an_index() -> None:
    (weak,) = weaknesses(scan(20), {"his.mz_ghxx": 100_000})
    assert (weak.cause, weak.index) == (Cause.MISSING_INDEX, "CREATE INDEX CONCURRENTLY ON his.mz_ghxx (xm)")
    assert weaknesses(scan(20), {"his.mz_ghxx": 500}) == []  # small: a scan is right
    assert weaknesses(scan(60_000), {"his.mz_ghxx": 100_000})[0].cause is Cause.WHOLE_TABLE


def test_a_scan_in_a_loop_counts_as_often_as_it_runs() -> None:
    plan = {
        "Node Type": "Nested Loop", "Total Cost": 5_000.0, "Plans": [
            {"Node Type": "Index Scan", "Parent Relationship": "Outer", "Plan Rows": 40, "Total Cost": 8.0},
            scan(9_000, "", **{"Parent Relationship": "Inner"}),
        ],
    }  # fmt: skip
    (weak,) = weaknesses(plan, {"his.mz_ghxx": 10_000})
    assert (weak.cause, weak.cost) == (Cause.REPEATED_SCAN, 36_000.0)
