"""Schedules, retention, standing and rows: pure."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..engine.retention import Held, Rule, to_drop
from ..engine.rows import Sentinel, compare
from ..engine.schedule import SHANGHAI, last_due, next_due
from ..engine.standing import Level, Limits, Proof, State, standing

NOW = dt.datetime(2026, 3, 18, 9, 30, tzinfo=SHANGHAI)  # a Wednesday
DAY = dt.timedelta(days=1)
LIMITS = Limits(taken=dt.timedelta(hours=30), verified=2 * DAY, restored=30 * DAY)
EVERY_DAY = range(1, 8)


@pytest.mark.parametrize(
    ("at", "days", "last", "next_"),
    [
        ("02:00", EVERY_DAY, "2026-03-18 02:00", "2026-03-19 02:00"),
        ("22:00", EVERY_DAY, "2026-03-17 22:00", "2026-03-18 22:00"),
        ("09:30", EVERY_DAY, "2026-03-18 09:30", "2026-03-19 09:30"),
        ("02:00", [7], "2026-03-15 02:00", "2026-03-22 02:00"),
        ("02:00", [3], "2026-03-18 02:00", "2026-03-25 02:00"),
        ("02:00", [], None, None),
    ],
)
def test_what_is_due_follows_the_hospitals_clock(at: str, days: list[int], last: str | None, next_: str | None) -> None:
    def said(moment: dt.datetime | None) -> str | None:
        return moment and f"{moment:%Y-%m-%d %H:%M}"

    time = dt.time.fromisoformat(at)
    utc = NOW.astimezone(dt.UTC)
    assert said(last_due(time, days, utc)) == last
    assert said(next_due(time, days, utc)) == next_


def proof(level: Level, days_ago: float, ok: bool = True) -> Proof:
    return Proof(level, NOW - days_ago * DAY, ok, 1, "" if ok else "坏了")


FULL = [proof(Level.TAKEN, 0.3), proof(Level.VERIFIED, 0.3), proof(Level.RESTORED, 10)]


@pytest.mark.clause("6.1a")
@pytest.mark.parametrize(
    ("proofs", "state", "late"),
    [
        ([], State.NONE, set(Level)),
        ([proof(Level.TAKEN, 0.3, ok=False)], State.NONE, set(Level)),
        ([proof(Level.TAKEN, 0.3), proof(Level.VERIFIED, 0.3)], State.UNPROVEN, {Level.RESTORED}),
        ([*FULL[:2], proof(Level.RESTORED, 1, ok=False)], State.UNPROVEN, {Level.RESTORED}),
        (FULL, State.PROVEN, set()),
        ([*FULL, proof(Level.RESTORED, 1, ok=False)], State.STALE, set()),
        ([*FULL, proof(Level.RESTORED, 1, ok=False), proof(Level.RESTORED, 0.5)], State.PROVEN, set()),
        ([*FULL[:2], proof(Level.RESTORED, 31)], State.STALE, {Level.RESTORED}),
        ([proof(Level.TAKEN, 2), *FULL[1:]], State.STALE, {Level.TAKEN}),
    ],
)
def test_a_backup_that_was_never_restored_is_none(proofs: list[Proof], state: State, late: set[Level]) -> None:
    found = standing(proofs, LIMITS, NOW)
    assert found.state is state
    assert set(found.late) == late
    assert standing(reversed(proofs), LIMITS, NOW) == found


@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60),
    st.integers(1, 14), st.integers(0, 8), st.integers(0, 12),
)  # fmt: skip
def test_retention_keeps_what_it_must_and_settles(
    made: list[tuple[int, bool]], days: int, weeks: int, months: int
) -> None:
    copies = [Held(n, NOW - age * DAY - n * dt.timedelta(seconds=1), proven) for n, (age, proven) in enumerate(made)]
    rule = Rule(days, weeks, months)
    dropped = set(to_drop(copies, rule))
    kept = [c for c in copies if c.id not in dropped]
    assert bool(kept) == bool(copies)
    if copies:
        assert max(copies, key=lambda c: c.taken_at) in kept
    if proven := [c for c in copies if c.proven]:
        assert max(proven, key=lambda c: c.taken_at) in kept
    assert len(kept) <= days + weeks + months + 2
    assert to_drop(kept, rule) == []  # a second look drops nothing more


def test_rows_are_compared_table_by_table() -> None:
    lines = compare({"a": 3, "b": [4, 6], "c": 1}, {"a": 3, "b": 7, "d": 1})
    assert [(line.table, line.ok, line.remark) for line in lines] == [
        ("b", False, "行数不符，差 1 行"),
        ("c", False, "恢复后没有这张表"),
        ("d", False, "备份时没有这张表"),
        ("a", True, ""),
    ]


@pytest.mark.parametrize(
    ("rows", "newest", "remark"),
    [
        (10, NOW - DAY, ""),
        (4, NOW - DAY, "不足 5 行"),
        (10, NOW - 3 * DAY, "最新一行比备份早 3 天"),
        (10, None, "“at”没有时间"),
        (None, None, "恢复后没有这张表"),
    ],
)
def test_a_copy_from_elsewhere_is_judged_by_its_sentinels(
    rows: int | None, newest: dt.datetime | None, remark: str
) -> None:
    found = {"other": 1} if rows is None else {"visits": rows, "other": 1}
    (line,) = [
        line
        for line in compare(None, found, [Sentinel("visits", 5, "at", 2 * DAY)], {"visits": newest}, NOW)
        if line.table == "visits"
    ]
    assert (line.ok, line.remark) == (not remark, remark)


def test_nothing_to_judge_by_is_not_a_pass() -> None:
    assert not any(line.ok for line in compare(None, {}, []))
    assert not all(line.ok for line in compare(None, {"a": 1}, []))
