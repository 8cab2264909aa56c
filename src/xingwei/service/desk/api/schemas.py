"""What goes in and out of the desk's operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ninja import Field, Schema
from pydantic import AwareDatetime

from ..models import Case
from ..queries.clocks import view_of
from ..workflow import state_of


class ClockOut(Schema):
    key: str
    label: str
    state: str
    missed: bool
    started_at: dt.datetime
    due_at: dt.datetime | None
    stopped_at: dt.datetime | None


class CaseOut(Schema):
    number: str
    kind: str
    state: str
    state_label: str
    category: str
    severity: int
    title: str
    description: str
    system: str | None
    department: str | None
    reporter_name: str
    channel: str
    assignee: str | None
    party: str
    cause: str
    solution: str
    opened_at: dt.datetime
    responded_at: dt.datetime | None
    arrived_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    ever_late: bool
    version: int
    clocks: list[ClockOut]

    @staticmethod
    def resolve_state_label(row: Case) -> str:
        return state_of(row).label

    @staticmethod
    def resolve_system(row: Case) -> str | None:
        return row.system_code or None

    @staticmethod
    def resolve_department(row: Case) -> str | None:
        return row.department.name if row.department else None

    @staticmethod
    def resolve_assignee(row: Case) -> str | None:
        return row.assignee.username if row.assignee else None

    @staticmethod
    def resolve_clocks(row: Case) -> list[Any]:
        return list(view_of(row))


class CasePage(Schema):
    items: list[CaseOut]
    next: str | None


class CaseFilter(Schema):
    """view: open, due, mine, third, hospital, defects, unanswered or all. after: the `next` of the page before."""

    view: str = "open"
    q: str = Field("", max_length=100)
    kind: str = ""
    system: str = ""
    severity: int | None = None
    updated_since: dt.datetime | None = None
    after: str = Field("", max_length=300)


class CaseIn(Schema):
    """key: makes repeating the call harmless (the same key gives the same case)."""

    kind: str = "incident"
    description: str = Field(max_length=5000)
    title: str = Field("", max_length=120)
    severity: int = Field(0, ge=0, le=3)
    system: str = ""
    subsystem: str = ""
    function: str = ""
    interface: str = ""
    department: str = ""
    reporter: str = ""
    reporter_name: str = Field("", max_length=40)
    phone: str = Field("", max_length=40)
    tried: str = Field("", max_length=5000)
    it_first: bool = False
    opened_at: dt.datetime | None = None
    key: str = Field("", max_length=64)


class MoveIn(Schema):
    """move: a key of kinds.yaml. values: its fields. version: the one that was read; a newer one is refused."""

    move: str
    values: dict[str, Any] = {}
    version: int | None = None


class NoteIn(Schema):
    text: str = Field(max_length=5000)
    internal: bool = False


class CallIn(Schema):
    """From the telephone exchange. A missed call is counted (scorecard row 5)."""

    caller: str = Field(max_length=40)
    missed: bool
    at: dt.datetime | None = None
    ring_seconds: int | None = Field(None, ge=0, le=86_400)
    talk_seconds: int | None = Field(None, ge=0, le=86_400)


class MoveOut(Schema):
    key: str
    label: str
    needs: list[str]
    may: list[str]


class PersonIn(Schema):
    """person: a 工号; empty takes the case off everybody's desk."""

    person: str = Field("", max_length=150)
    note: str = Field("", max_length=1000)
    version: int | None = None


class GradeIn(Schema):
    """severity: 1 to 3, or 0 where the case has none."""

    severity: int = Field(ge=0, le=3)
    reason: str = Field(max_length=300)
    version: int | None = None


class EditIn(Schema):
    """Only what is given is changed. Codes as in CaseIn; an empty one takes the value away."""

    title: str | None = Field(None, max_length=120)
    description: str | None = Field(None, max_length=5000)
    system: str | None = None
    subsystem: str | None = None
    function: str | None = None
    interface: str | None = None
    department: str | None = None
    reporter: str | None = None
    reporter_name: str | None = Field(None, max_length=40)
    phone: str | None = Field(None, max_length=40)
    tried: str | None = Field(None, max_length=5000)
    party: Case.Party | None = None
    version: int | None = None


class TagsIn(Schema):
    tags: list[str] = Field(max_length=50)


class MergeIn(Schema):
    """others: numbers of the cases that become part of this one."""

    others: list[str] = Field(min_length=1, max_length=50)
    reason: str = Field("", max_length=300)


class SplitIn(Schema):
    title: str = Field(max_length=120)
    description: str = Field(max_length=5000)


class LinkIn(Schema):
    other: str = Field(max_length=20)
    kind: str = "related"


class LinkOut(Schema):
    id: int
    other: str
    title: str
    kind: str


class RateIn(Schema):
    score: int = Field(ge=1, le=5)
    note: str = Field("", max_length=500)


class ThirdIn(Schema):
    """person: the 工号 of somebody of a third party; he sees this case and nothing else."""

    person: str = Field(max_length=150)
    text: str = Field(max_length=2000)


class EventOut(Schema):
    id: int
    at: dt.datetime
    type: str
    actor_name: str
    said: str
    text: str
    internal: bool


class EventPage(Schema):
    items: list[EventOut]
    next: str | None


class FileOut(Schema):
    id: int
    name: str
    media_type: str
    size: int
    digest: str
    internal: bool
    uploaded_at: dt.datetime


class FeedbackIn(Schema):
    found: str = Field(max_length=5000)
    conclusion: str = Field(max_length=3000)
    plan: str = Field(max_length=3000)


class FeedbackOut(Schema):
    id: int
    number: str
    found: str
    conclusion: str
    plan: str
    issued_at: dt.datetime
    received_at: dt.datetime | None


class CoordinationIn(Schema):
    parties: str = Field(max_length=300)
    held_at: AwareDatetime
    conclusion: str = Field(max_length=3000)
    next_step: str = Field(max_length=500)


class CoordinationOut(CoordinationIn):
    id: int
    recorded_at: dt.datetime


class ViewIn(Schema):
    """query: the address of the list after the question mark, e.g. "view=open&system=YB"."""

    name: str = Field(max_length=20)
    query: str = Field(max_length=1000)
    shared: bool = False


class ViewOut(ViewIn):
    id: int
