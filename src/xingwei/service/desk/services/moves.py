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
from .base import Refused, lock, save, say
from .intake import clean
from .text import index_text

TEXT_LIMIT = 5000


def move(
    actor: Actor,
    case: Case,
    key: str,
    values: Mapping[str, Any] | None = None,
    *,
    version: int | None = None,
    attachments: Iterable[UploadedFile] = (),
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
        event = say(
            actor, row, step.event, step.label, text=_quote(step, filled), data=_event_data(step, filled),
        )  # fmt: skip
        files.attach(actor, row, attachments, event=event)
        clocks.refresh(row)
        if step.event in {"responded", "resolved"}:
            escalation.acknowledge(actor, row)
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
    if {"cause", "solution"} & changed:
        row.grams = index_text(row)
        changed.add("grams")
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
    if step.event in {"resolved", "answered"}:
        row.resolved_at = now
        stamped.add("resolved_at")
        if row.responded_at is None:
            row.responded_at = now
            stamped.add("responded_at")
    if step.event == "reopened":
        row.resolved_at = row.closed_at = None
        stamped |= {"resolved_at", "closed_at"}
    if row.category == "closed":
        row.closed_at = now
        stamped.add("closed_at")
    return stamped


def _dependants(actor: Actor, row: Case, step: Move, values: Mapping[str, Any]) -> None:
    if step.answers:
        Answer.objects.create(
            case=row, verdict=step.answers, text=values["answer"], planned=str(values.get("planned") or "")[:120],
            by_id=actor.id,
        )  # fmt: skip
    if step.consents:
        if actor.side not in {"hospital", "vendor"}:
            raise Refused("只有医院和服务商能表示同意。")
        _, fresh = Agreement.objects.get_or_create(
            case=row, subject=step.consents, side=actor.side,
            defaults={"person_id": actor.id, "note": str(values.get("note") or "")[:500]},
        )  # fmt: skip
        if not fresh:
            raise Refused("您这一方已经同意过了，等另一方。")
    if step.event == "planned":
        row.agreements.filter(subject="plan").delete()  # a new plan wants both consents anew
    if step.event == "progress":
        RdProgress.objects.create(
            case=row, stage=str(values["stage"])[:40], text=str(values["progress"])[:2000],
            planned_version=str(values.get("planned_version") or "")[:40], expected_on=values.get("expected_on"),
            by_id=actor.id,
        )  # fmt: skip


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, str):
            value = clean(value)
            if len(value) > TEXT_LIMIT:
                raise Refused(f"最长 {TEXT_LIMIT:,} 字，现在是 {len(value):,} 字。长日志请存成附件。")
        out[key] = value
    return out


def _quote(step: Move, values: Mapping[str, Any]) -> str:
    """What was filled in, as the timeline quotes it."""
    said = []
    for f in step.fields:
        value = values.get(f.key)
        if value in (None, "", False) or f.key in {"party", "satisfaction"}:
            continue
        if isinstance(value, dt.datetime):
            value = timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
        said.append(f"{f.label}：{value}" if len(step.fields) > 1 and value is not True else f.label if value is True else str(value))
    return "\n".join(said)[:TEXT_LIMIT]


def _event_data(step: Move, values: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"move": step.key}
    if step.waiting:
        data["waiting"] = step.waiting
    if isinstance(until := values.get("agreed_until"), dt.datetime):
        data["until"] = until.isoformat()
        data["with"] = values.get("agreed_with", "")
    return data
