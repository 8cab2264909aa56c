"""The parameter dictionary (clause 2.2): what a parameter means, and every value that it was set to, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import changes, record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Parameter, ParameterValue
from .base import EstateRefused, check, not_stale, one_at_a_time, referred_by, values_of

FIELDS = (
    "system", "subsystem", "name", "meaning", "allowed", "default", "effect", "advice", "since", "active",
)  # fmt: skip


def change_parameter(actor: Actor, row: Parameter | None, values: Mapping[str, Any], *, seen: str = "") -> Parameter:
    """Add an entry (row None; values hold its code) or change one. Raises EstateRefused, Stale."""
    require(actor, "estate.parameter:change", row)
    with transaction.atomic():
        new = row is None
        if row is None:
            one_at_a_time()
            row = Parameter(code=values["code"])
        else:
            row = Parameter.objects.select_for_update(of=("self",)).get(pk=row.pk)
            not_stale(row, FIELDS, seen)
        before = values_of(row, FIELDS)
        for name in FIELDS:
            if name in values:
                setattr(row, name, values[name])
        if row.subsystem is not None and row.subsystem.system_id != row.system_id:
            raise EstateRefused(f"子系统“{row.subsystem}”不属于所选的系统")
        check(row)
        row.save()
        old, after = changes({} if new else before, values_of(row, FIELDS))
        if after:
            verb, word = ("add", "登记") if new else ("change", "修改")
            summary = f"{word}参数“{row.name}”（{row.system} {row.code}）"
            record(actor, f"estate.parameter.{verb}", row, summary, before=None if new else old, after=after)
    return row


def remove_parameter(actor: Actor, row: Parameter) -> None:
    """Take away an entry that was never set; one with a history is retired instead."""
    require(actor, "estate.parameter:change", row)
    with transaction.atomic():
        row = Parameter.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if found := referred_by(row):
            raise EstateRefused(f"“{row.name}”有{'、'.join(found)}，不能删除，请改为停用")
        gone = {"code": row.code, **values_of(row, FIELDS)}
        record(actor, "estate.parameter.remove", row, f"删除参数“{row.name}”（{row.system} {row.code}）", before=gone)
        row.delete()


def set_parameter_value(actor: Actor, row: Parameter, value: str, reason: str, *, seen: str = "") -> ParameterValue:
    """Record that the hospital set the parameter; Xingwei does not touch the system itself.

    seen: the value that the form showed. Raises EstateRefused without a reason, for the same value, for a retired
    parameter; Stale when somebody else set it meanwhile.
    """
    require(actor, "estate.parameter_value:set", row)
    value, reason = value.strip(), reason.strip()
    if not reason:
        raise EstateRefused("请写明为什么改")
    with transaction.atomic():
        row = Parameter.objects.select_for_update(of=("self",)).get(pk=row.pk)
        last = row.history.first()
        before = last.value if last else row.default
        if not row.active:
            raise EstateRefused(f"参数“{row.name}”已停用，不能再设值")
        if seen and seen != before:
            raise EstateRefused(f"别人刚刚把它改成了“{before}”。请核对后再保存")
        if last is not None and value == before:
            raise EstateRefused(f"现在的值就是“{value}”")
        entry = ParameterValue(
            parameter=row,
            value=value,
            before=before,
            reason=reason,
            changed_by_id=actor.id,
            changed_by_name=actor.name,
            changed_at=timezone.now(),
        )
        check(entry)
        entry.save()
        record(
            actor,
            "estate.parameter.set",
            row,
            f"参数“{row.name}”（{row.system} {row.code}）改为“{value}”：{reason}",
            before={"value": before},
            after={"value": value},
        )
    return entry
