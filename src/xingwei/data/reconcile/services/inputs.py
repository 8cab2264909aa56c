"""What a run compares: each side fetched, written down once, and kept under its digest, so that it can be replayed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping as Document
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone

from xingwei.base.site.queries import value
from xingwei.data.lake import session
from xingwei.data.lake.engine.compile import Misunderstood
from xingwei.data.lake.models import Mapping

from .. import kept
from ..kept import Kept
from ..models import Run
from . import bills, calls, insurance
from .base import ReconcileRefused
from .matching import side_titles

LARGEST_DROP = 2_000_000_000


def gather(run: Run, place: Path, uploads: Document[str, Kept]) -> dict[str, list[Kept]]:
    """side → its files, in the order of the sides. Raises ReconcileRefused where one cannot be had."""
    document = run.version.document
    titles = side_titles(document["spec"])
    found: dict[str, list[Kept]] = {}
    late = {s: source for s, source in document["sources"].items() if "statement" in source}
    for side, source in document["sources"].items():
        if side in late:
            continue
        title = titles.get(side, side)
        if source.get("upload"):
            found[side] = [uploads[side]]
        elif "gateway" in source:
            found[side] = [calls.insurance(run.since, run.until, place / f"{side}.parquet")]
        elif "bills" in source:
            found[side] = [from_bills(source, run.since, run.until, place / f"{side}.parquet", title)]
        elif "run" in source:
            found[side] = borrowed(source, run.since, run.until, title)
        elif "drop" in source:
            found[side] = dropped(source, run.since, run.until, title)
        else:
            found[side] = [from_lake(source, run.since, run.until, place / f"{side}.parquet", title)]
    for side, source in late.items():  # the centre is asked about the rows of the other side
        found[side] = [
            insurance.statement(
                found[source["statement"]],
                run.since,
                run.until,
                place / f"{side}.parquet",
                titles.get(side, side),
                run.facts,
                source.get("classes", ()),
            )
        ]
    return {side: found[side] for side in document["sources"]}


def from_lake(source: Document[str, Any], since: dt.date, until: dt.date, target: Path, title: str) -> Kept:
    """The rows of the source's SQL over its datasets, as one Parquet file in the order of all its columns."""
    _there(source["datasets"], since, until, title)
    first = since - dt.timedelta(days=int(source.get("days_before", 0)))
    last = until + dt.timedelta(days=int(source.get("days_after", 0)))
    try:
        with session.opened(memory_mb=1024, threads=2, since=first, until=last) as lake:
            rows = lake.sql(" ".join(str(source["sql"]).split()), {})
            ordered = rows.query("found", "SELECT * FROM found ORDER BY ALL")
            assert ordered is not None
            ordered.write_parquet(str(target), compression="zstd")
    except Misunderstood as problem:
        raise ReconcileRefused(f"{title}：{problem}") from None
    return kept.keep(target, f"{title}.parquet", source="、".join(source["datasets"]))


def from_bills(source: Document[str, Any], since: dt.date, until: dt.date, target: Path, title: str) -> Kept:
    """The channels' bills of these days and of those after them that are there already, as one file of rows."""
    last = min(until + dt.timedelta(days=int(source.get("days_after", 0))), timezone.localdate() - dt.timedelta(days=1))
    wanted = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    root = drop_directory()
    later = [until + dt.timedelta(days=n) for n in range(1, max(0, (last - until).days) + 1)]
    days = wanted + [d for d in later if bills.there(root, source["bills"], d)]
    read = bills.read_days(root, source["bills"], days, target)
    return kept.keep(target, f"{title}.parquet", source="、".join(p.name for p in read[:6]))


def borrowed(source: Document[str, Any], since: dt.date, until: dt.date, title: str) -> list[Kept]:
    """The input that another reconciliation had for the same days. Raises ReconcileRefused where it has not run."""
    other = (
        Run.objects.filter(
            reconciliation__code=source["run"], since=since, until=until, state=Run.State.DONE, replay_of=None
        )
        .order_by("-id").first()
    )  # fmt: skip
    found = other.inputs.get(source["side"]) if other is not None else None
    if not found:
        raise ReconcileRefused(f"{title}取自对账“{source['run']}”同一天的输入，请先核那一项。")
    return [Kept.of(f) for f in found]


def _there(names: Sequence[str], since: dt.date, until: dt.date, title: str) -> None:
    """Refuse where the lake has not read these days yet: a row that is not there would look like a difference."""
    for mapping in Mapping.objects.filter(dataset__in=names, enabled=True):
        read_to = timezone.localdate(mapping.mark) if mapping.mark else None
        if read_to is None or read_to < until:
            raise ReconcileRefused(f"{title}：数据湖还没有抽到 {until:%m-%d} 的“{mapping.title}”，抽到后再核。")
        past = since < read_to - dt.timedelta(days=1)
        if past and (mapping.done_through is None or mapping.done_through <= until):
            raise ReconcileRefused(f"{title}：数据湖还在补抽“{mapping.title}”的历史，没有到 {until:%m-%d}，到了再核。")


def drop_directory() -> Path:
    """Where channels and banks put their bills; a setting, below the home where it is no absolute path."""
    from xingwei.base.runtime import config

    return (config.from_environment().home / str(value("reconcile.drop"))).resolve()


def dropped(source: Document[str, Any], since: dt.date, until: dt.date, title: str) -> list[Kept]:
    """The files of these days. The pattern has {day} (20261124) or {date} (2026-11-24) where a file is of one day."""
    root, pattern = drop_directory(), str(source["drop"])
    found: list[Path] = []
    missing: list[str] = []
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    dated = "{day}" in pattern or "{date}" in pattern
    for day in days if dated else days[:1]:
        name = pattern.replace("{day}", f"{day:%Y%m%d}").replace("{date}", f"{day:%Y-%m-%d}")
        paths = sorted(p for p in root.glob(name) if p.is_file() and not p.name.startswith("."))
        if not paths:
            missing.append(f"{day:%m-%d}")
        found += paths
    if missing and not source.get("may_be_absent"):
        raise ReconcileRefused(f"还没有{title} {'、'.join(missing[:5])} 的账单（{pattern}），到了再核。")
    if not found:
        raise ReconcileRefused(f"还没有{title}的账单（{pattern}），到了再核。")
    for path in found:
        if path.stat().st_size > LARGEST_DROP:
            raise ReconcileRefused(f"{title}的“{path.name}”超过 2 GB，请拆分后再放。")
    return [kept.keep(path, path.name, source=pattern) for path in found]
