"""Reconciliations: saved, changed into a new version, switched off, imported from files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles

from .. import files
from ..models import Reconciliation, Version
from .base import ReconcileRefused

SETTINGS = (
    "name", "area", "position", "active", "nightly_at", "every_minutes", "clearing_day", "days", "owner_role",
    "due_hours", "proof",
)  # fmt: skip


def save(
    actor: Actor, code: str, document: Mapping[str, Any], settings: Mapping[str, Any], *, note: str = ""
) -> Reconciliation:
    """Make or change a reconciliation; another document is a new version. Raises Denied, ReconcileRefused."""
    require(actor, "reconcile.reconciliation:change")
    problems = files.problems_of(document)
    if problems:
        raise ReconcileRefused("；".join(problems))
    with transaction.atomic():
        row = Reconciliation.objects.select_for_update().filter(code=code).first()
        new = row is None
        row = row or Reconciliation(code=code, author_id=actor.id)
        before = {k: str(getattr(row, k)) for k in SETTINGS}
        for key, value in settings.items():
            if key in SETTINGS:
                setattr(row, key, value)
        _checked(row)
        row.save()
        _version(actor, row, document, note)
        after = {k: str(getattr(row, k)) for k in SETTINGS}
        changed = [k for k in SETTINGS if new or before[k] != after[k]]
        if changed:
            record(
                actor, "reconcile.reconciliation.save", row, f"{'新建' if new else '修改'}对账“{row.name}”",
                before={} if new else {k: before[k] for k in changed}, after={k: after[k] for k in changed},
            )  # fmt: skip
    return row


def _checked(row: Reconciliation) -> None:
    if row.owner_role not in roles():
        raise ReconcileRefused("没有这个归口角色，请从列表里选。")
    try:
        row.full_clean(exclude=["author"])
    except ValidationError as error:
        raise ReconcileRefused(
            "；".join(f"{m}" for messages in error.message_dict.values() for m in messages)
        ) from None


def _version(actor: Actor, row: Reconciliation, document: Mapping[str, Any], note: str) -> Version:
    """The version in force; a new one where the document says something else."""
    last: Version | None = row.versions.order_by("-number").first()
    if last is not None and last.number == row.current and last.document == dict(document):
        return last
    number = (last.number if last else 0) + 1
    version: Version = row.versions.create(
        number=number, document=dict(document), note=note.strip()[:300], author_name=actor.name[:60]
    )
    row.current = number
    row.save(update_fields=["current"])
    record(
        actor, "reconcile.reconciliation.version", row, f"对账“{row.name}”第 {number} 版生效",
        before={"version": number - 1}, after={"version": number, "note": note.strip()[:200]},
    )  # fmt: skip
    return version


def switch(actor: Actor, row: Reconciliation, active: bool) -> Reconciliation:
    """Let it run by itself, or not. Raises Denied."""
    require(actor, "reconcile.reconciliation:change")
    with transaction.atomic():
        found: Reconciliation = Reconciliation.objects.select_for_update().get(pk=row.pk)
        if found.active != active:
            found.active = active
            found.save(update_fields=["active"])
            record(
                actor, "reconcile.reconciliation.switch", found,
                f"{'恢复' if active else '停用'}“{found.name}”的自动核对",
                before={"active": not active}, after={"active": active},
            )  # fmt: skip
    return found


def import_directory(
    actor: Actor, path: Path, *, progress: Callable[[int, int, str], None] = lambda done, total, text: None
) -> list[Reconciliation]:
    """Take reconciliations from YAML files; harmless when repeated. Raises FileProblems, Denied, ReconcileRefused."""
    rows: list[Reconciliation] = []
    items = files.read_directory(path).document["reconciliations"]
    for item in items:
        settings = {k: v for k, v in item.items() if k in SETTINGS}
        if settings.get("nightly_at"):
            settings["nightly_at"] = dt.time.fromisoformat(settings["nightly_at"])
        existing = Reconciliation.objects.filter(code=item["code"]).first()
        if existing is not None:
            settings.pop("active", None)  # what people switched off stays off
        document = {"sources": item["sources"], "spec": item["spec"]}
        rows.append(save(actor, item["code"], document, settings, note=item.get("note", "")))
        progress(len(rows), len(items), f"对账“{rows[-1].name}”")
    return rows
