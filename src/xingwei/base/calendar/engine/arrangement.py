"""What people write down, and back: years, working hours, lines of a form, and the difference of two calendars."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .work import CalendarError, Day, Hours, MonthDay, Window, WorkCalendar, Year, in_season

_DAY = dt.timedelta(days=1)
_DASHES = re.compile(r"\s*[-–—~至到]\s*")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_MONTH_DAY = re.compile(r"(\d{1,2})[-月](\d{1,2})日?")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_LONGEST_HOLIDAY = 31


@dataclass(frozen=True, slots=True)
class Change:
    """One date that is another kind of day, or another feast, than before."""

    date: dt.date
    before: Day
    after: Day


def parse_windows(texts: Iterable[str]) -> tuple[Window, ...]:
    """["08:00-12:00", "14:00-17:30"] → windows; CalendarError where they overlap or run backwards."""
    windows: list[Window] = []
    for text in texts:
        parts = _DASHES.split(unicodedata.normalize("NFKC", text).strip())
        try:
            a, b = (_time(part) for part in parts)
        except ValueError:
            raise CalendarError(f"上班时间“{text}”读不懂，应写成 08:00-12:00") from None
        if a >= b or (windows and a < windows[-1][1]):
            raise CalendarError(f"上班时间“{text}”前后颠倒或与前一段重叠")
        windows.append((a, b))
    if not windows:
        raise CalendarError("没有写上班时间")
    return tuple(windows)


def parse_hours(data: Mapping[str, Any]) -> Hours:
    """{"default": [...], "seasons": [{"name", "from": "05-01", "to": "09-30", "windows": [...]}]} → Hours."""
    seasons = []
    for season in data.get("seasons") or []:
        first, last = _month_day(season["from"]), _month_day(season["to"])
        seasons.append((first, last, parse_windows(season["windows"])))
    hours = Hours(parse_windows(data["default"]), tuple(seasons))
    for n in range(366):
        date = dt.date(2024, 1, 1) + n * _DAY  # a leap year holds every month-day
        fitting = [s for s in seasons if in_season((date.month, date.day), s[0], s[1])]
        if len(fitting) > 1:
            raise CalendarError(f"{date.month} 月 {date.day} 日落在两个季节里，请错开")
    return hours


def hours_data(hours: Hours) -> dict[str, Any]:
    """Hours as a file and the database hold them."""
    return {
        "default": [_window_text(w) for w in hours.default],
        "seasons": [
            {
                "from": f"{a[0]:02d}-{a[1]:02d}",
                "to": f"{b[0]:02d}-{b[1]:02d}",
                "windows": [_window_text(w) for w in windows],
            }
            for a, b, windows in hours.seasons
        ],
    }


def parse_year(data: Mapping[str, Any]) -> Year:
    """A calendars/YEAR.yaml, already valid by its schema; CalendarError for dates that contradict one another."""
    number = int(data["year"])
    holidays: dict[dt.date, str] = {}
    for item in data.get("holidays") or []:
        first, last = dt.date.fromisoformat(item["from"]), dt.date.fromisoformat(item["to"])
        if last < first:
            raise CalendarError(f"{item['name']}：结束早于开始")
        if (last - first).days >= _LONGEST_HOLIDAY:
            raise CalendarError(f"{item['name']}：放假超过 {_LONGEST_HOLIDAY} 天，请检查日期")
        for n in range((last - first).days + 1):
            if (date := first + n * _DAY) in holidays:
                raise CalendarError(f"{date} 写在两个节日里（{holidays[date]}、{item['name']}）")
            holidays[date] = item["name"]
    makeup: dict[dt.date, str] = {}
    for item in data.get("makeup") or []:
        if (date := dt.date.fromisoformat(item["date"])) in makeup:
            raise CalendarError(f"调休工作日 {date} 写了两遍")
        makeup[date] = item["for"]
    _consistent(number, holidays, makeup)
    return Year(number, data["status"] == "published", str(data.get("source", "")), holidays, makeup)


def _consistent(number: int, holidays: Mapping[dt.date, str], makeup: Mapping[dt.date, str]) -> None:
    for date in [*holidays, *makeup]:
        if date.year != number:
            raise CalendarError(f"{date} 不在 {number} 年")
    for date in makeup:
        if date in holidays:
            raise CalendarError(f"{date} 既是节假日又是调休工作日")
        if date.weekday() < 5:
            raise CalendarError(f"{date} 本来就是工作日，不能再调休")


def changes(before: WorkCalendar, after: WorkCalendar, first: dt.date, last: dt.date) -> list[Change]:
    """The dates between first and last (both included) that differ."""
    out = []
    for n in range((last - first).days + 1):
        date = first + n * _DAY
        was, becomes = before.day(date), after.day(date)
        if was != becomes:
            out.append(Change(date, was, becomes))
    return out


def written_lines(data: Mapping[str, Any]) -> tuple[str, str]:
    """A year's holidays and make-up workdays as the lines of a form: "春节 2026-02-15 至 2026-02-23"."""
    holidays = [
        f"{h['name']} {h['from']}" + (f" 至 {h['to']}" if h["to"] != h["from"] else "") for h in data["holidays"]
    ]
    return "\n".join(holidays), "\n".join(f"{m['date']} {m['for']}" for m in data.get("makeup") or [])


def read_lines(holidays: str, makeup: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The lines of a form back to what a file holds. Raises CalendarError naming the line."""
    days_off, worked = [], []
    for n, line in _lines(holidays):
        name, dates = _split(line)
        if not 1 <= len(dates) <= 2 or not name:
            raise CalendarError(f"节假日第 {n} 行“{line[:40]}”读不懂，应写成：春节 2026-02-15 至 2026-02-23")
        days_off.append({"name": name, "from": dates[0], "to": dates[-1]})
    for n, line in _lines(makeup):
        name, dates = _split(line)
        if len(dates) != 1 or not name:
            raise CalendarError(f"调休工作日第 {n} 行“{line[:40]}”读不懂，应写成：2026-02-14 春节")
        worked.append({"date": dates[0], "for": name})
    return days_off, worked


def _lines(text: str) -> list[tuple[int, str]]:
    rows = unicodedata.normalize("NFKC", text).splitlines()
    return [(n, row.strip()) for n, row in enumerate(rows, start=1) if row.strip()]


def _split(line: str) -> tuple[str, Sequence[str]]:
    """A line's words and its dates."""
    dates = []
    for y, m, d in _DATE.findall(line):
        try:
            dates.append(dt.date(int(y), int(m), int(d)).isoformat())
        except ValueError:
            raise CalendarError(f"“{y}-{m}-{d}”不是存在的日期") from None
    return _DASHES.sub(" ", _DATE.sub(" ", line)).strip(" ,，:：、")[:20], dates


def _time(text: str) -> dt.time:
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return dt.time(int(found[1]), int(found[2]))


def _month_day(text: str) -> MonthDay:
    found = _MONTH_DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        date = dt.date(2024, int(found[1]), int(found[2])) if found else None
    except ValueError:
        date = None
    if date is None:
        raise CalendarError(f"“{text}”不是月和日，应写成 05-01")
    return date.month, date.day


def _window_text(window: Window) -> str:
    return f"{window[0]:%H:%M}-{window[1]:%H:%M}"
