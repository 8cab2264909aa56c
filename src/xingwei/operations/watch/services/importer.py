"""A hospital's watch from files: adds what is missing, changes what differs, takes nothing away."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from xingwei.base.estate.models import BusinessFunction
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems, Problem, Source

from .. import files
from ..models import FunctionWatch, Job, Probe, Wall
from . import probes
from .base import WatchRefused


@dataclass(slots=True)
class Imported:
    """added, changed: number by kind of thing."""

    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        def said(counts: Counter[str]) -> str:
            return "、".join(f"{name} {n}" for name, n in counts.items() if n) or "无"

        return f"新增：{said(self.added)}；更改：{said(self.changed)}"


def check(path: Path) -> list[str]:
    """Everything that is wrong with the files, as Chinese sentences; empty when all is well. Needs no database."""
    try:
        source = files.read_directory(path)
    except FileProblems as error:
        return [str(p) for p in error.problems]
    return [str(source.locate(p)) for p in _problems(source)]


def import_watch(actor: Actor, path: Path, *, progress: Callable[[int, int], None] | None = None) -> Imported:
    """Import a directory of YAML files in one transaction. Raises WatchRefused with file, line and field."""
    require(actor, "watch.probe:change")
    try:
        source = files.read_directory(path)
    except FileProblems as error:
        raise WatchRefused(str(error)) from None
    if problems := _problems(source):
        raise WatchRefused("\n".join(str(source.locate(p)) for p in problems))
    done = Imported()
    works = {"functions": _function, "probes": _probe, "jobs": _job}
    steps = [(w, n, at, i) for n, w in works.items() for at, i in enumerate(source.document.get(n) or [])]
    with transaction.atomic():
        for count, (work, name, at, item) in enumerate(steps, start=1):
            try:
                work(actor, item, done)
            except WatchRefused as refused:
                raise WatchRefused(str(source.locate(Problem(str(refused), (name, at))))) from None
            if progress:
                progress(count, len(steps))
        if wall := source.document.get("wall"):
            _wall(actor, wall, done)
    return done


def _problems(source: Source) -> list[Problem]:
    found = [
        Problem(text, ("probes", at, *path))
        for at, item in enumerate(source.document.get("probes") or [])
        for text, path in probes.problems_of(item)
    ]
    wall = source.document.get("wall") or {"nodes": [], "lines": []}
    names = {n["name"] for n in wall["nodes"]}
    found += [
        Problem(f"图上没有“{line[end]}”", ("wall", "lines", at, end))
        for at, line in enumerate(wall["lines"])
        for end in ("from", "to")
        if line[end] not in names
    ]
    return found


def _wall(actor: Actor, document: Mapping[str, Any], done: Imported) -> None:
    row = Wall.objects.first()
    if row is not None and row.document == document:
        return
    verb = done.changed if row else done.added
    row = row or Wall()
    row.document = dict(document)
    row.save()
    record(actor, "watch.wall.import", row, f"导入大屏的图：{len(document['nodes'])} 个方框")
    verb["大屏的图"] += 1


def _function(actor: Actor, item: Mapping[str, Any], done: Imported) -> None:
    function = BusinessFunction.objects.filter(code=item["code"]).first()
    if function is None:
        raise WatchRefused(f"系统台账里没有业务功能“{item['code']}”，请先导入（xingwei estate import）")
    wanted = {
        "short": item["short"], "order": item.get("order", 0), "target": Decimal(str(item.get("target", "99.9"))),
        "severity": item.get("severity", 2), "wall": item.get("wall", True),
    }  # fmt: skip
    row = FunctionWatch.objects.filter(function=function).first()
    _put(actor, row or FunctionWatch(function=function), wanted, new=row is None, done=done, what="业务功能")


def _probe(actor: Actor, item: Mapping[str, Any], done: Imported) -> None:
    before = Probe.objects.filter(code=item["code"]).values_list("version", flat=True).first()
    values = {k: v for k, v in item.items() if k != "code"}
    after = probes.save(actor, item["code"], values)
    if before is None:
        done.added["拨测"] += 1
    elif after.version != before:
        done.changed["拨测"] += 1


def _job(actor: Actor, item: Mapping[str, Any], done: Imported) -> None:
    values = {k: v for k, v in item.items() if k != "code"}
    if "daily_at" in values:
        values["daily_at"] = dt.time.fromisoformat(values["daily_at"])
    if node := values.get("node"):
        values["system"] = probes.resolve(node)[1]
    row = Job.objects.filter(code=item["code"]).first()
    _put(actor, row or Job(code=item["code"]), values, new=row is None, done=done, what="心跳任务")


def _put(actor: Actor, row: Any, wanted: Mapping[str, Any], *, new: bool, done: Imported, what: str) -> None:
    changed = {k: v for k, v in wanted.items() if new or getattr(row, k) != v}
    if not changed:
        return
    for name, value in changed.items():
        setattr(row, name, value)
    row.save()
    shown = {k: str(v) for k, v in changed.items()}
    record(actor, f"watch.{row._meta.model_name}.import", row, f"{'新增' if new else '修改'}{what} {row}", after=shown)
    (done.added if new else done.changed)[what] += 1
