"""Durations and times in words: 6 分, 1 时 36 分, 2 天; 10:54 is always a time of day. Pure."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
_WEEKDAYS = "一二三四五六日"


def duration(span: dt.timedelta) -> str:
    """The span without its sign: "不到 1 分", "21 分", "1 时 36 分", "2 天", "1 天 3 时"."""
    minutes = int(abs(span.total_seconds()) // 60)
    if minutes < 1:
        return "不到 1 分"
    if minutes < 60:
        return f"{minutes} 分"
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} 时 {rest:02d} 分" if rest else f"{hours} 时"
    days, rest = divmod(minutes, 24 * 60)
    hours = rest // 60
    return f"{days} 天 {hours} 时" if hours and days < 3 else f"{days} 天"


def remaining(deadline: dt.datetime, now: dt.datetime) -> str:
    """What is left, or "超 2 时 09 分" past the deadline."""
    return f"超 {duration(now - deadline)}" if deadline < now else duration(deadline - now)


def moment(at: dt.datetime, now: dt.datetime) -> str:
    """A time as short as it can be read: 10:12, 昨天 16:40, 03-16, 2025-11-03."""
    local, today = at.astimezone(CHINA), now.astimezone(CHINA)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if (today.date() - local.date()).days == 1:
        return f"昨天 {local:%H:%M}"
    if (local.date() - today.date()).days == 1:
        return f"明天 {local:%H:%M}"
    return f"{local:%m-%d}" if local.year == today.year else f"{local:%Y-%m-%d}"


def day(date: dt.date) -> str:
    return f"{date.month} 月 {date.day} 日 周{_WEEKDAYS[date.weekday()]}"
