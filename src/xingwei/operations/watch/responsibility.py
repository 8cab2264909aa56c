"""The responsibility list (故障责任清单) as a file: YAML beside its schema, read into the engine's rules. No Django."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from xingwei.base.ui import datafiles

from .engine.triage.types import Clause, Rule

SCHEMA = Path(__file__).resolve().parent / "data" / "responsibility.schema.json"


@cache
def schema() -> dict[str, Any]:
    return dict(json.loads(SCHEMA.read_text(encoding="utf-8")))


def check(name: str, text: str) -> list[dict[str, Any]]:
    """The rows of a file. Raises FileProblems with file, line and field of everything that is wrong."""
    source = datafiles.read({name: text})
    problems = datafiles.validate(source, schema())
    rows: list[dict[str, Any]] = source.document.get("responsibility") or []
    if not problems:
        seen: dict[str, int] = {}
        for i, row in enumerate(rows):
            path: datafiles.Path = ("responsibility", i)
            if row["code"] in seen:
                problems.append(source.locate(datafiles.Problem(f"“{row['code']}”写了两次", path)))
            if not (row.get("when") or row.get("either")):
                problems.append(source.locate(datafiles.Problem("when 和 either 至少写一个", path)))
            seen[row["code"]] = i
    if problems:
        raise datafiles.FileProblems(problems)
    return rows


def read(path: Path) -> tuple[Rule, ...]:
    """The rules of a file, kept as long as the file stays the same."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> tuple[Rule, ...]:
    return tuple(rule_of(row) for row in check(path.name, datafiles.decode(path.read_bytes())))


def rule_of(row: Mapping[str, Any]) -> Rule:
    return Rule(
        row["code"], row["title"], row["priority"], tuple(row["on"]),
        tuple(_clause(c) for c in row.get("when", ())), tuple(_clause(c) for c in row.get("either", ())),
        tuple(_clause(c) for c in row.get("unless", ())), row["layer"], row["party"],
        tuple(row.get("checks", ())), row.get("remedy", ""), row.get("guide", ""), row.get("why", ""),
    )  # fmt: skip


def _clause(c: Mapping[str, Any]) -> Clause:
    return Clause(
        tuple(c.get("signals", ())), c.get("is", "any"), c.get("at", "self"), c.get("least", 1), tuple(c.get("of", ())),
        tuple(c.get("words", ())), tuple(c.get("events", ())), tuple(c.get("by", ())), dict(c.get("data", {})),
        float(c.get("hours", 0.0)),
    )  # fmt: skip
