"""A hospital's lake from files: connections, mappings and rules of its own; adds and changes, takes nothing away."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from xingwei.base.connections import services as connections
from xingwei.base.connections.engine.statements import DIALECTS, StatementRefused, check
from xingwei.base.connections.models import Connection
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems, Problem, Source

from .. import files
from ..engine import mapping as maps
from ..engine import quality
from ..engine.datasets import datasets
from . import mappings, rules
from .base import LakeRefused


@dataclass(slots=True)
class Imported:
    connections: int = 0
    mappings: int = 0
    rules: int = 0
    unchanged: int = 0
    statements: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = (("连接", self.connections), ("映射", self.mappings), ("质量规则", self.rules))
        changed = "、".join(f"{name} {n}" for name, n in parts if n) or "无"
        return f"新增或更改：{changed}；没有变化 {self.unchanged} 项"


def check_files(path: Path, places: Mapping[str, str] | None = None) -> list[str]:
    """Everything that is wrong with the files, by file and line; empty when all is well. Needs no database."""
    try:
        source = files.read_directory(path, _all_places(places))
    except FileProblems as error:
        return [str(p) for p in error.problems]
    return [str(source.locate(p)) for p in _problems(source)]


def statements_of(path: Path, places: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """(connection, purpose, text) of every statement that the files would run. Raises FileProblems."""
    source = files.read_directory(path, _all_places(places))
    kinds = {c["code"]: c["kind"] for c in source.document.get("connections") or []}
    kinds |= {c.code: c.kind for c in Connection.objects.exclude(code__in=kinds)}
    found = []
    for item in source.document.get("mappings") or []:
        if item["connection"] in kinds:
            texts = maps.statements(maps.parse(item), DIALECTS[kinds[item["connection"]]])
            found += [(item["connection"], f"{item['title']}：{maps.purpose_of(n)}", t) for n, t in texts.items()]
    return found


def import_lake(
    actor: Actor,
    path: Path,
    *,
    places: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Import a directory in one transaction. Raises LakeRefused with file, line and field of all that is wrong."""
    require(actor, "lake.mapping:change")
    try:
        source = files.read_directory(path, places)
    except FileProblems as error:
        raise LakeRefused(str(error)) from None
    if problems := _problems(source):
        raise LakeRefused("\n".join(str(source.locate(p)) for p in problems))
    done = Imported()
    work = {"connections": _connection, "mappings": _mapping, "rules": _rule}
    steps = [(name, at, item) for name in work for at, item in enumerate(source.document.get(name) or [])]
    with transaction.atomic():
        for number, (name, at, item) in enumerate(steps, 1):
            try:
                changed = work[name](actor, item)
            except (LakeRefused, connections.ConnectionRefused) as refused:
                raise LakeRefused(str(source.locate(Problem(str(refused), (name, at))))) from None
            if changed:
                setattr(done, name, getattr(done, name) + 1)
            else:
                done.unchanged += 1
            if progress:
                progress(number, len(steps))
    return done


def _problems(source: Source) -> list[Problem]:
    document, found = source.document, []
    kinds = {c["code"]: c["kind"] for c in document.get("connections") or []}
    for at, item in enumerate(document.get("mappings") or []):
        try:
            spec = maps.parse(item)
            for name, text in maps.statements(spec, DIALECTS[kinds.get(item["connection"], "postgresql")]).items():
                check(text, kinds.get(item["connection"], "postgresql"))
                _ = name
        except maps.MappingProblem as problem:
            found.append(Problem(str(problem), ("mappings", at, *problem.path)))
        except StatementRefused as refused:
            found.append(Problem(str(refused), ("mappings", at)))
    for at, item in enumerate(document.get("rules") or []):
        if item["dataset"] not in datasets():
            found.append(Problem(f"没有数据集“{item['dataset']}”", ("rules", at, "dataset")))
            continue
        try:
            quality.condition(datasets()[item["dataset"]], item["must"])
        except quality.RuleProblem as problem:
            found.append(Problem(str(problem), ("rules", at, "must")))
    return found


def _connection(actor: Actor, item: Mapping[str, Any]) -> bool:
    password = item.get("password")
    if password and password.startswith("env:"):
        password = os.environ.get(password[4:])
        if password is None:
            raise LakeRefused(f"环境变量 {item['password'][4:]} 没有设置")
    before = Connection.objects.filter(code=item["code"]).values_list("version", flat=True).first()
    values = {k: v for k, v in item.items() if k not in {"code", "password"}}
    row = connections.save(actor, item["code"], values, password=password)
    return row.version != before


def _mapping(actor: Actor, item: Mapping[str, Any]) -> bool:
    return mappings.put(actor, item)[1]


def _rule(actor: Actor, item: Mapping[str, Any]) -> bool:
    return rules.put(actor, item)


class _AnyPlace(dict[str, str]):
    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "1"


def _all_places(places: Mapping[str, str] | None) -> Mapping[str, str]:
    return _AnyPlace(places or {})
