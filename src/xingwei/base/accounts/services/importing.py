"""Organisations, departments and people from one YAML file: the demonstration, and a hospital's first filling.

    settings:      {key: value}                      as on the settings page
    organisations: [{code, name, short_name, side, phone}]
    departments:   [{code, name, kind, location, extension, organisation?}]   of the hospital unless it says so
    people:        [{username, name, organisation, department?, roles: […], systems?: […], …}]

Organisations and departments are matched by code or name, people by 工号; importing again changes only what
differs, and takes nothing away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction

from xingwei.base.policy.engine import Actor
from xingwei.base.site.registry import SettingError
from xingwei.base.site.services import change_setting

from ..models import Department, Organisation, RoleAssignment, User
from . import people
from .base import AccountRefused
from .organisations import save_department, save_organisation
from .roles import Term, administration_of, assign, propose_role

_ORGANISATION_KEYS = {"code", "name", "short_name", "side", "phone"}
_DEPARTMENT_KEYS = {"code", "name", "kind", "location", "extension", "organisation"}
_PERSON_KEYS = {*people.FIELDS, "roles", "systems"}


@dataclass(slots=True)
class Imported:
    """How many of each were new or changed, and of which new accounts the first password is what."""

    organisations: int = 0
    departments: int = 0
    created: int = 0
    changed: int = 0
    passwords: dict[str, str] | None = None

    def __str__(self) -> str:
        return (
            f"单位 {self.organisations} 个、科室 {self.departments} 个有变化；"
            f"新建账号 {self.created} 个，更改 {self.changed} 个"
        )


def import_people(
    actor: Actor, path: Path, *, password: str = "", progress: Callable[[int, int], None] | None = None
) -> Imported:
    """Import the file in one transaction; harmless when repeated. Raises AccountRefused, naming the entry.

    password: what new accounts open with (a demonstration); without it each gets its own, returned once.
    progress is told (people done, people in all). Administrations are granted at once only where the product
    itself imports (set-up); where a person does, they become proposals.
    """
    raw = _load(path)
    done = Imported(passwords=None if password else {})
    encoded = make_password(password) if password else ""  # one hash for all: hashing is made to be slow
    entries = raw.get("people") or []
    with transaction.atomic():
        for key, chosen in (raw.get("settings") or {}).items():
            _guarded(f"settings {key}", change_setting, actor, key, chosen)
        for entry in raw.get("organisations") or []:
            done.organisations += _guarded(f"单位 {entry.get('name')}", _organisation, actor, entry)
        for entry in raw.get("departments") or []:
            done.departments += _guarded(f"科室 {entry.get('name')}", _department, actor, entry)
        for number, entry in enumerate(entries, start=1):
            _guarded(f"人员 {entry.get('username')}", _person, actor, entry, done, encoded)
            if progress:
                progress(number, len(entries))
    return done


def _load(path: Path) -> Mapping[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AccountRefused(f"没有这个文件：{path}") from None
    except (OSError, UnicodeDecodeError):
        raise AccountRefused(f"文件读不了：{path}。请确认它是 UTF-8 编码的 YAML 文件。") from None
    except yaml.YAMLError as error:
        raise AccountRefused(f"{path} 不是正确的 YAML：{error}") from None
    known = {"settings", "organisations", "departments", "people"}
    if not isinstance(raw, dict) or not known & set(raw):
        raise AccountRefused(f"{path} 里应有 organisations、departments、people。")
    if unknown := set(raw) - known:
        raise AccountRefused(f"{path} 里有不认识的部分：{'、'.join(sorted(unknown))}。")
    return raw


def _guarded(where: str, run: Callable[..., Any], *args: Any) -> Any:
    """Whatever is wrong with an entry is said with the entry's name."""
    try:
        return run(*args)
    except (AccountRefused, SettingError) as error:
        raise AccountRefused(f"{where}：{error}") from None
    except ValidationError as error:
        raise AccountRefused(f"{where}：{_in_words(error)}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise AccountRefused(f"{where}：缺少或写错了 {error}") from None


def _in_words(error: ValidationError) -> str:
    labels = {f.name: str(f.verbose_name) for m in (User, Department, Organisation) for f in m._meta.fields}
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    return "；".join(f"{labels.get(name, name)}{'：' if name else ''}{''.join(said)}" for name, said in found.items())


def _only(entry: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(entry) - known:
        raise AccountRefused(f"不认识的项目 {'、'.join(sorted(unknown))}")


def _organisation(actor: Actor, entry: Mapping[str, Any]) -> bool:
    _only(entry, _ORGANISATION_KEYS)
    row = Organisation.objects.filter(code=entry["code"]).first()
    if row is not None and all(getattr(row, k) == v for k, v in entry.items()):
        return False
    candidate = Organisation(**{**_values(row, _ORGANISATION_KEYS), **entry})
    candidate.clean_fields()
    save_organisation(actor, row, entry)
    return True


def _department(actor: Actor, entry: Mapping[str, Any]) -> bool:
    _only(entry, _DEPARTMENT_KEYS)
    values = dict(entry)
    if "organisation" in entry:
        values["organisation"] = Organisation.objects.get(code=entry["organisation"])
    else:
        values["organisation"] = Organisation.objects.filter(side=Organisation.Side.HOSPITAL).first()
    if values["organisation"] is None:
        raise AccountRefused("还没有医院这个单位")
    row = Department.objects.filter(code=entry["code"]).first()
    row = row or Department.objects.filter(name=entry["name"], organisation=values["organisation"]).first()
    if row is not None and all(getattr(row, k) == v for k, v in values.items()):
        return False
    Department(**{**_values(row, _DEPARTMENT_KEYS), **values}).clean_fields()
    save_department(actor, row, values)
    return True


def _values(row: Any, keys: set[str]) -> dict[str, Any]:
    return {k: getattr(row, k) for k in keys} if row is not None else {}


def _person(actor: Actor, entry: Mapping[str, Any], done: Imported, encoded: str) -> None:
    _only(entry, _PERSON_KEYS)
    values = _person_values(entry)
    row = User.objects.filter(username=values["username"]).first()
    grade = values.pop("grade", "")
    if grade and grade != User.Grade.SUPER:  # that one comes with the administration itself
        values["grade"] = grade
    new, changed = row is None, False
    if row is None:
        row, first = people.create_person(actor, values, encoded=encoded)
        done.created += 1
        if first and done.passwords is not None:
            done.passwords[row.username] = first
    else:
        changed = any(getattr(row, k) != v for k, v in values.items())
        row = people.edit_person(actor, row, values) if changed else row
    for role in entry.get("roles") or []:
        changed |= _role(actor, row, role, tuple(entry.get("systems") or ()), entry)
    done.changed += changed and not new


def _person_values(entry: Mapping[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in entry.items() if k in people.FIELDS}
    organisation = Organisation.objects.filter(code=entry["organisation"]).first()
    if organisation is None:
        raise AccountRefused(f"没有代码为 {entry['organisation']} 的单位")
    values["organisation"] = organisation
    if name := entry.get("department"):
        departments = Department.objects.filter(organisation=organisation)
        found = departments.filter(name=name).first() or departments.filter(code=str(name)).first()
        if found is None:
            raise AccountRefused(f"{organisation.short_name}没有“{name}”这个科室")
        values["department"] = found
    for key in ("valid_until", "nda_on"):
        if isinstance(values.get(key), str):
            values[key] = dt.date.fromisoformat(values[key])
    User(**values).clean_fields(exclude=["password"])
    return values


def _role(actor: Actor, user: User, role: str, systems: tuple[str, ...], entry: Mapping[str, Any]) -> bool:
    held = RoleAssignment.objects.filter(user=user, role=role).first()
    if held is not None and (not systems or held.systems == list(systems)):
        return False
    if administration_of(role) and actor.side != "system":
        propose_role(actor, user, role, reason=f"导入文件中列为{entry.get('title') or role}")
        return True
    assign(actor, user, role, Term(systems=systems))
    if administration_of(role):
        user.grade = User.Grade.SUPER
        user.save(update_fields=["grade"])
    return True
