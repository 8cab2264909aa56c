"""Saved views of the ledger: a name for a filter."""

from __future__ import annotations

from django.db import transaction
from django.http import QueryDict

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import SavedView
from .base import Refused
from .intake import clean

MAX_VIEWS = 30
_NOT_KEPT = ("after", "before", "format", "page")


def save_view(actor: Actor, name: str, query: str, *, shared: bool = False) -> SavedView:
    """Keep the filter under a name; the same name again replaces it."""
    require(actor, "desk.case:view")
    label = clean(name)[:20]
    if not label:
        raise Refused("请给视图起个名字。")
    kept = QueryDict(query[:1000], mutable=True)
    for key in _NOT_KEPT:
        kept.pop(key, None)
    with transaction.atomic():
        mine = SavedView.objects.filter(owner_id=actor.id)
        if not mine.filter(name=label).exists() and mine.count() >= MAX_VIEWS:
            raise Refused(f"最多存 {MAX_VIEWS} 个视图，请先删掉不用的。")
        view, _ = SavedView.objects.update_or_create(
            owner_id=actor.id, name=label, defaults={"query": kept.urlencode(), "shared": shared}
        )
        record(actor, "desk.view.save", view, f"保存视图“{label}”", after={"shared": shared})
    return view


def drop_view(actor: Actor, view_id: int) -> None:
    """Delete one's own view."""
    with transaction.atomic():
        view = SavedView.objects.filter(pk=view_id, owner_id=actor.id).first()
        if view is None:
            raise Refused("这个视图不是您存的，或已经删除。")
        record(actor, "desk.view.drop", view, f"删除视图“{view.name}”")
        view.delete()
