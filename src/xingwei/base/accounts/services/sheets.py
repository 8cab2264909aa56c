"""People from an Excel sheet: what a row means, what it would change, and the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles
from xingwei.base.ui.sheet_import import Plan, compare
from xingwei.base.ui.sheets import Field, Sheet, SheetRow

from ..models import Department, Organisation, User
from ..models.roles import role_label
from . import people
from .base import AccountRefused
from .roles import administration_of, check_side, grant_role

FIELDS = (
    Field("username", "工号", kind="code", required=True, max_length=40, hint="登录用；已有的工号是更改，没有的是新建"),
    Field("name", "姓名", required=True, max_length=40),
    Field("short_name", "称呼", max_length=20, hint="如 王工、何科长"),
    Field("organisation", "单位", max_length=80, hint="名称、简称或代码；不填就是医院"),
    Field("department", "科室", max_length=60, hint="名称或编号"),
    Field("title", "职务", max_length=40),
    Field("phone", "电话", kind="code", max_length=40, aliases=("分机或电话", "分机")),
    Field("mobile", "手机", kind="code", max_length=20),
    Field("email", "邮箱", kind="code", max_length=254),
    Field("wecom_id", "企业微信号", kind="code", max_length=64),
    Field(
        "grade",
        "账号级别",
        kind="choice",
        choices={str(label): grade for grade, label in User.Grade.choices},
        aliases=("级别",),
    ),
    Field(
        "roles",
        "角色",
        kind="list",
        choices={s["label"]: r for r, s in roles().items()},
        hint="用、分开；只增加，不收回",
    ),
    Field("valid_until", "有效期至", kind="date", hint="外来人员必填"),
    Field("application", "书面申请编号", max_length=60, hint="外来人员必填"),
    Field("nda_on", "保密协议签署日期", kind="date"),
)
_BY_KEY = {f.key: f for f in FIELDS}


@dataclass(slots=True)
class _Row:
    """A row in the terms of the database. user: the account that it changes, None for a new one."""

    number: int
    user: User | None
    values: dict[str, Any]
    roles: list[str] = field(default_factory=list)


class _Places:
    """Organisations and departments by whatever name a sheet gives them, read once."""

    def __init__(self) -> None:
        self._organisations: dict[str, Organisation] = {}
        for row in Organisation.objects.filter(active=True).order_by("-pk"):
            self._organisations |= {row.code: row, row.short_name: row, row.name: row}
        hospitals = [o for o in self._organisations.values() if o.side == Organisation.Side.HOSPITAL]
        self._hospital = min(hospitals, key=lambda o: o.pk, default=None)
        self._departments: dict[tuple[int, str], Department] = {}
        for place in Department.objects.filter(active=True):
            self._departments[place.organisation_id, place.code] = place
            self._departments[place.organisation_id, place.name] = place

    def organisation(self, name: str, user: User | None) -> Organisation | None:
        if not name:
            return user.organisation if user else self._hospital
        return self._organisations.get(name)

    def department(self, organisation: Organisation, name: str) -> Department | None:
        return self._departments.get((organisation.pk, name))


def plan_people(sheet: Sheet) -> Plan:
    """What the sheet would change; every cell that is wrong is noted in sheet.errors."""
    plan = Plan()
    for row, found in _understood(sheet):
        before = _shown(found.user) if found.user else None
        after = {k: v for k, v in row.values.items() if k != "roles"}
        if "organisation" in row.values:
            after["organisation"] = found.values["organisation"].name
        if found.values.get("department"):
            after["department"] = found.values["department"].name
        if found.roles:
            held = [] if found.user is None else [a.role for a in found.user.assignments.all()]
            after["roles"] = [role_label(r) for r in dict.fromkeys([*held, *found.roles])]
        if "grade" in after:
            after["grade"] = User.Grade(after["grade"]).label if after["grade"] else (before or {}).get("grade", "")
        plan.rows.append(
            compare(row.number, f"{found.values['name']}（{found.values['username']}）", before, after, FIELDS)
        )
    plan.errors = list(sheet.errors)
    return plan


def import_sheet(actor: Actor, sheet: Sheet) -> tuple[dict[str, str], int]:
    """Do it, all rows or none: (工号 → first password of new accounts, number of changed accounts)."""
    require(actor, "accounts.person:change")
    first: dict[str, str] = {}
    changed = 0
    with transaction.atomic():
        rows = [found for _, found in _understood(sheet)]
        if sheet.errors:
            raise AccountRefused(f"表里有 {len(sheet.errors)} 处要改正，没有导入：{sheet.errors[0]}")
        for row in rows:
            try:
                user, password = _apply(actor, row)
            except AccountRefused as refusal:
                raise AccountRefused(f"第 {row.number} 行：{refusal}没有导入任何一行。") from None
            changed += row.user is not None
            if password:
                first[user.username] = password
    return first, changed


def _apply(actor: Actor, row: _Row) -> tuple[User, str]:
    password = ""
    if row.user is None:
        user, password = people.create_person(actor, row.values)
    else:
        user = people.edit_person(actor, row.user, row.values)
    held = set(user.assignments.values_list("role", flat=True))
    for role in row.roles:
        if role not in held:
            grant_role(actor, user, role)
    return user, password


def _understood(sheet: Sheet) -> list[tuple[SheetRow, _Row]]:
    """The rows without an error so far, in the database's terms; adds the errors that only it can find."""
    wrong = {e.row for e in sheet.errors}
    names = [r.values.get("username", "").lower() for r in sheet.rows]
    known = {
        u.username.lower(): u
        for u in User.objects.filter(username__in=[r.values.get("username", "") for r in sheet.rows])
        .select_related("organisation", "department")
        .prefetch_related("assignments")
    }
    places = _Places()
    out = []
    for row, name in zip(sheet.rows, names, strict=True):
        if row.number in wrong:
            continue
        if names.count(name) > 1:
            sheet.error(row, _BY_KEY["username"], "在表里出现了两次")
        elif (found := _understand(sheet, row, known.get(name), places)) is not None:
            out.append((row, found))
    return out


