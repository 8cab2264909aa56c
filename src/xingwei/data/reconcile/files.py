"""The files of a hospital's reconciliations; read, and checked as far as files alone can be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, Source, decode, read, validate

DIRECTORY = REPO / "reconciliations"
SHIPPED = DIRECTORY / "guangyuan"


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Of a file of reconciliations; what stands under `spec` is the engine's, with its own schema."""
    found: dict[str, Any] = json.loads((DIRECTORY / "reconciliations.schema.json").read_text(encoding="utf-8"))
    return found


def read_directory(path: Path) -> Source:
    """A directory of YAML files, or one file. Raises FileProblems with all that is wrong, in Chinese."""
    paths = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not paths or not all(p.is_file() for p in paths):
        raise FileProblems([Problem(f"没有找到对账文件：{path}")])
    source = read({p.name: decode(p.read_bytes()) for p in paths})
    problems = validate(source, schema())
    if not problems:
        problems = [source.locate(p) for p in _across(source.document)]
    if problems:
        raise FileProblems(problems)
    return source


def _across(document: Mapping[str, Any]) -> list[Problem]:
    """What no schema says: codes that stand twice, sides without a source."""
    found, seen = [], set()
    for at, item in enumerate(document.get("reconciliations") or []):
        if item["code"] in seen:
            found.append(Problem(f"代码“{item['code']}”写了两遍", ("reconciliations", at, "code")))
        seen.add(item["code"])
        found += [
            Problem(text, ("reconciliations", at))
            for text in problems_of({"sources": item["sources"], "spec": item["spec"]})
        ]
    return found


def problems_of(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with the document of a version, in words."""
    from .services import matching

    problems = [str(p) for p in validate(Source(dict(document), {}), _document_schema())]
    if problems:
        return problems
    problems = matching.problems_of(document["spec"])
    if problems:
        return problems
    sides = list(matching.side_titles(document["spec"]))
    sources = document["sources"]
    problems += [f"“{side}”没有写来源 sources" for side in sides if side not in sources]
    known = [*sides, *(document["spec"].get("evidence") or {})]
    problems += [
        f"sources 里的“{name}”不是一方也不是证据，可写的是：{'、'.join(known)}" for name in sources if name not in known
    ]
    for side, source in sources.items():
        other = source.get("statement")
        if other is not None and (other not in sources or "statement" in sources[other]):
            problems.append(f"“{side}”的 statement 应写另一方的代码，写成了“{other}”")
    return problems


def _document_schema() -> dict[str, Any]:
    whole = schema()
    one = whole["$defs"]["reconciliation"]["properties"]
    return {
        "type": "object", "required": ["sources", "spec"], "additionalProperties": False, "$defs": whole["$defs"],
        "properties": {"sources": one["sources"], "spec": one["spec"]},
    }  # fmt: skip
