"""Where the lake's files lie (HOME/lake/DATASET/day=2026-11-25/MAPPING-DIGEST.parquet), and the files of a hospital's
lake: connections, mappings, rules."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime import config
from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, Source, decode, read, validate

DIRECTORY = REPO / "lakes"
SHIPPED = DIRECTORY / "guangyuan"
SNAPSHOT = "current"
_BRACES = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def root() -> Path:
    return config.from_environment().home / "lake"


def folder(dataset: str, day: dt.date | None) -> str:
    """Of a part's file, below the root."""
    return f"{dataset}/{f'day={day.isoformat()}' if day else SNAPSHOT}"


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DIRECTORY / "lake.schema.json").read_text(encoding="utf-8"))
    return found


def read_directory(path: Path, places: Mapping[str, str] | None = None) -> Source:
    """A directory of YAML files, or one file. places: what the words in braces of connections stand for.

    Raises FileProblems with all that is wrong, in Chinese.
    """
    paths = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not paths or not all(p.is_file() for p in paths):
        raise FileProblems([Problem(f"没有找到配置文件：{path}")])
    source = read({p.name: decode(p.read_bytes()) for p in paths})
    problems = validate(source, schema())
    if not problems:
        problems = [
            source.locate(p)
            for p in (*_filled_in(source.document, {} if places is None else places), *_across(source.document))
        ]
    if problems:
        raise FileProblems(problems)
    return source


def _filled_in(document: dict[str, Any], places: Mapping[str, str]) -> list[Problem]:
    """Put the given values into the settings of the connections; what is missing is a problem."""
    problems = []
    for at, item in enumerate(document.get("connections") or []):
        for group, name in [(item["settings"], n) for n in item["settings"]] + [(item, "password")]:
            text = group.get(name)
            if not isinstance(text, str) or not (wanted := _BRACES.findall(text)):
                continue
            if missing := [w for w in wanted if w not in places]:
                path = ("connections", at, "settings", name) if group is not item else ("connections", at, name)
                problems.append(Problem(f"没有给出 {missing[0]}，导入时用 --set {missing[0]}=… 写明", path))
                continue
            group[name] = _BRACES.sub(lambda found: places[found[1]], text)
    return problems


def _across(document: dict[str, Any]) -> list[Problem]:
    """What no schema says: codes that stand twice, connections that are nowhere."""
    found = []
    for name in ("connections", "mappings"):
        seen: set[str] = set()
        for at, item in enumerate(document.get(name) or []):
            if item["code"] in seen:
                found.append(Problem(f"代码“{item['code']}”写了两遍", (name, at, "code")))
            seen.add(item["code"])
    return found
