"""The statements that are asked of each kind of database: data beside this module, checked by a parser. Pure but for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp

ENGINES: Mapping[str, str] = {"postgresql": "postgres", "mysql": "mysql", "oracle": "oracle", "mssql": "tsql"}
_WRITES = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Into, exp.Lock,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """show: the column of a SHOW that holds the number. engine: "mariadb" or "mysql", or "" for both."""

    signal: str
    title: str
    sql: str
    unit: str = ""
    worse: str = "high"
    every: int = 1
    since: bool = False
    needs: str = ""
    show: str = ""
    engine: str = ""


@lru_cache(maxsize=8)
def statements(engine: str) -> tuple[Statement, ...]:
    """All that is asked of this kind of database."""
    text = (Path(__file__).parent / f"{engine}.yaml").read_text(encoding="utf-8")
    return tuple(Statement(**item) for item in yaml.safe_load(text))


def refused(sql: str, engine: str) -> str:
    """Why a statement may not be asked, in Chinese: only one statement that reads. Empty: it may."""
    head = sql.lstrip().split(None, 1)[0].upper() if sql.strip() else ""
    if head == "SHOW" and engine == "mysql" and ";" not in sql.strip().rstrip(";"):
        return ""
    try:
        parsed: list[Any] = [p for p in sqlglot.parse(sql, dialect=ENGINES[engine]) if p is not None]
    except sqlglot.ParseError as error:
        first = error.errors[0] if error.errors else {}
        return f"SQL 读不懂（第 {first.get('line', '?')} 行附近）"
    if len(parsed) != 1:
        return "只能写一条语句"
    if not isinstance(parsed[0], (exp.Select, exp.Union, exp.Subquery)) or any(
        parsed[0].find(kind) for kind in _WRITES
    ):
        return "只能是查询：拨测不改动医院的数据"
    return ""
