"""Checklists and plans as a hospital keeps them: YAML, checked by inspections.schema.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, Source, decode, read, validate

DIRECTORY = REPO / "inspections"
SHIPPED = DIRECTORY / "guangyuan.yaml"


@cache
def schema() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((DIRECTORY / "inspections.schema.json").read_text(encoding="utf-8"))
    return data


def load(path: Path) -> Source:
    """The file, valid by its schema. Raises FileProblems with everything that is wrong, in Chinese."""
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise FileProblems([Problem(f"读不了：{error.strerror}", (), path.name)]) from None
    source = read({path.name: text})
    if problems := validate(source, schema()):
        raise FileProblems(problems)
    return source
