"""Home page of each role, the search over everything, and the health check."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui import words
from xingwei.base.ui.registry import SearchHit, registry
from xingwei.base.ui.views import PUBLIC, SIGNED_IN, Guarded, Page

HITS_A_GROUP = 8


class Home(Page):
    """What is wrong, what is late, what is next: cards that the rooms register, filtered by role."""

    permission = SIGNED_IN
    template_name = "web/home.html"
    title = "工作台"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        for landing in registry.landing:
            if (url := landing(self.actor)) is not None:
                return HttpResponseRedirect(url)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cards = []
        for card in sorted(registry.home_cards, key=lambda c: c.order):
            if (card.roles and not self.actor.has_role(*card.roles)) or not may(self.actor, card.permission):
                continue
            if (context := card.context(self.request)) is not None:
                cards.append({"template": card.template, "context": context, "wide": card.wide, "order": card.order})
        now = timezone.localtime()
        return super().get_context_data(**kwargs) | {
            "wide_cards": [c for c in cards if c["wide"]],
            "side_cards": [c for c in cards if not c["wide"]],
            "today": f"{words.day(now.date())} {now:%H:%M}",
            "stats": [s for f in registry.home_stats for s in f(self.actor)],
        }


class Search(Page):
    permission = SIGNED_IN
    template_name = "web/search.html"
    title = "搜索"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        q = self.request.GET.get("q", "").replace("\x00", "").strip()[:100]
        groups: dict[str, list[SearchHit]] = {}
        if q:
            for provider in registry.search:
                for hit in provider(self.actor, q):
                    group = groups.setdefault(hit.group, [])
                    if len(group) < HITS_A_GROUP:
                        group.append(hit)
        return super().get_context_data(**kwargs) | {"q": q, "groups": groups}


class Health(Guarded):
    """For the reverse proxy and the supervisor: the process answers and reaches its database."""

    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return JsonResponse({"ok": True})
