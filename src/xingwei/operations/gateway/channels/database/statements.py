"""Statements with :name for values, as each driver wants them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..base import ChannelProblem

DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "oracle": "oracle", "sqlserver": "tsql"}
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/)|(?P<cast>::)|"""
    r"""(?P<name>:[A-Za-z_]\w*)|(?P<percent>%)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """sql: in the driver's own style. names: of the values, in order where the style has no names."""

    sql: str
    names: tuple[str, ...]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: given[name] for name in dict.fromkeys(self.names)}


def prepare(sql: str, driver: str, wanted: str) -> Statement:
    """wanted: `select` or `write`. Raises ChannelProblem where it is another kind of statement, or several."""
    try:
        parsed = [one for one in sqlglot.parse(sql, dialect=DIALECTS[driver]) if one is not None]
    except SqlglotError:
        raise ChannelProblem(f"语句读不懂：{sql[:60]}") from None
    if len(parsed) != 1:
        raise ChannelProblem("只能写一条语句。")
    if wanted == "select":
        if not isinstance(parsed[0], exp.Query) or list(
            parsed[0].find_all(exp.Insert, exp.Update, exp.Delete, exp.Into)
        ):
            raise ChannelProblem("这里只能写 SELECT 语句。")
    elif not isinstance(parsed[0], (exp.Insert, exp.Update, exp.Merge, exp.Command)):
        raise ChannelProblem("这里只能写 INSERT、UPDATE 或 MERGE 语句，或调用存储过程。")
    names: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found["name"]:
            names.append(found["name"][1:])
            return found["name"] if driver == "oracle" else f"%({found['name'][1:]})s"
        if driver == "oracle":
            return found[0]
        return found[0].replace("%", "%%")  # the drivers that take %(name)s read every % as theirs

    return Statement(_TOKEN.sub(put, sql.strip().rstrip(";")), tuple(names))
