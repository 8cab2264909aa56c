"""Mappings: taken from a document, versioned, switched; the statements of each are shown before anything runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping as Values
from typing import Any

from django.db import transaction

from xingwei.base.connections import services as connections
from xingwei.base.connections.engine.statements import DIALECTS
from xingwei.base.connections.models import Connection
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..engine import mapping as maps
from ..models import Mapping, MappingVersion
from .base import LakeRefused


def put(actor: Actor, document: Values[str, Any]) -> tuple[Mapping, bool]:
    """Take a mapping's document: new, changed (the next version; what it made is made anew), or as it was.

    All its statements are registered on the connection. Returns the row and whether anything changed.
    Raises LakeRefused.
    """
    require(actor, "lake.mapping:change")
    connection = Connection.objects.filter(code=document["connection"]).first()
    if connection is None:
        raise LakeRefused(f"没有连接“{document['connection']}”")
    try:
        spec = maps.parse(document)
        texts = maps.statements(spec, DIALECTS[connection.kind])
    except maps.MappingProblem as problem:
        raise LakeRefused(str(problem)) from None
    with transaction.atomic():
        row = Mapping.objects.select_for_update().filter(code=document["code"]).first()
        for name, text in texts.items():
            _show(actor, connection, text, f"{document['title']}：{maps.purpose_of(name)}")
        since = dt.date.fromisoformat(document["since"]) if document.get("since") else None
        values = {
            "dataset": spec.dataset.code,
            "title": document["title"],
            "connection": connection,
            "document": dict(document),
            "every_minutes": document.get("every_minutes", 60),
        }
        if row is None:
            row = Mapping.objects.create(code=document["code"], since=since, **values)
            _version(actor, row)
            record(actor, "lake.mapping.add", row, f"新建映射“{row.title}”→ {spec.dataset.title}")
            return row, True
        if row.document == values["document"] and row.connection_id == connection.pk:
            return row, False
        if row.dataset != spec.dataset.code:
            raise LakeRefused(f"映射“{row.title}”已用于数据集 {row.canonical.title}，要换数据集请另建一个")
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
        row.since, row.mark, row.late_at, row.done_through, row.recounted_to = since, None, None, None, None
        row.save()
        _version(actor, row)
        record(actor, "lake.mapping.change", row, f"映射“{row.title}”改为第 {row.version} 版，历史数据重新抽取")
    return row, True


def switch(actor: Actor, mapping: Mapping, *, on: bool) -> None:
    """Stop or go on extracting; what is in the lake stays."""
    require(actor, "lake.mapping:change", mapping)
    if mapping.enabled == on:
        return
    with transaction.atomic():
        Mapping.objects.filter(pk=mapping.pk).update(enabled=on)
        record(
            actor,
            "lake.mapping.enable" if on else "lake.mapping.disable",
            mapping,
            f"{'恢复' if on else '暂停'}抽取“{mapping.title}”",
        )


def ask_now(actor: Actor, mapping: Mapping, *, again: bool = False) -> None:
    """Have the worker extract it at once; again: all of its past, too. Raises LakeRefused where it is switched off."""
    require(actor, "lake.mapping:run", mapping)
    if not mapping.enabled:
        raise LakeRefused(f"“{mapping.title}”已暂停，请先恢复。")
    from ..tasks import extract_due

    values: dict[str, Any] = {"checked_at": None}
    if again:
        values |= {"done_through": None, "mark": None, "late_at": None}
    with transaction.atomic():
        Mapping.objects.filter(pk=mapping.pk).update(**values)
        record(actor, "lake.mapping.run", mapping, f"{'重新抽取全部' if again else '立即抽取'}“{mapping.title}”")
        from xingwei.base.runtime.queue import wake

        wake(extract_due)


def _version(actor: Actor, row: Mapping) -> None:
    MappingVersion.objects.create(mapping=row, number=row.version, document=row.document, made_by=actor.name[:80])


def _show(actor: Actor, connection: Connection, text: str, purpose: str) -> None:
    try:
        connections.show(actor, connection, text, purpose)
    except connections.ConnectionRefused as refused:
        raise LakeRefused(f"{purpose}：{refused}") from None
