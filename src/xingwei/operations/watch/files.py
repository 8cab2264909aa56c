"""The files of a hospital's watch: probes, functions, jobs; read, and checked as far as files alone can be."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, Source, decode, read, validate

DIRECTORY = REPO / "watches"
SHIPPED = DIRECTORY / "guangyuan"
LISTS = ("functions", "probes", "jobs")


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DIRECTORY / "watch.schema.json").read_text(encoding="utf-8"))
    return found


def read_directory(path: Path) -> Source:
    """A directory of YAML files, or one file. Raises FileProblems with all that is wrong, in Chinese."""
    paths = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not paths or not all(p.is_file() for p in paths):
        raise FileProblems([Problem(f"没有找到配置文件：{path}")])
    source = read({p.name: decode(p.read_bytes()) for p in paths})
    problems = validate(source, schema())
    if not problems:
        problems = [source.locate(p) for p in _across(source.document)]
    if problems:
        raise FileProblems(problems)
    return source


def _across(document: dict[str, Any]) -> list[Problem]:
    """What no schema says: codes that stand twice."""
    found = []
    for name in LISTS:
        seen: set[str] = set()
        for at, item in enumerate(document.get(name) or []):
            if item["code"] in seen:
                found.append(Problem(f"代码“{item['code']}”写了两遍", (name, at, "code")))
            seen.add(item["code"])
    return found
