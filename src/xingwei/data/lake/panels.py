"""What the lake puts on other pages: the count beside its navigation, mappings on a connection, search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Count, SearchHit

from .engine.datasets import datasets
from .models import Mapping


def trouble(actor: Actor) -> Count | None:
    """Mappings whose last extract was not finished."""
    n = Mapping.objects.filter(enabled=True).exclude(problem="")[:100].count()
    return Count(n, hot=True, title=f"{n} 个映射没有抽取完成") if n else None


def mappings_of(request: HttpRequest, connection: Any) -> dict[str, Any] | None:
    rows = list(Mapping.objects.filter(connection=connection))
    return {"rows": rows} if rows else None


def hits(actor: Actor, words: str) -> Iterable[SearchHit]:
    """Datasets and mappings by their names."""
    if may(actor, "lake.dataset:view"):
        for d in datasets().values():
            if words in d.title or words.lower() in d.code:
                yield SearchHit("数据集", d.title, reverse("lake:dataset", args=[d.code]), d.what, "database")
    if may(actor, "lake.mapping:view"):
        for m in Mapping.objects.filter(Q(title__icontains=words) | Q(code__icontains=words))[:6]:
            yield SearchHit("映射", m.title, m.get_absolute_url(), m.canonical.title, "arrows-split")
