"""What the lake's pages show of datasets and mappings: figures from PostgreSQL alone, never from the files."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from ..engine.datasets import Dataset, datasets
from ..models import Growth, Mapping, Part, QualityIssue


@dataclass(slots=True)
class Line:
    """A dataset on the board. grown: rows of the last day; cost: seconds of today's processor and source."""

    dataset: Dataset
    mappings: list[Mapping] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    parts: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    checked_at: dt.datetime | None = None
    issues: int = 0
    alarming: int = 0
    grown_rows: int | None = None
    grown_bytes: int | None = None
    source_s: float = 0.0
    processor_s: float = 0.0
    problem: str = ""

    @property
    def state(self) -> tuple[str, str]:
        if not self.mappings:
            return "unknown", "没有映射"
        if self.problem:
            return "late", "抽取没有完成"
        if self.checked_at is None:
            return "unknown", "还没有抽取"
        every = max(m.every_minutes for m in self.mappings)
        if timezone.now() - self.checked_at > dt.timedelta(minutes=3 * every + 10):
            return "warn", "不够新"
        return "ok", "最新"


def lines() -> list[Line]:
    """All datasets, in the order of their titles' files; five queries whatever their number."""
    found = {d.code: Line(d) for d in datasets().values()}
    for mapping in Mapping.objects.select_related("connection"):
        line = found.get(mapping.dataset)
        if line is None:
            continue
        line.mappings.append(mapping)
        if mapping.enabled and mapping.problem and not line.problem:
            line.problem = f"{mapping.title}：{mapping.problem}"
    for row in Part.objects.values("dataset").annotate(
        r=Sum("rows"), b=Sum("bytes"), n=Count("pk"), first=Min("day"), last=Max("day"), at=Max("checked_at")
    ):
        if (line := found.get(row["dataset"])) is not None:
            line.rows, line.bytes, line.parts = row["r"], row["b"], row["n"]
            line.first, line.last = row["first"], row["last"]
    for line in found.values():
        times = [m.checked_at for m in line.mappings if m.enabled]
        line.checked_at = min((t for t in times if t), default=None) if times and all(times) else None
    for issue in QualityIssue.objects.filter(state="open").values("dataset", "alarming").annotate(n=Count("pk")):
        if (line := found.get(issue["dataset"])) is not None:
            line.issues += issue["n"]
            line.alarming += issue["n"] if issue["alarming"] else 0
    today = timezone.localdate()
    grown: dict[tuple[str, dt.date], Growth] = {
        (g.dataset, g.day): g for g in Growth.objects.filter(day__gte=today - dt.timedelta(days=1))
    }
    for code, line in found.items():
        now, before = grown.get((code, today)), grown.get((code, today - dt.timedelta(days=1)))
        if now is not None:
            line.source_s, line.processor_s = now.source_s, now.processor_s
            if before is not None:
                line.grown_rows, line.grown_bytes = now.rows - before.rows, now.bytes - before.bytes
    return list(found.values())


def days(dataset: str, count: int = 60) -> list[dict[str, Any]]:
    """The last days of a dataset with rows, bytes and sums over all its mappings, newest first."""
    rows: dict[dt.date, dict[str, Any]] = {}
    last = Part.objects.filter(dataset=dataset).aggregate(m=Max("day"))["m"]
    if last is None:
        return []
    for part in Part.objects.filter(
        dataset=dataset, day__isnull=False, day__gt=last - dt.timedelta(days=count)
    ).select_related("mapping"):
        assert part.day is not None
        row = rows.setdefault(
            part.day, {"day": part.day, "rows": 0, "bytes": 0, "sums": Counter(), "written_at": None, "parts": []}
        )
        row["rows"] += part.rows
        row["bytes"] += part.bytes
        row["parts"].append(part)
        row["written_at"] = max(filter(None, (row["written_at"], part.written_at)))
        for name, value in part.sums.items():
            row["sums"][name] += Decimal(value)
    return [rows[d] for d in sorted(rows, reverse=True)]


def growth(dataset: str, count: int = 90) -> list[Growth]:
    return list(Growth.objects.filter(dataset=dataset).order_by("-day")[:count])[::-1]
