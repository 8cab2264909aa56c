"""Adding, changing and removing the parts: systems, subsystems, functions, components, interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from xingwei.base.journal.services import changes, record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from .. import queries
from ..models import (
    BusinessFunction,
    Component,
    Dependency,
    Interface,
    Ownership,
    ServiceWindow,
    Subsystem,
    System,
)
from .base import EstateRefused, check, not_stale, one_at_a_time, referred_by, values_of

PARTS: dict[str, type[models.Model]] = {
    "system": System,
    "subsystem": Subsystem,
    "function": BusinessFunction,
    "component": Component,
    "interface": Interface,
}
LABELS = {"system": "系统", "subsystem": "子系统", "function": "业务功能", "component": "部件", "interface": "接口"}

# What may be set; the code only when a part is added: owners, dependencies and files refer to it.
FIELDS: dict[str, tuple[str, ...]] = {
    "system": ("name", "short_name", "tier", "aliases", "order", "description", "vendor", "clause"),
    "subsystem": ("system", "name", "aliases", "description", "clause", "active"),
    "function": ("system", "subsystem", "name", "aliases", "window", "departments", "description", "active"),
    "component": (
        "system", "name", "aliases", "kind", "location", "address", "version", "responsible", "note", "active",
    ),
    "interface": (
        "system", "name", "aliases", "protocol", "direction", "peer", "peer_organisation", "policy", "clause",
        "fallback", "note", "active",
    ),
}  # fmt: skip


def add_part(actor: Actor, kind: str, values: Mapping[str, Any]) -> Any:
    """A new part; values hold its code too. Raises EstateRefused naming what is wrong."""
    require(actor, "estate.system:change")
    with transaction.atomic():
        one_at_a_time()
        row = PARTS[kind](code=values["code"])
        chosen = _set(row, kind, values)
        check(row)
        row.save()
        _set_many(row, chosen)
        after = values_of(row, FIELDS[kind])
        record(actor, f"estate.{kind}.add", row, f"登记{LABELS[kind]}“{row}”", after={"code": values["code"], **after})
    queries.forget()
    return row


def change_part(actor: Actor, row: Any, values: Mapping[str, Any], *, seen: str = "") -> Any:
    """Set those fields that values name. seen: the stamp of the form; another state refuses the act (Stale)."""
    kind = row.KIND
    require(actor, "estate.system:change", row)
    with transaction.atomic():
        row = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
        not_stale(row, FIELDS[kind], seen)
        before = values_of(row, FIELDS[kind])
        chosen = _set(row, kind, values)
        check(row)
        row.save()
        _set_many(row, chosen)
        old, new = changes(before, values_of(row, FIELDS[kind]))
        if new:
            record(actor, f"estate.{kind}.change", row, f"修改{LABELS[kind]}“{row}”", before=old, after=new)
    queries.forget()
    return row


def remove_part(actor: Actor, row: Any) -> None:
    """Take a part away with its owners and dependencies; one that other things refer to is retired instead.

    Raises EstateRefused naming what refers to it.
    """
    kind = row.KIND
    require(actor, "estate.system:change", row)
    own = frozenset({ServiceWindow}) if kind == "system" else frozenset()
    with transaction.atomic():
        row = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
        if found := referred_by(row, besides=own):
            advice = "请先处理它们" if kind == "system" else "不再使用时请改为停用，历史才看得懂"
            raise EstateRefused(f"“{row}”还有{'、'.join(found)}引用，不能删除，{advice}")
        key = f"{kind}:{row.code}"
        gone = values_of(row, FIELDS[kind])
        Ownership.objects.filter(subject=key).delete()
        Dependency.objects.filter(Q(source=key) | Q(target=key)).delete()
        record(actor, f"estate.{kind}.remove", row, f"删除{LABELS[kind]}“{row}”", before={"code": row.code, **gone})
        row.delete()
    queries.forget()


def _set(row: models.Model, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set plain fields; returns the many-to-many ones, which need a saved row."""
    many: dict[str, Any] = {}
    for name in FIELDS[kind]:
        if name not in values:
            continue
        if row._meta.get_field(name).many_to_many:
            many[name] = values[name]
        else:
            setattr(row, name, values[name])
    sub = getattr(row, "subsystem", None)
    if sub is not None and sub.system_id != getattr(row, "system_id", None):
        raise EstateRefused(f"子系统“{sub}”不属于所选的系统")
    return many


def _set_many(row: models.Model, chosen: Mapping[str, Any]) -> None:
    for name, rows in chosen.items():
        getattr(row, name).set(rows)
