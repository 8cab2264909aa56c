"""The calendar in force, kept for a few seconds in each process; older versions, which never change, for longer."""

from __future__ import annotations

import datetime as dt
import time
from functools import lru_cache

from django.utils import timezone

from .engine import CalendarError, WorkCalendar, Year, parse_hours, parse_year
from .models import CalendarVersion

TTL_S = 5.0
REMIND_FROM_MONTH = 11  # the State Council publishes the next year's notice in November
NO_VERSION = "0"
DEFAULT_HOURS = {"default": ["08:00-12:00", "14:00-17:30"], "seasons": []}

_cache: tuple[float, WorkCalendar] | None = None


def current() -> WorkCalendar:
    """The calendar in force. Before the first import: weekdays only, every year provisional, version "0"."""
    global _cache
    now = time.monotonic()
    if _cache is None or not 0 <= now - _cache[0] <= TTL_S:
        row = latest()
        _cache = (now, _built(row.number) if row else _weekdays_only())
    return _cache[1]


def version(number: str) -> WorkCalendar:
    """The calendar of one version, as it was in force then. CalendarError for one that is not there."""
    return _weekdays_only() if number == NO_VERSION else _built(number)


def latest() -> CalendarVersion | None:
    return CalendarVersion.objects.order_by("-id").first()


def versions() -> list[CalendarVersion]:
    """All versions, newest first."""
    return list(CalendarVersion.objects.order_by("-id"))


def before(row: CalendarVersion) -> CalendarVersion | None:
    """The version that this one replaced."""
    return CalendarVersion.objects.filter(pk__lt=row.pk).order_by("-id").first()


def build(row: CalendarVersion) -> WorkCalendar:
    """A version's calendar; also of a row that is not saved yet (a preview)."""
    years = {int(number): parse_year(data) for number, data in row.years.items()}
    return WorkCalendar(row.number, years, parse_hours(row.hours))


def warning(today: dt.date | None = None) -> tuple[int, str] | None:
    """The year that needs attention and why, in Chinese; None when all is well.

    From November on the next year is asked for too: deadlines begin to reach into it.
    """
    day = today or timezone.localdate()
    calendar = current()
    if calendar.version == NO_VERSION:
        return day.year, "还没有导入工作日历，时限只按周一至周五计算，节假日与调休都没有算进去。"
    for year in [day.year] + ([day.year + 1] if day.month >= REMIND_FROM_MONTH else []):
        found = calendar.years.get(year)
        if found is None:
            return year, f"{year} 年的工作日历还没有导入，涉及这一年的时限只按周一至周五计算。"
        if not found.published:
            return year, f"{year} 年的日历是暂定的：调休安排尚未发布或尚未导入，涉及这一年的时限可能变动。"
    return None


def forget() -> None:
    """Drop this process's cache (after a publication, and between tests)."""
    global _cache
    _cache = None
    _built.cache_clear()


@lru_cache(maxsize=32)
def _built(number: str) -> WorkCalendar:
    row = CalendarVersion.objects.filter(number=number).first()
    if row is None:
        raise CalendarError(f"没有版本为“{number}”的工作日历")
    return build(row)


def _weekdays_only() -> WorkCalendar:
    this_year = timezone.localdate().year
    years = {y: Year(y, published=False) for y in range(this_year - 1, this_year + 2)}
    return WorkCalendar(NO_VERSION, years, parse_hours(DEFAULT_HOURS))
