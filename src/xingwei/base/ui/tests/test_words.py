from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.ui import words

MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "不到 1 分"), (0.9, "不到 1 分"), (1, "1 分"), (59, "59 分"), (60, "1 时"), (96, "1 时 36 分"), (129, "2 时 09 分"),
     (1440, "1 天"), (1441, "1 天"), (1500, "1 天 1 时"), (2880, "2 天"), (3 * 1440 + 300, "3 天")],
)  # fmt: skip
def test_a_duration_in_words(minutes: float, said: str) -> None:
    assert words.duration(minutes * MINUTE) == said


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=4000)))
def test_a_duration_never_looks_like_a_time_of_day(span: dt.timedelta) -> None:
    assert ":" not in words.duration(span)
    assert words.duration(span) == words.duration(-span)


def test_past_a_deadline_it_says_by_how_much() -> None:
    now = dt.datetime(2026, 3, 18, 2, 24, tzinfo=dt.UTC)
    assert words.remaining(now - 129 * MINUTE, now) == "超 2 时 09 分"
    assert words.remaining(now + 6 * MINUTE, now) == "6 分"


@pytest.mark.parametrize(
    ("at", "said"),
    [("2026-03-18T10:12", "10:12"), ("2026-03-17T16:40", "昨天 16:40"), ("2026-03-19T00:05", "明天 00:05"),
     ("2026-03-16T23:59", "03-16"), ("2025-11-03T08:00", "2025-11-03")],
)  # fmt: skip
def test_a_moment_is_as_short_as_it_can_be(at: str, said: str) -> None:
    now = dt.datetime(2026, 3, 18, 10, 24, tzinfo=words.CHINA)
    assert words.moment(dt.datetime.fromisoformat(at).replace(tzinfo=words.CHINA), now) == said


def test_the_day_is_the_one_of_china_not_of_utc() -> None:
    now = dt.datetime(2026, 3, 17, 17, 0, tzinfo=dt.UTC)  # already the 18th in Guangyuan
    assert words.moment(dt.datetime(2026, 3, 17, 15, 0, tzinfo=dt.UTC), now) == "昨天 23:00"
