"""What the knowledge room shows on other pages: search hits, the card of what is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.grams import terms
from xingwei.base.ui.registry import SearchHit

from . import queries
from .engine import markup
from .models import Topic


def search(actor: Actor, q: str) -> Iterator[SearchHit]:
    """Guides, and for technicians the forum."""
    words = terms(q)
    if not words:
        return
    if may(actor, "knowledge.guide:view"):
        for guide in queries.search(actor, q):
            detail = guide.summary or markup.excerpt(guide.plain, words)
            yield SearchHit("知识", guide.title, guide.get_absolute_url(), detail, "book-2")
    if may(actor, "knowledge.forum:view"):
        rows = Topic.objects.filter(queries.topics_matching(q), guide=None, posts_count__gt=0)
        for topic in rows.order_by("-last_post_at")[:5]:
            yield SearchHit(
                "技术论坛", topic.title, topic.get_absolute_url(), f"{topic.posts_count} 条发言", "messages"
            )


def newest(request: HttpRequest) -> dict[str, Any] | None:
    """Guides and release notes of the last two months (clauses 2.5, 9.7)."""
    found = queries.newest(request.actor)  # type: ignore[attr-defined]
    return {"guides": found} if found else None


def news(request: HttpRequest, obj: Any) -> dict[str, Any] | None:
    """The same on the phone page of notices."""
    return newest(request)
