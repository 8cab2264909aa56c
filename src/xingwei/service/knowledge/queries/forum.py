"""The forum's topics and posts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from xingwei.base.ui.grams import query_grams

from ..models import Post, Topic


def posts_of(topic: Topic) -> list[Post]:
    """All posts in order, hidden ones included: the page says that there was one."""
    return list(topic.posts.select_related("author__organisation", "hidden_by")[:1000])


def topics_matching(q: str) -> Q:
    found = query_grams(q)
    return Q(grams__contains=found) if found else Q()


def recent_topics(limit: int = 5) -> list[Any]:
    return list(Topic.objects.select_related("guide", "system")[:limit])
