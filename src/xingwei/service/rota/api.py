"""The rota over HTTP: who is on duty, weeks, gaps, chains and their simulation, attendance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from xingwei.base.ui.api import permission

from . import queries, services, words
from .engine.coverage import Gap
from .queries import Duty

router = Router(tags=["值班"])
LONGEST = 92  # days in one answer


class PersonOut(Schema):
    id: int
    username: str
    name: str
    phone: str
    mobile: str

    @staticmethod
    def resolve_name(obj: Any) -> str:
        return str(obj)


class DutyOut(Schema):
    """kind: on_site, on_call or support. shift: None while the week is not published."""

    person: PersonOut
    since: dt.datetime
    until: dt.datetime
    kind: str
    label: str
    place: str
    shift: int | None
    absent: bool


class OnDutyOut(Schema):
    at: dt.datetime
    on_site: list[DutyOut]
    on_call: list[DutyOut]
    support: list[DutyOut]
    nobody: bool


class GapOut(Schema):
    """kind: nobody (nobody answers) or on_site (fewer than the contract asks)."""

    kind: str
    start: dt.datetime
    end: dt.datetime
    have: int
    need: int
    text: str


class RosterOut(Schema):
    duties: list[DutyOut]
    gaps: list[GapOut]


class StepOut(Schema):
    after_minutes: int
    to: list[str]
    label: str
    urgent: bool


class CallOut(Schema):
    at: dt.datetime
    label: str
    urgent: bool
    people: list[PersonOut]


class AttendanceDayOut(Schema):
    date: dt.date
    present: int
    need: int
    short_of: int
    over: bool


class AttendanceOut(Schema):
    over: int
    short: int
    share: float | None
    days: list[AttendanceDayOut]


class StayOut(Schema):
    id: int
    signed_in_at: dt.datetime
    signed_out_at: dt.datetime | None
    place: str


class Span(Schema):
    """Two dates, both included."""

    first: dt.date = Field(alias="from")
    last: dt.date = Field(alias="to")

    def check(self) -> tuple[dt.date, dt.date]:
        if not dt.timedelta(0) <= self.last - self.first < dt.timedelta(days=LONGEST):
            raise HttpError(422, f"from 应不晚于 to，一次最多 {LONGEST} 天")
        if not 2020 <= self.first.year <= 2099:
            raise HttpError(422, "日期应在 2020 到 2099 年之间")
        return self.first, self.last


class PlaceIn(Schema):
    place: str = ""


@router.get("/on-duty", response=OnDutyOut, summary="某一时刻谁值班，默认现在")
@permission("rota.shift:view")
def on_duty(request: HttpRequest, at: dt.datetime | None = None) -> dict[str, Any]:
    moment = _aware(at)
    found = queries.on_duty(moment)
    return {
        "at": moment,
        "on_site": _duties(found.on_site),
        "on_call": _duties(found.on_call),
        "support": _duties(found.support),
        "nobody": found.nobody,
    }


@router.get("/roster", response=RosterOut, summary="几天之内的班次与缺岗")
@permission("rota.shift:view")
def roster(request: HttpRequest, span: Query[Span]) -> dict[str, Any]:
    first, last = span.check()
    return {
        "duties": _duties(queries.duties(first, last)),
        "gaps": [_gap(g) for g in queries.gaps(first, last)],
    }


@router.get("/chains/{severity}", response=list[StepOut], summary="某等级、某系统的升级链")
@permission("rota.chain:view")
def chain(request: HttpRequest, severity: int, system: str = "") -> list[dict[str, Any]]:
    return queries.chain_for(severity, system)


@router.get("/chains/{severity}/simulate", response=list[CallOut], summary="推演：某时发生故障，依次通知谁")
@permission("rota.chain:view")
def simulate(
    request: HttpRequest, severity: int, system: str = "", at: dt.datetime | None = None
) -> list[dict[str, Any]]:
    calls = queries.simulate(severity, system, _aware(at))
    return [{"at": c.at, "label": c.step["label"], "urgent": c.step["urgent"], "people": c.people} for c in calls]


@router.get("/attendance", response=AttendanceOut, summary="工作日驻场人数，对照合同")
@permission("rota.attendance:view")
def attendance(request: HttpRequest, span: Query[Span]) -> dict[str, Any]:
    found = queries.attendance(*span.check())
    return {"over": found.over, "short": len(found.short_days), "share": found.share, "days": found.days}


@router.post("/attendance/in", response=StayOut, summary="签到，或换了地点")
@permission("rota.attendance:sign")
def sign_in(request: HttpRequest, data: PlaceIn) -> Any:
    return services.sign_in(request.actor, place=data.place)  # type: ignore[attr-defined]


@router.post("/attendance/out", response=StayOut, summary="签退")
@permission("rota.attendance:sign")
def sign_out(request: HttpRequest) -> Any:
    return services.sign_out(request.actor)  # type: ignore[attr-defined]


def _aware(at: dt.datetime | None) -> dt.datetime:
    """A time without a zone is Shanghai's."""
    if at is None:
        return timezone.now()
    if not 2020 <= at.year <= 2099:
        raise HttpError(422, "时间应在 2020 到 2099 年之间")
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def _duties(found: list[Duty]) -> list[dict[str, Any]]:
    return [{name: getattr(d, name) for name in Duty.__slots__} for d in found]


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "kind": gap.kind.value,
        "start": gap.start,
        "end": gap.end,
        "have": gap.have,
        "need": gap.need,
        "text": words.gap(gap),
    }
