"""Guided paths for common symptoms, as data: which checks, in which order, on which parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from xingwei.base.ui import datafiles

SCHEMA = Path(__file__).resolve().parent / "data" / "paths.schema.json"


@dataclass(frozen=True, slots=True)
class Check:
    title: str
    nodes: tuple[str, ...]
    signals: tuple[str, ...] = ()
    errors: bool = False


@dataclass(frozen=True, slots=True)
class GuidedPath:
    """node: where the graph is entered; words: by which a user's sentence is known to mean this."""

    code: str
    title: str
    lead: str
    node: str
    words: tuple[str, ...]
    checks: tuple[Check, ...]


def check(name: str, text: str) -> list[dict[str, Any]]:
    """The paths of a file. Raises FileProblems with file, line and field of all that is wrong."""
    source = datafiles.read({name: text})
    problems = datafiles.validate(source, json.loads(SCHEMA.read_text(encoding="utf-8")))
    if problems:
        raise datafiles.FileProblems(problems)
    return list(source.document["paths"])


def built(rows: Sequence[dict[str, Any]]) -> tuple[GuidedPath, ...]:
    return tuple(
        GuidedPath(
            r["code"], r["title"], r.get("lead", ""), r["node"], tuple(r["words"]),
            tuple(Check(c["title"], tuple(c["nodes"]), tuple(c.get("signals", ())), bool(c.get("errors"))) for c in r["checks"]),
        )
        for r in rows
    )  # fmt: skip


@cache
def shipped(directory: Path) -> tuple[GuidedPath, ...]:
    """The paths of a hospital's directory; none where it has no such file."""
    path = directory / "paths.yaml"
    return built(check(path.name, datafiles.decode(path.read_bytes()))) if path.is_file() else ()


def meant(paths: Sequence[GuidedPath], text: str) -> GuidedPath | None:
    """The path whose longest word occurs in what somebody said."""
    best = max(((len(w), p.code, p) for p in paths for w in p.words if w in text), default=None)
    return best[2] if best else None
