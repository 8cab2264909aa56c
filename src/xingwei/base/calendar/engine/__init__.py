"""The thinking of the working calendar: `work` answers, `arrangement` reads what people write, `notice` reads what
the State Council writes. Pure: no Django, no I/O."""

from .arrangement import (
    Change,
    changes,
    hours_data,
    parse_hours,
    parse_windows,
    parse_year,
    read_lines,
    written_lines,
)
from .notice import Notice, parse_notice
from .work import HORIZON_YEARS, CalendarError, Day, DayKind, Hours, Window, WorkCalendar, Year

__all__ = [
    "HORIZON_YEARS",
    "CalendarError",
    "Change",
    "Day",
    "DayKind",
    "Hours",
    "Notice",
    "Window",
    "WorkCalendar",
    "Year",
    "changes",
    "hours_data",
    "parse_hours",
    "parse_notice",
    "parse_windows",
    "parse_year",
    "read_lines",
    "written_lines",
]
