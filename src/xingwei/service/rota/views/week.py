"""The week as a grid, the month as a sheet; publishing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.calendar import queries as calendars
from xingwei.base.policy.registry import may
from xingwei.base.ui import words as ui_words
from xingwei.base.ui.views import Act, Page

from .. import queries, services, words
from ..engine.coverage import Gap, GapKind
from ..engine.patterns import DutyKind
from ..models import ShiftRule

_DAY = dt.timedelta(days=1)
_EARLIEST, _LATEST = dt.date(2020, 1, 1), dt.date(2100, 1, 1)


def day_of(text: str, default: dt.date) -> dt.date:
    """A date from the URL; the default for what is none, or too far from today to be meant."""
    try:
        day = dt.date.fromisoformat(text[:10])
    except ValueError:
        return default
    return day if _EARLIEST <= day <= _LATEST else default


class WeekPage(Page):
    permission = "rota.shift:view"
    template_name = "rota/week.html"
    title = "值班表"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        monday = day_of(self.request.GET.get("week", ""), today)
        week = queries.week(monday)
        can_publish = may(self.actor, "rota.shift:publish") and week.monday + 6 * _DAY >= today
        return super().get_context_data(**kwargs) | {
            "week": week,
            "sub": _sub(week),
            "previous": week.monday - 7 * _DAY,
            "next": week.monday + 7 * _DAY,
            "this_week": week.monday <= today <= week.monday + 6 * _DAY,
            "now": queries.on_duty(),
            "coming": queries.next_duty(),
            "issues": _issues(week),
            "kinds": list(DutyKind),
            "can_publish": can_publish,
            "can_change": may(self.actor, "rota.shift:override"),
            "has_rules": ShiftRule.objects.exists(),
            "minimum": queries.minimum_on_site(),
            "tab": "week",
        }


class Publish(Act):
    permission = "rota.shift:publish"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        day = day_of(request.POST.get("week", ""), timezone.localdate())
        week = services.publish_week(self.actor, day)
        return f"已发布 {ui_words.day(week.monday)} 起一周的排班，并通知到人"


class MonthPage(Page):
    """Who is on duty on each day of a month, on one sheet of paper."""

    permission = "rota.shift:view"
    template_name = "rota/month.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        first = day_of(f"{self.request.GET.get('month', '')}-01", timezone.localdate()).replace(day=1)
        last = (first + 32 * _DAY).replace(day=1) - _DAY
        begin, end = first - first.weekday() * _DAY, last + (6 - last.weekday()) * _DAY
        duties = [d for d in queries.duties(begin, end) if not d.absent]
        calendar, today = calendars.current(), timezone.localdate()
        open_ = queries.gaps(begin, end)
        days = []
        for n in range((end - begin).days + 1):
            date = begin + n * _DAY
            own = [d for d in duties if d.since.astimezone(calendar.zone).date() == date]
            days.append(
                {
                    "day": calendar.day(date),
                    "inside": first <= date <= last,
                    "today": date == today,
                    "on_site": [d for d in own if d.kind is DutyKind.ON_SITE],
                    "on_call": [d for d in own if d.kind is DutyKind.ON_CALL],
                    "gaps": list(dict.fromkeys(words.gap(g) for g in open_ if timezone.localdate(g.start) == date)),
                }
            )
        return super().get_context_data(**kwargs) | {
            "title": f"值班表 {first.year} 年 {first.month} 月",
            "first": first,
            "previous": first - _DAY,
            "next": last + _DAY,
            "weeks": [days[n : n + 7] for n in range(0, len(days), 7)],
            "provisional": calendar.provisional(first, last),
            "tab": "month",
        }


def _sub(week: queries.Week) -> str:
    sunday = week.monday + 6 * _DAY
    span = f"{week.monday.month} 月 {week.monday.day} 日至 {sunday.month} 月 {sunday.day} 日"
    number = f"第 {week.monday.isocalendar().week} 周"
    if week.published is None:
        return f"{span}，{number}，尚未发布，按规则预排"
    by = week.published.published_by or "系统"
    at = ui_words.moment(week.published.published_at, timezone.now())
    return f"{span}，{number}，{by} {at} 发布"


def _issues(week: queries.Week) -> list[dict[str, str]]:
    """Sentences above the grid: what is open, who stands in two places, who is on call beside another."""
    out = []
    for day in week.days:
        for gap in day.gaps:
            if timezone.localdate(gap.start) == day.day.date or day.day.date == week.monday:
                out.append({"state": _state(gap), "text": words.gap_title(gap), "url": _fill_url(gap)})
    for person, clash in week.clashes:
        text = (
            f"{person} 同时有两个班次：{clash.first.label}与{clash.second.label}，{words.span(clash.start, clash.end)}"
        )
        out.append({"state": "warn", "text": text, "url": ""})
    for people, overlap in week.overlaps:
        names = "、".join(str(p) for p in people)
        text = f"{names} 同时听班：{words.span(overlap.start, overlap.end)}，请约定谁先接"
        out.append({"state": "info", "text": text, "url": ""})
    return out


def _state(gap: Gap) -> str:
    return "late" if gap.kind is GapKind.NOBODY else "warn"


def _fill_url(gap: Gap) -> str:
    kind = DutyKind.ON_CALL if gap.kind is GapKind.NOBODY else DutyKind.ON_SITE
    start, end = timezone.localtime(gap.start), timezone.localtime(min(gap.end, gap.start + 2 * _DAY))
    return f"{reverse('rota:add')}?kind={kind}&start={start:%Y-%m-%dT%H:%M}&end={end:%Y-%m-%dT%H:%M}"
