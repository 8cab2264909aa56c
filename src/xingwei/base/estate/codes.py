"""From what people write (codes, names) to rows, and back: for Excel and for the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xingwei.base.accounts.models import Department, Organisation, User
from xingwei.base.accounts.queries import find_people

from .models import Subsystem, System
from .services.base import EstateRefused


def system_of(text: str) -> System | None:
    """By code, short name or name."""
    for lookup in ("code__iexact", "short_name", "name"):
        found: System | None = System.objects.filter(**{lookup: text.strip()}).first()
        if found:
            return found
    return None


def organisation_of(text: str) -> Organisation | None:
    """By code, short name or name."""
    for lookup in ("code", "short_name", "name"):
        if found := Organisation.objects.filter(**{lookup: text.strip()}).first():
            return found
    return None


def subsystem_of(system: System | None, text: str) -> Subsystem | None:
    """By code, or by name within the system."""
    rows = Subsystem.objects.filter(system=system) if system else Subsystem.objects.all()
    return rows.filter(code=text.strip()).first() or rows.filter(name=text.strip()).first()


def person_of(text: str) -> User:
    """The one person whom a 工号 or a name means. Raises EstateRefused for nobody and for several."""
    wanted = text.strip().partition("（")[0].strip()
    found = find_people(wanted, limit=5)
    exact = [u for u in found if wanted in (u.username, u.name, u.short_name)]
    candidates = exact or found
    if not wanted or not candidates:
        raise EstateRefused(f"没有找到“{wanted[:20]}”，请写工号或姓名")
    if len(candidates) > 1:
        names = "、".join(f"{u.name}（{u.username}）" for u in candidates)
        raise EstateRefused(f"“{wanted[:20]}”可能是 {names}，请写工号")
    return candidates[0]


def rows_for(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values with codes turned into rows, for the services. Raises EstateRefused naming an unknown code."""
    out = dict(values)
    if out.get("system"):
        out["system"] = _known(system_of(out["system"]), "系统", out["system"])
    if out.get("subsystem"):
        out["subsystem"] = _known(subsystem_of(out.get("system"), out["subsystem"]), "子系统", out["subsystem"])
    for name in ("vendor", "responsible", "peer_organisation"):
        if out.get(name):
            out[name] = _known(organisation_of(out[name]), "单位", out[name])
    if "departments" in out:
        out["departments"] = [_department(text) for text in out["departments"]]
    for name in ("system", "subsystem", "vendor", "responsible", "peer_organisation"):
        if out.get(name) == "":
            out[name] = None
    return out


def _department(text: str) -> Department:
    found = Department.objects.filter(name=text).first() or Department.objects.filter(code=text).first()
    return _known(found, "科室", text)  # type: ignore[no-any-return]


def _known(row: Any, label: str, text: str) -> Any:
    if row is None:
        raise EstateRefused(f"没有“{str(text)[:40]}”这个{label}")
    return row
