"""Guides beside the desk's work (clause 2.5): put forward while somebody types, and counted where they helped."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, Guarded
from xingwei.service.knowledge import queries as knowledge
from xingwei.service.knowledge import services as helping
from xingwei.service.knowledge.models import Guide

from ..models import Case
from ..services.base import Refused
from .common import OfCase

MOST = 3
SHORTEST = 4  # characters: less says nothing


def guides_for(actor: Actor, text: str, system_id: int | None = None, limit: int = MOST) -> list[Guide]:
    """Guides that may help with these words, among those the actor may read."""
    if len(text) < SHORTEST or not may(actor, "knowledge.guide:view"):
        return []
    found = knowledge.suggest(text, system_id, limit)
    if not found or may(actor, "knowledge.internal:view"):
        return found
    allowed = set(knowledge.readable(actor).filter(pk__in=[g.pk for g in found]).values_list("pk", flat=True))
    return [g for g in found if g.pk in allowed]


def count_offered(actor: Actor, case: Case) -> None:
    """Once a case, when it is sent: these guides stood beside its words."""
    helping.count_offer(*guides_for(actor, case.description, case.system_id))


class Offered(Guarded):
    """What may help, while a reporter types on the phone."""

    permission = "desk.case:create"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        text = request.POST.get("description", "").replace("\x00", "").strip()[:5000]
        return render(request, "desk/parts/guides.html", {"guides": guides_for(self.actor, text)})


class Helped(OfCase, Act):
    """A guide helped to solve this case."""

    permission = "desk.case:view"

    def act(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> str:
        guide = knowledge.readable(self.actor).filter(pk=pk).first()
        if guide is None:
            raise Refused("没有这篇指南，或您不能看它。")
        counted = helping.mark_helped(self.actor, guide, ("desk.case", str(self.case.pk)))
        return f"已记下：“{guide}”帮上了" if counted else "这一件已经记过了，谢谢"
