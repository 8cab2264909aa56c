"""How a case comes in: by phone, portal, mail, message, API; once, whatever the line does."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.accounts.models import Department, User
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import CallLog, Case, Draft, Watcher
from ..workflow import state_of, workflow
from . import clocks, escalation, files, telling
from .base import LEVELS, Refused, next_number, say
from .text import index_words

TITLE_LENGTH = 60
FUTURE_SLACK = dt.timedelta(minutes=5)
OLDEST = dt.timedelta(days=366)
_HALF_WIDTH = {code: code - 0xFEE0 for a, b in ("ＡＺ", "ａｚ", "０９") for code in range(ord(a), ord(b) + 1)}


@dataclass(slots=True)
class NewCase:
    """What is known when a case comes in; only kind and description must be."""

    kind: str
    description: str
    channel: str = Case.Channel.PORTAL
    title: str = ""
    severity: int = 0
    system: System | None = None
    subsystem: Subsystem | None = None
    function: BusinessFunction | None = None
    interface: Interface | None = None
    department: Department | None = None
    reporter: User | None = None
    reporter_name: str = ""
    phone: str = ""
    assignee: User | None = None
    tried: str = ""
    it_first: bool = False
    opened_at: dt.datetime | None = None
    key: str = ""
    files: Sequence[UploadedFile[Any]] = field(default_factory=tuple)
    tags: Sequence[str] = ()
    level_reason: str = ""


def open_case(actor: Actor, new: NewCase) -> Case:
    """Register a case; the same key gives the same case. Raises Refused with what is wrong.

    it_first: the hospital's IT department diagnoses first (clause 9.7); levels 1 and 2 never wait for that.
    """
    require(actor, "desk.case:create")
    if existing := _already(new.key):
        return existing
    _check(new)
    try:
        with transaction.atomic():
            return _open(actor, new)
    except IntegrityError:
        if existing := _already(new.key):
            return existing  # the other of two simultaneous submissions won
        raise


def _already(key: str) -> Case | None:
    found: Case | None = Case.objects.filter(idempotency_key=key[:64]).first() if key else None
    return found


def title_of(description: str) -> str:
    """The first sentence, without line breaks, at most TITLE_LENGTH characters."""
    text = " ".join(description.split())
    for stop in "。！？；":
        head, found, _ = text.partition(stop)
        if found and len(head) >= 6:
            text = head
            break
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"


def log_call(
    actor: Actor,
    caller: str,
    *,
    missed: bool,
    at: dt.datetime | None = None,
    caller_name: str = "",
    ring_seconds: int | None = None,
    talk_seconds: int | None = None,
    case: Case | None = None,
) -> CallLog:
    """A call to the service number. Missed ones are counted by scorecard item 5."""
    require(actor, "desk.call:create")
    with transaction.atomic():
        call: CallLog = CallLog.objects.create(
            at=at or timezone.now(),
            caller=clean(caller)[:40],
            caller_name=clean(caller_name)[:40],
            missed=missed,
            ring_seconds=ring_seconds,
            talk_seconds=talk_seconds,
            answered_by_id=None if missed else actor.id,
            case=case,
        )
        said = f"{'未接来电' if missed else '来电'} {call.caller}"
        record(actor, "desk.call.log", call, said, after={"missed": missed})
    return call


def call_back(actor: Actor, call: CallLog, note: str = "") -> CallLog:
    """A missed call was answered by ringing back."""
    require(actor, "desk.call:create")
    with transaction.atomic():
        row: CallLog = CallLog.objects.select_for_update().get(pk=call.pk)
        if row.called_back_at is None:
            row.called_back_at, row.note = timezone.now(), clean(note)[:300]
            row.save(update_fields=["called_back_at", "note"])
            record(actor, "desk.call.back", row, f"回电 {row.caller}")
    return row


def save_draft(actor: Actor, form: str, data: dict[str, Any]) -> None:
    """Keep what somebody typed; private, not journalled as it is not yet an act."""
    Draft.objects.update_or_create(person_id=actor.id, form=form[:40], defaults={"data": data})


def clean(text: str) -> str:
    """Control characters out, full-width letters and digits to half-width, line breaks and emoji kept."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).translate(_HALF_WIDTH).strip()


def _check(new: NewCase) -> None:
    if new.kind not in workflow().kinds:
        raise Refused("没有这个类别，请从列表里选。")
    new.description = clean(new.description)
    new.title = " ".join(clean(new.title).split())
    if len(new.description) < 2:
        raise Refused("请写下现象：哪里不好用、提示了什么。")
    if len(new.description) > 5000:
        raise Refused(f"现象最长 5,000 字，现在是 {len(new.description):,} 字。请把长日志存成附件。")
    if len(new.title) > 120:
        raise Refused("标题最长 120 字。")
    if new.severity not in {0, 1, 2, 3}:
        raise Refused("级别只有一级、二级、三级和不定级。")
    if new.opened_at is not None:
        now = timezone.now()
        if new.opened_at > now + FUTURE_SLACK:
            raise Refused("受理时间在将来，请核对。")
        if new.opened_at < now - OLDEST:
            raise Refused("受理时间早于一年前，请核对年份。")


def _open(actor: Actor, new: NewCase) -> Case:
    kind = workflow().kinds[new.kind]
    now = timezone.now()
    opened = new.opened_at or now
    severity = (new.severity or 3) if kind.graded else 0
    first = new.it_first and "it_first" in kind.states and severity not in {1, 2}
    state = kind.states["it_first" if first else kind.start]
    row = Case(
        number=next_number(opened),
        kind=new.kind,
        state=state.key,
        category=state.category,
        severity=severity,
        title=new.title or title_of(new.description),
        description=new.description,
        system=new.system,
        subsystem=new.subsystem,
        function=new.function,
        interface=new.interface,
        department=new.department or (new.reporter.department if new.reporter else None),
        reporter=new.reporter,
        reporter_name=clean(new.reporter_name)[:40] or (new.reporter.name if new.reporter else ""),
        phone=clean(new.phone)[:40] or (new.reporter.phone if new.reporter else ""),
        channel=new.channel,
        registered_by_id=actor.id,
        assignee=new.assignee,
        tried=clean(new.tried)[:5000],
        tags=[clean(t)[:20] for t in new.tags][:10],
        people=sorted({p for p in (actor.id, new.reporter and new.reporter.pk, new.assignee and new.assignee.pk) if p}),
        idempotency_key=new.key[:64] or None,
        opened_at=opened,
        updated_at=now,
    )
    row.save(force_insert=True)
    index_words(row)
    event = say(
        actor, row, "opened", f"{row.get_channel_display()}反映", text=row.description, at=opened,
        data={"severity": severity, "it_first": first, "state": row.state},
    )  # fmt: skip
    if severity:
        say(
            actor,
            row,
            "graded",
            f"定为{LEVELS[severity]}",
            text=new.level_reason,
            data={"severity": severity},
            at=opened,
        )
    if new.assignee:
        say(actor, row, "assigned", f"交给 {new.assignee}", data={"assignee": new.assignee.pk})
    files.attach(actor, row, new.files, event=event)
    if new.reporter:
        Watcher.objects.get_or_create(case=row, person=new.reporter)
    clocks.refresh(row)
    escalation.begin(row)
    telling.tell_assigned(actor, row)
    record(
        actor, "desk.case.open", row, f"登记 {row.number} {row.title}",
        after={"kind": row.kind, "severity": severity, "system": row.system_id, "channel": row.channel,
               "state": state_of(row).label},
    )  # fmt: skip
    return row
