"""The words of one difference: whom it is about, why it is judged so, what may be done. The names of causes are the
specification's own and stand in the row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from xingwei.base.ui.words import moment

from .models import Difference
from .remedies import ACTIONS, ALTERNATIVES
from .words import masked, short_id, shown


def actions(row: Difference) -> tuple[str, ...]:
    """Keys of remedies.ACTIONS that may be chosen, the proposed one first; none for what balances by itself."""
    if row.data.get("expected"):
        return ()
    act = str(row.data.get("act") or "")
    chosen = act if act in ACTIONS else "investigate"
    return (chosen, *(a for a in ALTERNATIVES.get(chosen, ()) if a != chosen))


def detail(row: Difference) -> str:
    return str(row.data.get("detail") or row.get_state_display())


def first(row: Difference) -> Mapping[str, Any]:
    """The fields of what the difference is about, of whichever side has them."""
    found: Mapping[str, Any] = row.data.get("one") or {}
    return found


def who(row: Difference) -> str:
    """The group and the person, masked."""
    record = first(row)
    group = str(row.data.get("group") or "")
    person = next((record[n] for n in ("psn_name", "name", "psn_no", "patient_id") if record.get(n)), "")
    return " · ".join(p for p in (group, masked(person) if person else "") if p) or "—"


def which_parts(row: Difference) -> list[str]:
    """When, and the number by which it is found."""
    return [p for p in (str(row.data.get("at") or "")[5:19], short_id(row.reference)) if p]


def which(row: Difference) -> str:
    return " · ".join(which_parts(row))


def why(row: Difference) -> str:
    return str(row.data.get("why") or row.data.get("detail") or "按各级凭据都没有对上")


def proof_count(row: Difference) -> int:
    return len(row.data.get("proof") or ())


def remedy_words(row: Difference) -> dict[str, str]:
    """What is done or to be done, and how it stands."""
    if row.state == Difference.State.ACCEPTED:
        return {"title": "人工认可", "state": "done", "icon": "writing-sign", "text": "两人复核"}
    if row.state == Difference.State.RESOLVED:
        return {"title": "已消除", "state": "ok", "icon": "circle-check", "text": "后来的核对里不再出现"}
    remedy = getattr(row, "remedy", None)
    if remedy is not None and remedy.state not in {"refused", "failed"}:
        look = "ok" if remedy.met else "warn"
        return {"title": ACTIONS[remedy.action].title, "state": look, "icon": "writing-sign",
                "text": remedy.get_state_display()}  # fmt: skip
    keys = actions(row)
    if not keys:
        title = str(row.data.get("act_title") or "不用处理")
        return {"title": title, "state": "ok", "icon": "circle-check", "text": "会自己平"}
    action = ACTIONS[keys[0]]
    title = str(row.data.get("act_title") or action.title)
    text = str(row.data.get("precondition") or action.precondition)
    if remedy is not None:
        return {"title": title, "state": "warn", "icon": "alert-triangle", "text": remedy.get_state_display()}
    return {"title": title, "state": "", "icon": "list-check", "text": text}


def due_words(row: Difference, now: dt.datetime | None = None) -> dict[str, str]:
    at = now or timezone.now()
    if not row.is_open:
        return {"state": "done", "text": moment(row.resolved_at, at) if row.resolved_at else "已完"}
    if row.due_at is None:
        return {"state": "ok", "text": "—"}
    late = row.due_at < at
    state = "late" if late else "soon" if row.due_at - at < dt.timedelta(hours=4) else "ok"
    local = timezone.localtime(row.due_at)
    words = "今日" if local.date() == timezone.localdate(at) else f"{local:%m-%d}"
    return {"state": state, "text": f"{'超时 ' if late else ''}{words} {local:%H:%M}"}


def proof_rows(row: Difference, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of proof, those of the difference itself first; personal fields masked."""
    found = []
    for proof in row.data.get("proof") or ():
        cells = [(fields.get(n, n), shown(n, v)) for n, v in proof["cells"].items() if v not in (None, "")]
        found.append(proof | {"cells": cells})
    return found
