"""Messages: finding them, reading one, replaying. What is a person's is covered; the values in the clear are for the
page only, where a reason is given."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Field, Schema

from xingwei.base.journal.services import record
from xingwei.base.ui.api import permission

from ..engine import masking
from ..queries import detail as details
from ..queries import fields, looks, messages
from ..services import looks as look_services
from ..services import replay as services
from ..services import text as text_index
from ..views.detail import message_or_404
from ..views.messages import criteria_of
from .common import ReasonIn, actor_of
from .router import router


class SearchIn(Schema):
    """Sent in the body, so that no patient's number stands in an address. after: from the page before."""

    channel: str = Field("", max_length=40)
    state: str = Field("", max_length=11)
    type: str = Field("", max_length=60)
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    control_id: str = Field("", max_length=200)
    reference: str = Field("", max_length=200)
    patient: str = Field("", max_length=200)
    text: str = Field("", max_length=80)
    after: str = Field("", max_length=300)


class HitOut(Schema):
    number: str
    received_at: dt.datetime
    channel: str
    state: str
    word: str
    type: str
    reference: str
    patient: str
    size: int
    problem: str
    replayed: bool


class PageOut(Schema):
    """text_until: up to when messages are found by text and type."""

    items: list[HitOut]
    next: str
    text_until: dt.datetime | None


class FieldOut(Schema):
    path: str
    meaning: str
    before: str
    after: str
    what: str
    covered: bool
    rules: list[str]


class StepOut(Schema):
    kind: str
    title: str
    when: str
    text: str


class MessageOut(Schema):
    number: str
    received_at: dt.datetime
    channel: str
    state: str
    word: str
    type: str
    control_id: str
    size: int
    sm3: str
    problem: str
    route: str | None
    steps: list[StepOut]
    fields: list[FieldOut]


class SelectionIn(Schema):
    channel: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    patient: str = Field("", max_length=200)
    type: str = ""
    state: str = ""
    numbers: list[str] = Field([], max_length=500)
    targets: list[str] = []

    def selection(self) -> services.Selection:
        values = self.dict(exclude={"reason", "expected"})
        return services.Selection(**values | {"numbers": tuple(self.numbers), "targets": tuple(self.targets)})


class PlanOut(Schema):
    count: int
    deliveries: int
    more: bool
    first: dt.datetime | None
    last: dt.datetime | None
    types: dict[str, int]
    targets: dict[str, int]
    refused: dict[str, int]


class ReplayIn(SelectionIn, ReasonIn):
    """expected: what the dry run had said; refused where it is another number by now."""

    expected: int = Field(..., ge=1)


class ReplayedOut(Schema):
    numbers: list[str]


@router.post("/messages/search", response=PageOut, summary="检索消息，新的在前，一页 50 条")
@permission("gateway.message:view")
def search(request: HttpRequest, data: SearchIn) -> Any:
    actor = actor_of(request)
    places = looks.visible(actor)
    values = data.dict()
    after = values.pop("after")
    with transaction.atomic():
        record(actor, "gateway.message.search", ("gateway.message", "", "消息检索"), "经接口检索接口消息")
    found = messages.search(criteria_of(values, places, actor), looks.seer(actor, places), after=after)
    states = looks.states_of(found.hits)
    items = [
        {
            "number": h.number, "received_at": h.received_at, "channel": places[h.channel_id].channel.code,
            "state": h.state, "word": states[h.id][1], "type": h.type, "size": h.size, "problem": h.problem,
            "reference": looks.masked_key(h.reference, h.patient), "patient": looks.masked_id(h.patient),
            "replayed": h.replay_of is not None,
        }
        for h in found.hits
        if h.channel_id in places
    ]  # fmt: skip
    return {"items": items, "next": found.next, "text_until": text_index.reach()}


@router.get("/messages/{number}", response=MessageOut, summary="一条消息：经过与逐字段对照（患者信息遮蔽）")
@permission("gateway.message:view")
def message(request: HttpRequest, number: str) -> Any:
    row, place = message_or_404(actor_of(request), number)
    look_services.look(actor_of(request), row, whole=False)
    queued, done, attempts = looks.deliveries(row.id, row.received_at)
    versions, channels = details.ends_of([*queued, *done])
    version = next(iter(versions.values()), None)
    compared = fields.compare(row, place.document, place.charset, version.pk if version else None, whole=False)
    steps = details.steps(row, place.document, queued, done, attempts, channels, versions)
    word = looks.word_of(row.state, [q.state for q in queued], [d.outcome for d in done], row.targets)[1]
    return {
        "number": row.number, "received_at": row.received_at, "channel": place.channel.code, "state": row.state,
        "word": word, "type": row.type, "control_id": row.control_id, "size": row.size,
        "sm3": bytes(row.digest).hex(), "problem": row.problem or compared.problem,
        "route": str(version) if version else None,
        "steps": [{"kind": s.kind, "title": s.title, "when": s.when, "text": masking.plainly(s.text)} for s in steps],
        "fields": [_field(line) for _, lines in compared.groups for line in lines],
    }  # fmt: skip


@router.post("/replays/dry-run", response=PlanOut, summary="试算重放：有多少条、送往哪里，什么都不做")
@permission("gateway.message:replay")
def dry_run(request: HttpRequest, data: SelectionIn) -> Any:
    plan = services.dry_run(actor_of(request), data.selection())
    return {
        "count": plan.count, "deliveries": plan.deliveries, "more": plan.more, "first": plan.first, "last": plan.last,
        "types": dict(plan.types), "targets": dict(plan.targets), "refused": dict(plan.refused),
    }  # fmt: skip


@router.post("/replays", response=ReplayedOut, summary="重放，按接收的先后")
@permission("gateway.message:replay")
def replay(request: HttpRequest, data: ReplayIn) -> Any:
    numbers = services.replay(actor_of(request), data.selection(), data.reason, expected=data.expected)
    return {"numbers": numbers}


def _field(line: fields.Line) -> dict[str, Any]:
    return {
        "path": line.path, "meaning": line.meaning, "before": line.before.text, "after": line.after.text,
        "what": line.what, "covered": line.before.covered or line.after.covered,
        "rules": [f"{pk} {name}" for pk, name in line.rules],
    }  # fmt: skip
