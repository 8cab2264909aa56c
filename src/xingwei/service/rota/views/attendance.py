"""Attendance: the month against the contract, signing in and out, corrections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.site import queries as site
from xingwei.base.ui import words as ui_words
from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Act, FormPage, Page

from .. import forms, queries, services
from ..engine.attendance import Mark, PersonDay
from .week import day_of

_DAY = dt.timedelta(days=1)
STATES = {Mark.PRESENT: "ok", Mark.SHORT: "warn", Mark.ABSENT: "late", Mark.AHEAD: "unknown"}


class ExportTable(Table):
    columns = (
        Column("date", "日期"),
        Column("person", "人员"),
        Column("mark", "出勤"),
        Column("arrived", "签到"),
        Column("left", "签退"),
        Column("hours", "在岗小时"),
        Column("remark", "备注"),
    )


class AttendancePage(Page):
    permission = "rota.attendance:view"
    template_name = "rota/attendance.html"

    def month(self) -> queries.Month:
        first = day_of(f"{self.request.GET.get('month', '')}-01", timezone.localdate()).replace(day=1)
        return queries.attendance(first, (first + 32 * _DAY).replace(day=1) - _DAY)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        kind = request.GET.get("format", "")
        if kind in ("csv", "xlsx"):
            month = self.month()
            return export_response(kind, f"驻场考勤 {month.first:%Y-%m}", ExportTable, _export(month))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        month = self.month()
        rows = [
            {
                "day": day,
                "title": ui_words.day(day.date),
                "cells": [_cell(day.people.get(p.pk)) for p in month.people],
            }
            for day in reversed(month.days)
            if day.date <= timezone.localdate()
        ]
        query = f"month={month.first:%Y-%m}"
        return super().get_context_data(**kwargs) | {
            "title": f"驻场考勤 {month.first.year} 年 {month.first.month} 月",
            "tab": "attendance",
            "month": month,
            "rows": rows,
            "previous": month.first - _DAY,
            "next": month.last + _DAY,
            "share": f"{month.share:.1%}" if month.share is not None else "—",
            "minimum": queries.minimum_on_site(),
            "hours": site.value("rota.attendance.hours"),
            "export_urls": {"xlsx": f"?{query}&format=xlsx", "csv": f"?{query}&format=csv"},
            "can_correct": may(self.actor, "rota.attendance:correct"),
        }


class SignIn(Act):
    permission = "rota.attendance:sign"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.sign_in(self.actor, place=request.POST.get("place", ""))
        return f"已签到 {timezone.localtime(row.signed_in_at):%H:%M}" + (f"，在{row.place}" if row.place else "")


class SignOut(Act):
    permission = "rota.attendance:sign"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.sign_out(self.actor)
        return f"已签退 {ui_words.moment(row.signed_out_at or timezone.now(), timezone.now())}"


class Correct(FormPage):
    permission = "rota.attendance:correct"
    title = "补登考勤"
    form_class = forms.CorrectForm
    submit_label = "补登"
    lead = "由医院信息科办理，写明原因，记入审计日志"

    def get_back_url(self) -> str:
        return reverse("rota:attendance")

    def act(self, form: Any) -> HttpResponseBase:
        row = services.correct(self.actor, **form.cleaned_data)
        return self.done(f"已补登：{row}", reverse("rota:attendance"))


def _cell(day: PersonDay | None) -> dict[str, Any] | None:
    if day is None:
        return None
    times = ""
    if day.arrived:
        left = f"{timezone.localtime(day.left):%H:%M}" if day.left else "未签退" if day.forgot else "在岗"
        times = f"{timezone.localtime(day.arrived):%H:%M}–{left}"
    return {"state": STATES[day.mark], "label": day.mark.label, "times": times, "worked": day.worked}


def _export(month: queries.Month) -> Iterator[Any]:
    names = {p.pk: p.name for p in month.people}
    for day in month.days:
        for person, found in day.people.items():
            yield _Line(day.date, names[person], found)


class _Line:
    def __init__(self, date: dt.date, person: str, day: PersonDay) -> None:
        self.date, self.person, self.mark = date, person, day.mark.label
        self.arrived, self.left = day.arrived or "", day.left or ""
        self.hours = round(day.worked / dt.timedelta(hours=1), 2)
        self.remark = "未签退" if day.forgot else ""
