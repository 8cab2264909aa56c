"""Reads the State Council's notice (国务院办公厅关于 N 年部分节假日安排的通知), as it is pasted from its page.

What the notice says twice is used to check it: weekdays in brackets and the number of days.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .work import CalendarError

_WEEKDAYS = "一二三四五六日"
_TITLE = re.compile(r"关于(\d{4})年部分节假日安排")
_NUMBER = re.compile(r"国办发明电\s*[\[〔(]\s*(\d{4})\s*[\]〕)]\s*(\d+)\s*号")
_HEAD = r"[一二三四五六七八九十]+、\s*[一-龥、]{2,12}?\s*:"
_ITEM = re.compile(rf"[一二三四五六七八九十]+、\s*([一-龥、]{{2,12}}?)\s*:(.*?)(?={_HEAD}|$)", re.S)
_BRACKET = r"(?:\((?P<{0}>[^)]*)\))?"
_SPAN = re.compile(
    r"(?:(?P<y1>\d{4})年)?(?P<m1>\d{1,2})月(?P<d1>\d{1,2})日"
    + _BRACKET.format("b1")
    + r"(?:至(?:(?P<y2>\d{4})年)?(?:(?P<m2>\d{1,2})月)?(?P<d2>\d{1,2})日"
    + _BRACKET.format("b2")
    + ")?"
)
_TOTAL = re.compile(r"共\s*(\d+)\s*天|放假\s*(\d+)\s*天")


@dataclass(frozen=True, slots=True)
class Notice:
    """data: what a calendars/YEAR.yaml holds. outside: dates that the notice moves in a neighbouring year."""

    data: dict[str, Any]
    outside: tuple[str, ...]


def parse_notice(text: str, year: int | None = None) -> Notice:
    """The year that the notice arranges. Raises CalendarError where it cannot be read or contradicts itself."""
    plain = unicodedata.normalize("NFKC", text)
    title = _TITLE.search(plain)
    if title and year is not None and int(title[1]) != year:
        raise CalendarError(f"这是 {title[1]} 年的通知，不是 {year} 年的")
    number = int(title[1]) if title else year
    if number is None:
        raise CalendarError("没有找到“关于某年部分节假日安排的通知”，请连标题一起粘贴")
    holidays: list[dict[str, str]] = []
    makeup: list[dict[str, str]] = []
    outside: list[str] = []
    for name, words in _items(plain):
        for first, last in _days_off(words, number, name):
            kept = [max(first, dt.date(number, 1, 1)), min(last, dt.date(number, 12, 31))]
            if kept[0] <= kept[1]:
                holidays.append({"name": name, "from": kept[0].isoformat(), "to": kept[1].isoformat()})
            outside += [f"{d} 放假（{name}）" for d in _beyond(first, last, number)]
        for date in _worked(words, number):
            if date.year == number:
                makeup.append({"date": date.isoformat(), "for": name.split("、")[0]})
            else:
                outside.append(f"{date} 上班（{name}）")
    if not holidays:
        raise CalendarError("没有读出任何节日，应有“一、元旦：1月1日……放假”这样的段落")
    code = _NUMBER.search(plain)
    source = f"国办发明电〔{code[1]}〕{code[2]} 号" if code else f"国务院办公厅关于 {number} 年部分节假日安排的通知"
    data = {"year": number, "status": "published", "source": source, "holidays": holidays, "makeup": makeup}
    return Notice(data, tuple(outside))


def _items(plain: str) -> Iterator[tuple[str, str]]:
    for found in _ITEM.finditer(plain):
        if "放假" in found[2]:
            yield found[1], found[2]


def _days_off(words: str, year: int, name: str) -> Iterator[tuple[dt.date, dt.date]]:
    for sentence in re.split("[。;]", words):
        before, off, _ = sentence.partition("放假")
        if not off or not (found := _SPAN.search(before)):
            continue
        first = _date(found, "1", year)
        last = _date(found, "2", first.year, first.month) if found["d2"] else first
        if last < first:
            raise CalendarError(f"{name}：结束 {last} 早于开始 {first}")
        total = _TOTAL.search(sentence)
        said = int(total[1] or total[2]) if total else 0
        if total and said != (last - first).days + 1:
            raise CalendarError(f"{name}：通知写共 {said} 天，读出的是 {(last - first).days + 1} 天，请核对")
        yield first, last


def _worked(words: str, year: int) -> Iterator[dt.date]:
    for sentence in re.split("[。;]", words):
        before, works, _ = sentence.partition("上班")
        if not works:
            continue
        said = before.rpartition("放假")[2]
        if rest := re.search(r"\d+日", _SPAN.sub("", said)):
            raise CalendarError(f"“{said.strip()}上班”里的“{rest[0]}”没有写月份，请补全后再粘贴")
        yield from (_date(found, "1", year) for found in _SPAN.finditer(said))


def _date(found: re.Match[str], end: str, year: int, month: int = 0) -> dt.date:
    y, m, d = found[f"y{end}"], found[f"m{end}"], found[f"d{end}"]
    try:
        date = dt.date(int(y or year), int(m or month), int(d))
    except ValueError:
        raise CalendarError(f"“{found[0]}”不是存在的日期") from None
    weekday = re.search(r"(?:周|星期)([一二三四五六日天])", found[f"b{end}"] or "")
    if weekday and weekday[1].replace("天", "日") != _WEEKDAYS[date.weekday()]:
        raise CalendarError(f"{date} 是周{_WEEKDAYS[date.weekday()]}，通知写的是周{weekday[1]}，请核对年份和日期")
    return date


def _beyond(first: dt.date, last: dt.date, year: int) -> list[dt.date]:
    days = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
    return [d for d in days if d.year != year]
