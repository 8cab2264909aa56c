"""The State Council's notices, as published, against the files that ship with the product."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.calendar.engine import CalendarError, parse_notice, parse_year, read_lines, written_lines

DATA = Path(__file__).parents[5] / "calendars"
NOTICES = {p.stem: p.read_text("utf-8") for p in (Path(__file__).parent / "notices").glob("*.txt")}


def shipped(year: str) -> dict[str, object]:
    return yaml.safe_load((DATA / f"{year}.yaml").read_text("utf-8"))


@pytest.mark.clause("9.2b")
@pytest.mark.parametrize("year", ["2024", "2025", "2026"])
def test_the_notice_says_what_the_shipped_file_holds(year: str) -> None:
    notice = parse_notice(NOTICES[year])
    assert notice.data == shipped(year)
    assert notice.outside == ()


def test_what_a_notice_moves_in_the_year_before_is_said_not_lost() -> None:
    notice = parse_notice(NOTICES["2023"])
    assert notice.outside == ("2022-12-31 放假（元旦）",)
    assert notice.data["holidays"][0] == {"name": "元旦", "from": "2023-01-01", "to": "2023-01-02"}
    parse_year(notice.data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("2月14日（周六）", "2月15日（周六）"), "2026-02-15 是周日，通知写的是周六"),
        (("共9天", "共8天"), "春节：通知写共 8 天，读出的是 9 天"),
        (("2月28日（周六）上班", "28日（周六）上班"), "没有写月份"),
        (("6月19日（周五）", "6月31日（周五）"), "不是存在的日期"),
        (("2026年部分", "2027年部分"), "这是 2027 年的通知，不是 2026 年的"),
        (("放假", "休息"), "没有读出任何节日"),
    ],
)
def test_a_notice_that_contradicts_itself_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(CalendarError, match=said):
        parse_notice(NOTICES["2026"].replace(*change), 2026)


def test_without_its_title_the_year_of_the_page_counts() -> None:
    body = NOTICES["2026"].partition("一、")[2]
    assert parse_notice("一、" + body, 2026).data["holidays"] == shipped("2026")["holidays"]
    with pytest.raises(CalendarError, match="连标题一起"):
        parse_notice("一、" + body)


@given(st.text(max_size=200), st.sampled_from(sorted(NOTICES)), st.integers(0, 400))
def test_a_damaged_notice_is_refused_or_a_sound_year(junk: str, year: str, at: int) -> None:
    text = NOTICES[year]
    with suppress(CalendarError):
        assert parse_year(parse_notice(text[:at] + junk + text[at:], int(year)).data).number == int(year)


@pytest.mark.parametrize("year", ["2024", "2025", "2026", "2027"])
def test_lines_of_the_form_hold_the_whole_year(year: str) -> None:
    data = shipped(year)
    assert read_lines(*written_lines(data)) == (data["holidays"], data["makeup"])


@pytest.mark.parametrize(
    ("holidays", "makeup", "said"),
    [
        ("春节", "", "节假日第 1 行“春节”读不懂"),
        ("春节 2026-02-15 至 2026-02-23\n2026-05-01", "", "节假日第 2 行"),
        ("春节 2026-02-30", "", "不是存在的日期"),
        ("", "2026-02-14 2026-02-15 春节", "调休工作日第 1 行"),
        ("", "\n春节", "调休工作日第 2 行"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(holidays: str, makeup: str, said: str) -> None:
    with pytest.raises(CalendarError, match=said):
        read_lines(holidays, makeup)


def test_lines_are_read_as_people_type_them() -> None:
    assert read_lines("春节：２０２６年2月15日—2026.02.23", "2026/2/14，春节") == (
        [{"name": "春节", "from": "2026-02-15", "to": "2026-02-23"}],
        [{"date": "2026-02-14", "for": "春节"}],
    )
