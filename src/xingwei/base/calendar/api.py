"""The working calendar over HTTP: kinds of days, counts of workdays, versions."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from xingwei.base.ui.api import permission

from . import queries
from .engine import Day, WorkCalendar

router = Router(tags=["工作日历"])
LONGEST = 800  # days in one answer


class Span(Schema):
    """Two dates, both included."""

    first: dt.date = Field(alias="from")
    last: dt.date = Field(alias="to")


class DayOut(Schema):
    date: dt.date
    kind: str
    label: str
    name: str
    workday: bool


class DaysOut(Schema):
    """provisional: some year in the span has no published arrangement."""

    version: str
    provisional: bool
    days: list[DayOut]


class WorkdaysOut(Schema):
    version: str
    provisional: bool
    workdays: int


class VersionOut(Schema):
    number: str
    published_at: dt.datetime
    published_by: str
    note: str
    years: list[int]


@router.get("/days", response=DaysOut, summary="各天是工作日、休息日、节假日还是调休工作日")
@permission("calendar.version:view")
def days(request: HttpRequest, span: Query[Span]) -> DaysOut:
    calendar = _for(span)
    return DaysOut(
        version=calendar.version,
        provisional=calendar.provisional(span.first, span.last),
        days=[_out(day) for day in _days(calendar, span)],
    )


@router.get("/workdays", response=WorkdaysOut, summary="两天之间（含两端）有几个工作日")
@permission("calendar.version:view")
def workdays(request: HttpRequest, span: Query[Span]) -> WorkdaysOut:
    calendar = _for(span)
    return WorkdaysOut(
        version=calendar.version,
        provisional=calendar.provisional(span.first, span.last),
        workdays=sum(d.kind.works for d in _days(calendar, span)),
    )


@router.get("/versions", response=list[VersionOut], summary="日历的各个版本，新的在前")
@permission("calendar.version:view")
def versions(request: HttpRequest) -> list[VersionOut]:
    return [
        VersionOut(
            number=row.number,
            published_at=row.published_at,
            published_by=row.published_by,
            note=row.note,
            years=sorted(int(y) for y in row.years),
        )
        for row in queries.versions()
    ]


def _for(span: Span) -> WorkCalendar:
    if span.last < span.first:
        raise HttpError(422, "to 早于 from，请把两个日期对调")
    if (span.last - span.first).days >= LONGEST:
        raise HttpError(422, f"一次最多问 {LONGEST} 天，请缩短区间")
    return queries.current()


def _days(calendar: WorkCalendar, span: Span) -> list[Day]:
    return [calendar.day(span.first + dt.timedelta(n)) for n in range((span.last - span.first).days + 1)]


def _out(day: Day) -> DayOut:
    kind = day.kind
    return DayOut(date=day.date, kind=kind.value, label=kind.label, name=day.name, workday=kind.works)
