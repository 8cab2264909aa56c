"""Drafts of routes and code maps, their release by a second person, and the way back to an earlier version.

What was released never changes: a message of last year is explained by the rules of last year.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import Source, validate

from ..engine import rules
from ..models import Channel, CodeMap, CodeMapVersion, Route, RouteVersion
from ..queries import released
from .base import GatewayRefused, announce, reason_of

Owner = Route | CodeMap
Version = Any  # RouteVersion or CodeMapVersion
MOST_PAIRS = 20_000
LABELS = {"route": "路由", "code_map": "编码对照"}


def fingerprint(document: Mapping[str, Any]) -> str:
    """By which a form knows whether the draft is still the one that it showed."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def problems_of(owner: Owner, document: Mapping[str, Any]) -> list[str]:
    """Everything that keeps a document from being released, in Chinese; empty where all is well."""
    return _route_problems(owner, document) if isinstance(owner, Route) else _map_problems(document)


def save_draft(
    actor: Actor, owner: Owner, document: Mapping[str, Any], note: str, *, seen: str | None = None
) -> Version:
    """Begin a draft or go on with the one there is; whoever wrote last is its author and cannot release it.

    seen: the fingerprint of the draft that the form showed, "" for none. Raises GatewayRefused.
    """
    require(actor, f"gateway.{owner.KIND}:draft", owner)
    if found := problems_of(owner, document):
        raise GatewayRefused("；".join(found[:5]))
    with transaction.atomic():
        _lock(owner)
        draft = versions(owner).filter(state="draft").first()
        if seen is not None and seen != (fingerprint(draft.document) if draft else ""):
            raise GatewayRefused(
                "草稿刚被别人改过，您看到的已不是最新内容。请复制您的改动，刷新后再改；没有保存任何内容。"
            )
        if draft is None:
            draft = _new(owner, document, note, actor)
        else:
            draft.document, draft.note, draft.author_id = dict(document), note[:300], actor.id
            draft.save()
        _record(actor, "draft", owner, draft, f"起草{_named(owner)}第 {draft.number} 版：{note or '没有写改了什么'}")
    return draft


def drop_draft(actor: Actor, owner: Owner) -> None:
    """Throw the draft away. Raises GatewayRefused where there is none."""
    require(actor, f"gateway.{owner.KIND}:draft", owner)
    with transaction.atomic():
        _lock(owner)
        draft = versions(owner).filter(state="draft").first()
        if draft is None:
            raise GatewayRefused("没有草稿")
        _record(actor, "drop", owner, draft, f"丢弃{_named(owner)}第 {draft.number} 版草稿")
        draft.delete()


def release(actor: Actor, owner: Owner, number: int) -> Version:
    """Put a draft in force; only somebody else than its author may. Raises GatewayRefused."""
    require(actor, f"gateway.{owner.KIND}:release", owner)
    with transaction.atomic():
        _lock(owner)
        draft = versions(owner).filter(state="draft", number=number).first()
        if draft is None:
            raise GatewayRefused("这一版不是草稿，可能已被发布或丢弃。请刷新看看。")
        if draft.author_id is not None and draft.author_id == actor.id:
            raise GatewayRefused("草稿是您起草的，须由另一个人复核后发布（双人复核）。")
        if found := problems_of(owner, draft.document):
            raise GatewayRefused("；".join(found[:5]))
        draft.approver_id = actor.id
        _put_in_force(owner, draft)
        _record(actor, "release", owner, draft, f"复核发布{_named(owner)}第 {draft.number} 版：{draft.note}")
        _announce(owner)
    return draft


def roll_back(actor: Actor, owner: Owner, number: int, reason: str) -> Version:
    """A new version with the content of an earlier one, at once in force: two people had already answered for it.
    Raises GatewayRefused."""
    require(actor, f"gateway.{owner.KIND}:release", owner)
    said = reason_of(reason)
    with transaction.atomic():
        _lock(owner)
        old = versions(owner).filter(state="retired", number=number).first()
        if old is None:
            raise GatewayRefused("只能回退到曾经生效过的版本")
        if found := problems_of(owner, old.document):
            raise GatewayRefused(f"第 {number} 版现在不能用了：{'；'.join(found[:3])}")
        row = _new(owner, old.document, f"回退到第 {number} 版：{said}", actor)
        row.approver_id = old.approver_id
        _put_in_force(owner, row)
        _record(
            actor, "roll_back", owner, row, f"{_named(owner)}回退到第 {number} 版（成为第 {row.number} 版）：{said}"
        )
        _announce(owner)
    return row


