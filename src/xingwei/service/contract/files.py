"""A contract's directory on disk, read and checked. Needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO

from .engine.loader import CLAUSES, SOURCE, Loaded, load
from .engine.source import ContractError, Problem

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
    """The contract in a directory. Raises ContractError with every problem, each with file and line."""
    if not directory.is_dir():
        raise ContractError([Problem(f"没有目录 {directory}")])
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(directory.iterdir()):
        if path.suffix not in {".yaml", ".yml"} and path.name not in {CLAUSES, SOURCE}:
            continue
        try:
            files[path.name] = _text(path)
        except ContractError as error:
            problems += error.problems
    if not any(name.endswith((".yaml", ".yml")) for name in files) and not problems:
        problems.append(Problem(f"{directory} 里没有 .yaml 文件"))
    if CLAUSES not in files and not problems:
        problems.append(Problem(f"缺少 {CLAUSES}：合同条款编号", (), CLAUSES))
    if problems:
        raise ContractError(problems)
    return load(files, schema())


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise ContractError([Problem("文件超过 5 MB，不像合同文件", (), path.name)])
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError([Problem("不是 UTF-8 文字，请另存为 UTF-8", (), path.name)]) from None
    except OSError as error:
        raise ContractError([Problem(f"读不了（{error.strerror}）", (), path.name)]) from None
