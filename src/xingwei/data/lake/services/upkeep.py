"""What the worker does for the lake, once a minute and once an hour."""

from __future__ import annotations

import datetime as dt
import logging
import time

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from xingwei.base.connections.queries import ConnectionProblem, NotNow

from .. import files, writing
from ..engine.datasets import datasets
from ..models import Extract, Growth, Mapping, Part, Retired
from . import quality
from .extract import Busy, extract

log = logging.getLogger(__name__)
KEEP_RETIRED = dt.timedelta(hours=1)
KEEP_RUNS = dt.timedelta(days=60)
RETRY = dt.timedelta(minutes=2)


def due(now: dt.datetime | None = None) -> list[Mapping]:
    """Mappings whose time has come, those that waited longest first. After a failure it is tried again soon."""
    at = now or timezone.now()
    found = []
    for row in Mapping.objects.filter(enabled=True, connection__enabled=True).select_related("connection"):
        last = row.extracts.values_list("started_at", flat=True).first() if row.problem else row.checked_at
        wait = _patience(at - (row.problem_since or at)) if row.problem else dt.timedelta(minutes=row.every_minutes)
        if last is None or (row.checked_at is None and not row.problem) or at - last >= wait - dt.timedelta(seconds=5):
            found.append((row.checked_at or dt.datetime.min.replace(tzinfo=dt.UTC), row))
    return [row for _, row in sorted(found, key=lambda pair: (pair[0], pair[1].every_minutes, pair[1].code))]


def _patience(lasting: dt.timedelta) -> dt.timedelta:
    """Tried again soon at first, then every half hour."""
    return max(RETRY, min(lasting / 4, dt.timedelta(minutes=30)))


def extract_due(now: dt.datetime | None = None) -> int:
    """Extract what is due; returns how many runs there were. What cannot be read now is left for later."""
    runs, away = 0, set[int]()
    touched: dict[str, set[dt.date]] = {}
    for mapping in due(now):
        if mapping.connection_id in away:
            continue
        try:
            run = extract(mapping, now=now)
        except NotNow:
            continue
        except Busy:
            continue
        except ConnectionProblem:
            away.add(mapping.connection_id)
            continue
        except Exception:
            log.warning("mapping %s is left for later", mapping.code)  # why is logged and stands with the mapping
            continue
        runs += 1
        if run.state == Extract.State.FAILED and run.rows == 0:
            away.add(mapping.connection_id)
        days = {day for day in run.parts.values_list("day", flat=True) if day is not None}
        touched.setdefault(mapping.dataset, set()).update(days)
    for dataset, days in touched.items():
        quality.look(dataset, days)
    if runs:
        measure_growth()
    return runs


def sweep(now: dt.datetime | None = None) -> int:
    """Remove replaced files an hour later, and what a killed run left; returns how many files went."""
    at = now or timezone.now()
    root, removed = files.root(), 0
    kept = set(Part.objects.values_list("path", flat=True))
    for row in Retired.objects.filter(retired_at__lt=at - KEEP_RETIRED):
        if row.path not in kept:
            (root / row.path).unlink(missing_ok=True)
            removed += 1
        row.delete()
    known = kept | set(Retired.objects.values_list("path", flat=True))
    removed += writing.sweep(known, older_than_s=24 * 3600, now=time.time())
    Extract.objects.filter(started_at__lt=at - KEEP_RUNS).delete()
    measure_growth(at)
    return removed


def measure_growth(now: dt.datetime | None = None) -> None:
    """What each dataset holds today, and what was spent on it today."""
    at = timezone.localtime(now or timezone.now())
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    held = {
        r["dataset"]: r for r in Part.objects.values("dataset").annotate(r=Sum("rows"), b=Sum("bytes"), n=Count("pk"))
    }
    spent = {
        r["mapping__dataset"]: r
        for r in Extract.objects.filter(started_at__gte=midnight)
        .values("mapping__dataset")
        .annotate(read=Sum("rows"), source=Sum("source_s"), cpu=Sum("processor_s"))
    }
    with transaction.atomic():
        for code in datasets():
            h, s = held.get(code), spent.get(code, {})
            if h is None:
                continue
            Growth.objects.update_or_create(
                dataset=code,
                day=at.date(),
                defaults={
                    "rows": h["r"], "bytes": h["b"], "parts": h["n"], "read": s.get("read") or 0,
                    "source_s": s.get("source") or 0, "processor_s": s.get("cpu") or 0,
                },
            )  # fmt: skip