def put(actor: Actor, owner: Owner, document: Mapping[str, Any], note: str) -> Version:
    """What an import does: in force at once where nobody has changed anything by hand, else a draft for people to
    release; None where it is there already. For the set-up and the command line only."""
    with transaction.atomic():
        _lock(owner)
        current = versions(owner).filter(state="released").first()
        newest = versions(owner).first()
        if newest is not None and newest.document == dict(document):
            return None
        if found := problems_of(owner, document):
            raise GatewayRefused(f"{owner.code}：{'；'.join(found[:5])}")
        if current is not None and (current.author_id is not None or newest.state == "draft"):
            if newest.state == "draft":
                raise GatewayRefused(f"{owner.code}：已有草稿，先发布或丢弃它再导入")
            draft = _new(owner, document, note, actor)
            _record(actor, "draft", owner, draft, f"导入{_named(owner)}第 {draft.number} 版草稿，等人复核")
            return draft
        row = _new(owner, document, note, actor)
        _put_in_force(owner, row)
        _record(actor, "import", owner, row, f"导入{_named(owner)}第 {row.number} 版")
        _announce(owner)
    return row


def set_active(actor: Actor, route: Route, active: bool, reason: str) -> None:
    """Switch a route off or on: while it is off, its channel's messages are kept and not sent by it."""
    require(actor, "gateway.route:release", route)
    said = reason_of(reason)
    with transaction.atomic():
        row = Route.objects.select_for_update(of=("self",)).get(pk=route.pk)
        if row.active == active:
            raise GatewayRefused(f"路由已经是“{'在用' if active else '停用'}”")
        row.active = active
        row.save(update_fields=["active"])
        word = "启用" if active else "停用"
        record(actor, "gateway.route.active", row, f"{word}路由 {row.name}：{said}", after={"active": active})
        announce("configuration", [row.source_id])


def versions(owner: Owner) -> Any:
    """The versions of a route or a map, newest first."""
    if isinstance(owner, Route):
        return RouteVersion.objects.filter(route=owner).order_by("-number")
    return CodeMapVersion.objects.filter(map=owner).order_by("-number")


def _route_problems(route: Route, document: Mapping[str, Any]) -> list[str]:
    found = [str(p) for p in validate(Source(dict(document), {}), released.schema())]
    if found:
        return found
    kind = released.document_of(route.source.kind, route.source.settings)
    try:
        compiled = rules.compile(document, released.maps(), kind)
    except rules.RuleProblem as problem:
        return [str(problem)]
    known = set(Channel.objects.filter(direction="out", code__in=compiled.targets).values_list("code", flat=True))
    missing = [f"没有送出通道“{code}”，请先建立，或改“to”" for code in compiled.targets if code not in known]
    asked = Channel.objects.filter(direction="out", code__in=compiled.sources)
    able = {c.code for c in asked if c.settings.get("lookup")}
    return missing + [f"送出通道“{c}”没有写明怎样查询，规则不能向它查" for c in compiled.sources if c not in able]


def _map_problems(document: Mapping[str, Any]) -> list[str]:
    pairs = document.get("pairs")
    if not isinstance(pairs, Mapping) or not pairs:
        return ["对照表是空的，至少要有一对编码"]
    if len(pairs) > MOST_PAIRS:
        return [f"对照太多，最多 {MOST_PAIRS:,} 对"]
    found = [f"“{k}”的对照值是空的" for k, v in pairs.items() if not str(v).strip()][:5]
    if document.get("missing", "keep") not in {"keep", "refuse", "default"}:
        found.append("“对不上时”应是：保留原值、隔离消息、用默认值 之一")
    if document.get("missing") == "default" and not str(document.get("default") or "").strip():
        found.append("“对不上时”选了用默认值，请写默认值")
    return found


def _new(owner: Owner, document: Mapping[str, Any], note: str, actor: Actor) -> Any:
    newest = versions(owner).first()
    number = newest.number + 1 if newest else 1
    values: dict[str, Any] = {"number": number, "document": dict(document), "note": note[:300], "author_id": actor.id}
    if isinstance(owner, Route):
        return RouteVersion.objects.create(route=owner, **values)
    return CodeMapVersion.objects.create(map=owner, **values)


def _put_in_force(owner: Owner, row: Any) -> None:
    versions(owner).filter(state="released").update(state="retired")
    row.state, row.released_at = "released", timezone.now()
    row.save()


def _lock(owner: Owner) -> None:
    type(owner).objects.select_for_update(of=("self",)).get(pk=owner.pk)


def _announce(owner: Owner) -> None:
    if isinstance(owner, Route):
        announce("configuration", [owner.source_id])
    else:  # a map may be used by any route
        announce("configuration", Route.objects.values_list("source_id", flat=True))


def _named(owner: Owner) -> str:
    return f"{LABELS[owner.KIND]} {owner.code} "


def _record(actor: Actor, what: str, owner: Owner, row: Any, sentence: str) -> None:
    after = {"number": row.number, "fingerprint": fingerprint(row.document)}
    record(actor, f"gateway.{owner.KIND}.{what}", owner, sentence, after=after)
