"""Moving a case along its workflow: one function for every move, since the moves are data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor

from ..engine.workflow import Move, MoveRefused
from ..models import Agreement, Answer, Case, RdProgress
from ..workflow import facts_of, kind_of, mover, state_of, workflow
from . import clocks, escalation, files, telling
from .base import Refused, include, lock, save, say
from .intake import clean
from .text import index_words

TEXT_LIMIT = 5000
FURTHEST = dt.timedelta(days=366)


def move(
    actor: Actor,
    case: Case,
    key: str,
    values: Mapping[str, Any] | None = None,
    *,
    version: int | None = None,
    attachments: Iterable[UploadedFile[Any]] = (),
) -> Case:
    """Make a move of the workflow (kinds.yaml). Raises Denied, StaleEdit, Refused with the reason in Chinese."""
    filled = _cleaned(values or {})
    with transaction.atomic():
        row = lock(actor, case, "desk.case:move", version)
        if row.merged_into_id:
            raise Refused(f"{row.number} 已并入 {row.merged_into}，请到那一件办理。")
        try:
            step = workflow().check(facts_of(row), key, mover(actor, row), filled)
        except MoveRefused as refusal:
            raise Refused(f"{refusal}。") from None
        before = {"state": state_of(row).label}
        changed = _apply(actor, row, step, filled)
        save(row, *changed)
        if {"tried", "cause", "solution"} & changed:
            index_words(row)
        event = say(
            actor, row, step.event, step.label, text=_quote(step, filled), data=_event_data(row, step, filled),
        )  # fmt: skip
        files.attach(actor, row, attachments, event=event)
        clocks.refresh(row)
        if step.event in {"responded", "resolved", "answered"}:
            escalation.acknowledge(actor, row)
        elif step.event == "handed_over":
            escalation.begin(row)
        record(
            actor, f"desk.case.{key}", row, f"{step.label}：{row.number} {row.title}",
            before=before, after={"state": state_of(row).label, **{k: v for k, v in filled.items() if v}},
        )  # fmt: skip
        telling.tell_move(actor, row, step, filled)
    return row


def _apply(actor: Actor, row: Case, step: Move, values: Mapping[str, Any]) -> set[str]:
    """Put the move into the row and its dependants; returns the changed columns."""
    now = timezone.now()
    changed = {"waiting_for"}
    row.waiting_for = step.waiting
    if step.to:
        state = kind_of(row).states[step.to]
        row.state, row.category = state.key, state.category
        changed |= {"state", "category"}
    for name in ("tried", "cause", "solution", "party", "half_solved"):
        if name in values and any(f.key == name for f in step.fields):
            setattr(row, name, values[name] or (False if name == "half_solved" else ""))
            changed.add(name)
    if any(f.key == "satisfaction" for f in step.fields) and values.get("satisfaction"):
        row.satisfaction, row.satisfaction_note = int(values["satisfaction"]), str(values.get("note") or "")[:500]
        changed |= {"satisfaction", "satisfaction_note"}
    changed |= _stamps(row, step, now)
    if step.event == "responded" and row.assignee_id is None and actor.side == "vendor":
        row.assignee_id = actor.id
        changed.add("assignee_id")
        include(row, actor.id)
    _dependants(actor, row, step, values)
    return {c.removesuffix("_id") if c == "assignee_id" else c for c in changed}


def _stamps(row: Case, step: Move, now: dt.datetime) -> set[str]:
    stamped: set[str] = set()
    if step.event == "responded" and row.responded_at is None:
        row.responded_at = now
        stamped.add("responded_at")
    if step.event == "arrived" and row.arrived_at is None:
        row.arrived_at = now
        stamped.add("arrived_at")
    if step.event == "restored" and row.restored_at is None:
        row.restored_at = now
        stamped.add("restored_at")
    if step.event in {"resolved", "answered"}:
        row.resolved_at = now
        stamped.add("resolved_at")
        if row.responded_at is None:
            row.responded_at = now
            stamped.add("responded_at")
    if step.event == "reopened":
        row.restored_at = row.resolved_at = row.closed_at = None
        stamped |= {"restored_at", "resolved_at", "closed_at"}
    if row.category == "closed":
        row.closed_at = now
        stamped.add("closed_at")
    return stamped


def _dependants(actor: Actor, row: Case, step: Move, values: Mapping[str, Any]) -> None:
    if step.answers:
        Answer.objects.create(
            case=row, verdict=step.answers, text=values["answer"], planned=str(values.get("planned") or "")[:120],
            by_id=_person(actor),
        )  # fmt: skip
    if step.consents:
        if actor.side not in {"hospital", "vendor"}:
            raise Refused("只有医院和服务商能表示同意。")
        _, fresh = Agreement.objects.get_or_create(
            case=row, subject=step.consents, side=actor.side,
            defaults={"person_id": _person(actor), "note": str(values.get("note") or "")[:500]},
        )  # fmt: skip
        if not fresh:
            raise Refused("您这一方已经同意过了，等另一方。")
    if step.event == "planned":
        row.agreements.filter(subject="plan").delete()  # a new plan wants both consents anew
    if step.event == "progress":
        RdProgress.objects.create(
            case=row, stage=str(values["stage"])[:40], text=str(values["progress"])[:2000],
            planned_version=str(values.get("planned_version") or "")[:40], expected_on=values.get("expected_on"),
            by_id=_person(actor),
        )  # fmt: skip


def _person(actor: Actor) -> int:
    """Whoever answers, consents or reports puts a name to it: the system itself cannot."""
    if actor.id is None:
        raise Refused("这一步要由具体的人来做。")
    return actor.id


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        out[key] = clean(value) if isinstance(value, str) else value
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            raise Refused(f"最长 {TEXT_LIMIT:,} 字，现在是 {len(value):,} 字。长日志请存成附件。")
    _check_times(out)
    return out


def _check_times(values: Mapping[str, Any]) -> None:
    """An agreed time lies ahead, and not years ahead: a slip of the year is caught here."""
    now = timezone.now()
    for name in ("agreed_until", "visit_at"):
        at = values.get(name)
        if isinstance(at, dt.datetime) and at <= now:
            raise Refused("约定的时间已经过去了，请填将来的时间。")
        if isinstance(at, dt.datetime) and at > now + FURTHEST:
            raise Refused("约定的时间在一年以后，请核对年份。")


def _quote(step: Move, values: Mapping[str, Any]) -> str:
    """What was filled in, as the timeline quotes it."""
    said = []
    for f in step.fields:
        value = values.get(f.key)
        if value in (None, "", False) or f.key in {"party", "satisfaction"}:
            continue
        if isinstance(value, dt.datetime):
            value = timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
        if value is True:
            said.append(f.label)
        else:
            said.append(f"{f.label}：{value}" if len(step.fields) > 1 else str(value))
    return "\n".join(said)[:TEXT_LIMIT]


def _event_data(row: Case, step: Move, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the clocks read: the state reached, whom the case waits for, until when was agreed."""
    data: dict[str, Any] = {"move": step.key, "state": row.state}
    if step.waiting:
        data["waiting"] = step.waiting
    until = values.get("agreed_until") or values.get("visit_at")
    if isinstance(until, dt.datetime):
        data["until"] = until.isoformat()
        data["with"] = values.get("agreed_with", "")
    return data
