"""Calendar files as a hospital keeps them: YEAR.yaml and hours.yaml, each checked by its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, decode, read, validate

from .engine import CalendarError, parse_hours, parse_year

SHIPPED = REPO / "calendars"
_MOST_FILES = 60


@cache
def schema(name: str) -> dict[str, Any]:
    """name: "calendar" or "hours"."""
    data: dict[str, Any] = json.loads((SHIPPED / f"{name}.schema.json").read_text(encoding="utf-8"))
    return data


def read_paths(paths: Iterable[Path]) -> tuple[dict[int, dict[str, Any]], dict[str, Any] | None]:
    """Years and hours of all files; directories stand for the *.yaml in them. Raises FileProblems with all troubles."""
    files: list[Path] = []
    for path in paths:
        files += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise FileProblems([Problem("没有找到 .yaml 文件")])
    texts: dict[str, str] = {}
    for path in files[:_MOST_FILES]:
        try:
            texts[path.name] = decode(path.read_bytes())
        except OSError as error:
            raise FileProblems([Problem(f"读不了：{error.strerror}", (), path.name)]) from None
    return read_texts(texts)


def read_texts(texts: Mapping[str, str]) -> tuple[dict[int, dict[str, Any]], dict[str, Any] | None]:
    """File name → text; a file with a "year" is that year, one with "default" holds the working hours."""
    years: dict[int, dict[str, Any]] = {}
    hours: dict[str, Any] | None = None
    problems: list[Problem] = []
    for name, text in texts.items():
        try:
            data = _checked(name, text)
        except FileProblems as error:
            problems += error.problems
            continue
        if "default" in data:
            hours = data
        elif data["year"] in years:
            problems.append(Problem(f"{data['year']} 年已在另一个文件里", ("year",), name))
        else:
            years[data["year"]] = data
    if problems:
        raise FileProblems(problems)
    return years, hours


def _checked(name: str, text: str) -> dict[str, Any]:
    source = read({name: text})
    is_hours = "default" in source.document
    if problems := validate(source, schema("hours" if is_hours else "calendar")):
        raise FileProblems(problems)
    try:
        if is_hours:
            parse_hours(source.document)
        else:
            parse_year(source.document)
    except CalendarError as error:
        raise FileProblems([Problem(str(error), (), name)]) from None
    return source.document
