from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.notify.engine import rates, retry, routing, texts
from xingwei.base.notify.engine.plan import Due, plan
from xingwei.base.notify.engine.rates import Window

UNHURRIED = settings(max_examples=80, deadline=None)

NOW = dt.datetime(2026, 3, 18, 2, 0, tzinfo=dt.UTC)
LIMITS = (Window(20, dt.timedelta(minutes=1)), Window(5, dt.timedelta(seconds=1)))


@UNHURRIED
@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=120))
def test_no_window_ever_holds_more_than_it_may(waits: list[float]) -> None:
    """Somebody asks again and again, at any times, and sends as much as he may."""
    spent: list[dt.datetime] = []
    sent: list[dt.datetime] = []
    now = NOW
    for wait in waits:
        now += dt.timedelta(seconds=wait)
        spent = rates.still_counting(spent, LIMITS, now)
        granted = rates.free(spent, LIMITS, now)
        spent += [now] * granted
        sent += [now] * granted
    for window in LIMITS:
        for start in sent:
            assert sum(1 for at in sent if start <= at < start + window.span) <= window.count


@UNHURRIED
@given(st.lists(st.floats(0, 90, allow_nan=False), max_size=40))
def test_the_next_token_is_back_when_it_is_said_to_be(ages: list[float]) -> None:
    spent = sorted(NOW - dt.timedelta(seconds=age) for age in ages)
    due = rates.next_free(spent, LIMITS, NOW)
    assert rates.free(spent, LIMITS, due) > 0
    if due > NOW:
        assert rates.free(spent, LIMITS, NOW) == 0


@UNHURRIED
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 300))
def test_a_cut_text_fits_and_is_whole(text: str, limit: int) -> None:
    short = texts.cut(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or len(text.encode()) > limit
    assert text.startswith(short.removesuffix("…"))


@UNHURRIED
@given(st.lists(st.tuples(st.text(max_size=80), st.booleans()), min_size=2, max_size=60), st.integers(300, 4000))
def test_a_summary_fits_and_counts_all(items: list[tuple[str, bool]], limit: int) -> None:
    lines = [texts.Line(NOW + dt.timedelta(minutes=i), t, u) for i, (t, u) in enumerate(items)]
    title, text = texts.summary(lines, limit)
    assert title.startswith(f"{len(items)} 条")
    assert len(text.encode()) <= limit
    shown = text.split("\n")
    if shown[-1].startswith("另有 "):
        assert int(shown[-1].split()[1]) + len(shown) - 1 == len(items)
    else:
        assert len(shown) == len(items)
    flags = ["【紧急】" in line for line in shown[: sum(u for _, u in items)]]
    assert all(flags[: len(shown) - 1])


@UNHURRIED
@given(st.lists(st.booleans(), max_size=60), st.integers(0, 25))
def test_a_plan_keeps_within_its_tokens_and_forgets_nothing(urgent: list[bool], free: int) -> None:
    due = [Due(i, u) for i, u in enumerate(urgent)]
    made = plan(due, free)
    assert len(made.single) + bool(made.merged) <= free
    if free and due:
        assert sorted(made.single + made.merged) == [d.id for d in due]
        assert len(made.merged) != 1
        first = [due[i].urgent for i in made.single]
        assert first == sorted(first, reverse=True)


@pytest.mark.parametrize("urgent", [True, False])
def test_waits_grow_up_to_a_cap_and_end(urgent: bool) -> None:
    waits = []
    while (wait := retry.wait(len(waits) + 1, urgent=urgent, luck=0.5)) is not None:
        waits.append(wait)
    assert waits == sorted(waits)
    assert waits[-1] == (dt.timedelta(minutes=5) if urgent else dt.timedelta(minutes=30))
    total = sum(waits, dt.timedelta(0))
    assert dt.timedelta(hours=1) < total < dt.timedelta(hours=6)
    assert retry.wait(1, urgent=urgent, luck=0) < retry.wait(1, urgent=urgent, luck=1)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("clock", "since", "until", "then"),
    [
        ("12:00", "22:00", "07:00", "12:00"),
        ("22:00", "22:00", "07:00", "07:00+1"),
        ("03:00", "22:00", "07:00", "07:00"),
        ("07:00", "22:00", "07:00", "07:00"),
        ("12:30", "12:00", "14:00", "14:00"),
        ("11:59", "12:00", "14:00", "11:59"),
        ("23:59", "00:00", "00:00", "23:59"),
        ("23:30", "23:00", "00:00", "00:00+1"),
    ],
)
def test_quiet_hours_end_when_they_say(clock: str, since: str, until: str, then: str) -> None:
    china = dt.timezone(dt.timedelta(hours=8))
    day = dt.date(2026, 3, 18)
    now = dt.datetime.combine(day, dt.time.fromisoformat(clock), china)
    quiet = routing.Quiet(dt.time.fromisoformat(since), dt.time.fromisoformat(until))
    time, _, days = then.partition("+")
    due = dt.datetime.combine(day + dt.timedelta(days=int(days or 0)), dt.time.fromisoformat(time), china)
    assert routing.not_before(now, quiet, urgent=False) == due
    assert routing.not_before(now, quiet, urgent=True) == now


def test_the_crowded_minutes() -> None:
    at = dt.datetime(2026, 3, 18, 10, 29, 59, tzinfo=dt.UTC)
    assert rates.off_peak(at) == at
    assert rates.off_peak(at + dt.timedelta(seconds=31)) == dt.datetime(2026, 3, 18, 10, 31, tzinfo=dt.UTC)
