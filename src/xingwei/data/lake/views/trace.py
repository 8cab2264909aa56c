"""From a day's number to its rows, and from a row to its source. Every look is journalled, persons are masked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404

from xingwei.base.connections.queries import ConnectionProblem
from xingwei.base.journal.services import record

from ..engine.datasets import ROW, SOURCE
from ..models import Mapping
from ..queries import trace
from .common import LakePage, dataset_or_404


def _day(raw: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(raw)
    except ValueError:
        return None


class Rows(LakePage):
    permission = "lake.row:view"
    template_name = "lake/rows.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.dataset = d = dataset_or_404(str(self.kwargs["code"]))
        self.day = _day(self.request.GET.get("day", "")) if d.day else None
        context = super().get_context_data(**kwargs) | {"dataset": d, "day": self.day}
        if d.day and self.day is None:
            return context | {"rows": [], "fields": [], "asked": False}
        key, after = self.request.GET.get("key", "")[:500], self.request.GET.get("after", "")[:500]
        _, found, following = trace.rows(d, self.day, key=key, after=after)
        with transaction.atomic():
            what = f"{d.title} {self.day or ''}".strip()
            record(
                self.actor,
                "lake.row.view",
                ("lake.dataset", d.code, d.title),
                f"查看数据集的行：{what}，{len(found)} 行",
            )
        titles = {m.code: m for m in Mapping.objects.filter(dataset=d.code)}
        rows = [
            {
                "cells": [(f, r[f.name]) for f in d.fields],
                "source": titles[r[SOURCE]].title if r[SOURCE] in titles else r[SOURCE],
                "mapping": r[SOURCE],
                "key": r[ROW],
            }
            for r in found
        ]
        return context | {"rows": rows, "fields": d.fields, "asked": True, "after": following, "key": key}

    def get_title(self) -> str:
        return f"{self.dataset.title}{f' {self.day}' if self.day else ''}"


class Source(LakePage):
    """One row beside what the source has now."""

    permission = "lake.row:view"
    template_name = "lake/source.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.mapping = row = get_object_or_404(Mapping.objects.select_related("connection"), code=self.kwargs["code"])
        key, day = self.request.GET.get("key", "")[:500], _day(self.request.GET.get("day", ""))
        context = super().get_context_data(**kwargs) | {"row": row, "dataset": row.canonical, "day": day, "key": key}
        if not key:
            raise Http404("没有写是哪一行")
        try:
            cells = trace.compared(row, day, key)
        except (ConnectionProblem, trace.NotFound) as problem:
            return context | {"problem": str(problem)}
        with transaction.atomic():
            target = ("lake.row", key[:64], row.title)  # of the row, not of the mapping, whose history this is not
            record(self.actor, "lake.row.source", target, f"对照业务库的源行：{row.title}", after={"row": key})
        return context | {"cells": cells, "changed": sum(1 for c in cells if c.source is not None)}

    def get_title(self) -> str:
        return f"{self.mapping.title}：一行的来历"
