"""Organisations and departments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, models, transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Department, Organisation
from .base import AccountRefused, apply, locked

ORGANISATION_FIELDS = ("code", "name", "short_name", "side", "phone", "active")
DEPARTMENT_FIELDS = ("organisation", "code", "name", "kind", "location", "extension", "parent", "active")


def save_organisation(
    actor: Actor, organisation: Organisation | None, values: Mapping[str, Any], *, seen: str = ""
) -> Organisation:
    """Create (None) or change one. Its side decides which roles its people may hold and does not change later."""
    require(actor, "accounts.organisation:change")
    with transaction.atomic():
        row = locked(organisation) if organisation else Organisation()
        before, after = apply(row, values, ORGANISATION_FIELDS, seen)
        if organisation and "side" in after and row.people.exists():
            raise AccountRefused("这个单位已有人员，类别不能再改：角色是按类别授予的。")
        if organisation and after.get("active") is False and row.people.filter(is_active=True).exists():
            raise AccountRefused("这个单位还有启用的账号，请先停用这些账号。")
        _save(row, "单位代码")
        _record(actor, "organisation", row, organisation is None, before, after)
    return row


def save_department(
    actor: Actor, department: Department | None, values: Mapping[str, Any], *, seen: str = ""
) -> Department:
    """Create (None) or change one; refuses a circle of parents."""
    require(actor, "accounts.organisation:change")
    with transaction.atomic():
        row = locked(department) if department else Department()
        before, after = apply(row, values, DEPARTMENT_FIELDS, seen)
        _check_parent(row)
        if department and after.get("active") is False and row.people.filter(is_active=True).exists():
            raise AccountRefused(f"{row.name}还有启用的账号，请先把他们调到别的科室或停用。")
        _save(row, "科室编号")
        _record(actor, "department", row, department is None, before, after)
    return row


def _check_parent(row: Department) -> None:
    above, seen = row.parent, {row.pk}
    while above is not None:
        if above.pk in seen:
            raise AccountRefused(f"{row.name}不能放在自己的下级科室之下。")
        if above.organisation_id != row.organisation_id:
            raise AccountRefused("上级科室属于另一个单位。")
        seen.add(above.pk)
        above = above.parent


def _save(row: models.Model, what: str) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise AccountRefused(f"{what} {row.code} 已经用过了。") from None  # type: ignore[attr-defined]


def _record(
    actor: Actor, kind: str, row: Organisation | Department, new: bool, before: dict[str, Any], after: dict[str, Any]
) -> None:
    if not after:
        return
    verb, said = ("create", "新建") if new else ("edit", "修改")
    label = "单位" if kind == "organisation" else "科室"
    record(
        actor,
        f"accounts.{kind}.{verb}",
        row,
        f"{said}{label} {row.name}",
        before=None if new else before,
        after=after,
    )