def _understand(sheet: Sheet, row: SheetRow, user: User | None, places: _Places) -> _Row | None:
    values = {k: v for k, v in row.values.items() if k not in {"roles", "organisation", "department"}}
    if not values.get("grade"):
        values.pop("grade", None)
    organisation = places.organisation(row.values.get("organisation") or "", user)
    if organisation is None:
        sheet.error(row, _BY_KEY["organisation"], "没有这个单位，请先在“单位与科室”里建立")
        return None
    values["organisation"] = organisation
    if "department" in row.values:
        wanted = row.values["department"]
        department = places.department(organisation, wanted)
        if wanted and department is None:
            sheet.error(row, _BY_KEY["department"], f"{organisation.short_name}没有这个科室")
            return None
        values["department"] = department
    found = _Row(row.number, user, values, list(row.values.get("roles") or []))
    return found if _sound(sheet, row, found) else None


def _sound(sheet: Sheet, row: SheetRow, found: _Row) -> bool:
    if email := found.values.get("email"):
        try:
            validate_email(email)
        except ValidationError:
            sheet.error(row, _BY_KEY["email"], "不是邮箱地址")
            return False
    candidate = User(**{**_stored(found.user), **found.values})
    candidate.pk = found.user.pk if found.user else None
    held = [a.role for a in found.user.assignments.all()] if found.user else []
    column = "roles"
    try:
        for role in found.roles:
            if administration_of(role) and role not in held:
                raise AccountRefused(f"{role_label(role)}是三员之一，要在人员页上单独提出任命。")
            check_side(candidate, role)
        column = "valid_until"
        people.check_particulars(candidate)
    except AccountRefused as refusal:
        sheet.error(row, _BY_KEY[column], str(refusal))
        return False
    return True


def _stored(user: User | None) -> Mapping[str, Any]:
    return {name: getattr(user, name) for name in people.FIELDS} if user else {}


def _shown(user: User) -> dict[str, Any]:
    """The account as the sheet would write it."""
    shown: dict[str, Any] = {name: getattr(user, name) for name in people.FIELDS}
    shown["organisation"] = user.organisation.name
    shown["department"] = user.department.name if user.department else ""
    shown["grade"] = user.get_grade_display()
    shown["roles"] = [a.label for a in user.assignments.all()]
    return shown
