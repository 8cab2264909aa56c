"""A contract's directory on disk, read and checked. Needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, decode

from .engine.loader import CLAUSES, SOURCE, Loaded, load

CONTRACTS = REPO / "contracts"
SCHEMA = CONTRACTS / "contract.schema.json"
_LARGEST = 5 * 2**20


def schema() -> dict[str, Any]:
    """The published JSON Schema of a contract's YAML files."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def directories() -> list[Path]:
    """The contracts that come with the product."""
    return sorted(p.parent for p in CONTRACTS.glob("*/contract.yaml"))


def load_directory(directory: Path) -> Loaded:
    """The contract in a directory. Raises FileProblems with every problem, each with file and line."""
    if not directory.is_dir():
        raise FileProblems([Problem(f"没有目录 {directory}")])
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(directory.iterdir()):
        if path.suffix not in {".yaml", ".yml"} and path.name not in {CLAUSES, SOURCE}:
            continue
        try:
            files[path.name] = _text(path)
        except FileProblems as error:
            problems += error.problems
    if not any(name.endswith((".yaml", ".yml")) for name in files) and not problems:
        problems.append(Problem(f"{directory} 里没有 .yaml 文件"))
    if CLAUSES not in files and not problems:
        problems.append(Problem(f"缺少 {CLAUSES}：合同条款编号", (), CLAUSES))
    if problems:
        raise FileProblems(problems)
    return load(files, schema())


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise FileProblems([Problem("文件超过 5 MB，不像合同文件", (), path.name)])
        return decode(path.read_bytes())
    except FileProblems as error:
        raise FileProblems([Problem(p.message, (), path.name) for p in error.problems]) from None
    except OSError as error:
        raise FileProblems([Problem(f"读不了（{error.strerror}）", (), path.name)]) from None
