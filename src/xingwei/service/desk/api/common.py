"""Finding what an address or a body names; what nobody may see is not there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from xingwei.base.accounts.models import Department, User
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System

from ..models import Case
from ..queries import ledger
from ..services.base import Refused
from ..workflow import workflow

_NAMED = {
    "system": (System, "系统", "code"),
    "subsystem": (Subsystem, "子系统", "code"),
    "function": (BusinessFunction, "业务功能", "code"),
    "interface": (Interface, "接口", "code"),
    "department": (Department, "科室", "code"),
    "reporter": (User, "工号", "username"),
    "person": (User, "工号", "username"),
}


def actor_of(request: HttpRequest) -> Any:
    return request.actor  # type: ignore[attr-defined]


def case_of(request: HttpRequest, number: str) -> Case:
    """The case, or 404."""
    rows = ledger.visible(actor_of(request)).select_related("timing", "system", "department", "assignee")
    return get_object_or_404(rows, number=number)


def cases_of(request: HttpRequest, numbers: list[str]) -> list[Case]:
    """Every one of them; raises Refused with the first that is not there."""
    rows = {c.number: c for c in ledger.visible(actor_of(request)).filter(number__in=numbers)}
    for number in numbers:
        if number not in rows:
            raise Refused(f"没有编号为“{number[:20]}”的问题单，或您看不到它。")
    return [rows[n] for n in dict.fromkeys(numbers)]


def named(key: str, code: str) -> Any:
    """What a code stands for, None for an empty one; raises Refused where nothing has it."""
    model, what, field = _NAMED[key]
    if not code:
        return None
    found = model._default_manager.filter(**{field: code}).first()
    if found is None:
        raise Refused(f"没有编号为“{code[:40]}”的{what}。")
    return found


def codes() -> frozenset[str]:
    """Fields of a case that come as codes."""
    return frozenset(_NAMED) - {"person"}


def value_of(row: Case, move_key: str, name: str, value: Any) -> Any:
    """Times and dates come as text; what the workflow calls a date becomes one."""
    move = workflow().kinds[row.kind].moves.get(move_key)
    field = next((f for f in move.fields if f.key == name), None) if move else None
    if field is None or not isinstance(value, str) or field.type not in {"datetime", "date"}:
        return value
    try:
        if field.type == "date":
            return dt.date.fromisoformat(value)
        at = dt.datetime.fromisoformat(value)
    except ValueError:
        raise Refused(f"{field.label}“{value[:30]}”不是时间，应写成 2026-03-18T10:30:00+08:00。") from None
    if at.tzinfo is None:
        raise Refused(f"{field.label}没有写时区，应写成 2026-03-18T10:30:00+08:00。")
    return at
