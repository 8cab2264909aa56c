"""What all pages of the lake share: the tabs, and words for sizes."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Page

from ..engine.datasets import Dataset, datasets

TABS = (
    ("home", "数据集", "lake.dataset:view"),
    ("quality", "数据质量", "lake.quality:view"),
    ("mappings", "映射", "lake.mapping:view"),
    ("extracts", "抽取记录", "lake.mapping:view"),
)


def tabs(actor: Actor, current: str) -> list[dict[str, Any]]:
    return [
        {"url": reverse(f"lake:{name}"), "label": label, "current": name == current}
        for name, label, permission in TABS
        if may(actor, permission)
    ]


def size(count: int | None) -> str:
    """12.3 MB."""
    if count is None:
        return "—"
    sign, value = ("-", -count) if count < 0 else ("", float(count))
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{sign}{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{sign}{value:.1f} {unit}"
        value /= 1000
    return f"{sign}{value:.2f} TB"


def dataset_or_404(code: str) -> Dataset:
    found = datasets().get(code)
    if found is None:
        raise Http404("没有这个数据集")
    return found


class LakePage(Page, abstract=True):
    tab = "home"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, self.tab)}
