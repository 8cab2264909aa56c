"""The rota in words, as pages, messages and the API show it."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from xingwei.base.ui import words

from .engine.coverage import Gap, GapKind
from .queries.duty import Duty

_DAY = dt.timedelta(days=1)


def until_text(end: dt.datetime, start: dt.datetime) -> str:
    """17:30, 24:00, 次日 08:00, 3 月 20 日 周五 08:00: an end as seen from the day of its start."""
    a, b = timezone.localtime(start), timezone.localtime(end)
    if b.date() == a.date():
        return f"{b:%H:%M}"
    if b.date() == a.date() + _DAY:
        return f"次日 {b:%H:%M}" if (b.hour, b.minute) != (0, 0) else "24:00"
    return f"{words.day(b.date())} {b:%H:%M}"


def times(start: dt.datetime, end: dt.datetime) -> str:
    """08:00–17:30, 17:30–次日 08:00, 全天."""
    a = timezone.localtime(start)
    if a.hour == a.minute == 0 and end - start == _DAY:
        return "全天"
    return f"{a:%H:%M}–{until_text(end, start)}"


def span(start: dt.datetime, end: dt.datetime) -> str:
    """3 月 18 日 周三 17:30–次日 08:00."""
    return f"{words.day(timezone.localdate(start))} {times(start, end)}"


def gap(found: Gap) -> str:
    """无人值班; 驻场只有 1 人，差 1 人; 没有人驻场，应有 2 人."""
    if found.kind is GapKind.NOBODY:
        return "无人值班"
    if not found.have:
        return f"没有人驻场，应有 {found.need} 人"
    return f"驻场只有 {found.have} 人，差 {found.need - found.have} 人"


def gap_title(found: Gap, *, running: bool = False) -> str:
    return f"{'现在' if running else ''}{gap(found)}：{span(found.start, found.end)}"


def now_text(duty: Duty, now: dt.datetime) -> str:
    """驻场 · 至 17:30; 听班 · 至 次日 08:00 seen from today is 明天 08:00."""
    return f"{duty.kind.label} · 至 {words.moment(duty.until, now)}"
