"""Degradation plans from a hospital's files (plans.yaml): new ones and changed ones become versions, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from xingwei.base.policy.engine import Actor

from ..models import Channel, PlanVersion
from .plans import PlanRefused, bring_file_version, check


def problems_of(item: Mapping[str, Any]) -> list[str]:
    """What is wrong with one plan of a file, in Chinese; needs no database."""
    try:
        check(item["document"])
    except PlanRefused as refusal:
        return str(refusal).split("；")
    unknown = set(item.get("approved") or {}) - {"technical", "business"}
    return [f"approved 里没有“{side}”，可写 technical、business" for side in sorted(unknown)]


def import_plans(actor: Actor, items: Iterable[Mapping[str, Any]]) -> list[PlanVersion]:
    """Bring the plans of a file; those that say what is known already are left alone. Raises Denied, PlanRefused.

    Where the file names who signed for both sides the version is in force at once, else it waits for approval. A plan
    for a channel that is not there is an error.
    """
    made = []
    with transaction.atomic():
        channels = {c.code: c for c in Channel.objects.select_related("system")}
        for item in items:
            if wrong := problems_of(item):
                raise PlanRefused(f"方案 {item['code']}：{'；'.join(wrong)}")
            channel = channels.get(item["channel"])
            if channel is None:
                raise PlanRefused(f"方案 {item['code']}：没有送出通道“{item['channel']}”，请先导入通道。")
            version = bring_file_version(
                actor, channel, item["code"], item["name"], item["document"], item.get("approved") or {},
                item.get("note", "从文件导入"),
            )  # fmt: skip
            if version is not None:
                made.append(version)
    return made
