"""Rules of quality: what the schema of a dataset promises, and what must hold besides. Pure: rules in, SQL out.

Every rule becomes one expression over a row that is true where the row is bad, or a whole query for duplicates and
references. Unknown values count as good, save where a rule asks for their presence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .datasets import ROW, Dataset, Field
from .mapping import UNKNOWN

KINDS = {"missing": "缺失", "range": "超出范围", "code": "未知代码", "reference": "引用不到", "duplicate": "重复"}
SAMPLES = 5


class RuleProblem(ValueError):
    """The rule cannot be used; the text is Chinese."""


@dataclass(frozen=True, slots=True)
class Rule:
    """bad: expression that is true of a bad row; "" for duplicates. refers: (dataset, field) that must have `field`.

    alarm: the share of bad rows in a day from which people are called.
    """

    code: str
    title: str
    kind: str
    bad: str = ""
    field: str = ""
    refers: tuple[str, str] | None = None
    alarm: float = 0.01


def rules_of(dataset: Dataset, extra: Iterable[Mapping[str, Any]] = ()) -> list[Rule]:
    """All rules of a dataset: from its fields, its key, its own rules, and the hospital's (documents)."""
    found = [r for f in dataset.fields for r in _of_field(f)]
    keys = "、".join(dataset.field(k).title for k in dataset.key)
    found.append(Rule("duplicate", f"{keys}重复", "duplicate", alarm=0.0))
    for one in dataset.rules:
        found.append(Rule(one.code, one.title, one.kind, condition(dataset, one.must), alarm=one.alarm))
    for item in extra:
        bad = condition(dataset, item["must"])
        found.append(Rule(item["code"], item["title"], item.get("kind", "range"), bad, alarm=item.get("alarm", 0.01)))
    return found


def condition(dataset: Dataset, must: str) -> str:
    """What must hold → an expression that is true where it does not. Raises RuleProblem."""
    try:
        tree = sqlglot.parse_one(must, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise RuleProblem(f"条件读不懂：{str(error).splitlines()[0][:120]}") from None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query):
        raise RuleProblem("条件应是一个表达式，不能含查询")
    if strange := {c.name for c in tree.find_all(exp.Column)} - set(dataset.names):
        raise RuleProblem(f"{dataset.title}没有字段 {'、'.join(sorted(strange))}")
    return f"NOT coalesce({tree.sql('duckdb')}, true)"


def counting(dataset: Dataset, rules: Iterable[Rule]) -> str:
    """One pass over `rows` for all row-wise rules: day, number of rows, and number of bad rows of each."""
    row_wise = [r for r in rules if r.bad]
    chosen = ", ".join(f"count(CASE WHEN {r.bad} THEN 1 END)" for r in row_wise)
    return f"SELECT day, count(*){', ' + chosen if chosen else ''} FROM rows GROUP BY day ORDER BY day"  # noqa: S608


def samples(rule: Rule, day: str) -> str:
    """Keys of some bad rows of one day."""
    return f"SELECT {ROW} FROM rows WHERE day = DATE '{day}' AND {rule.bad} ORDER BY 1 LIMIT {SAMPLES}"  # noqa: S608


def duplicates(dataset: Dataset) -> str:
    """Day and key of each row whose key occurs again, the first of them left out."""
    keys = ", ".join(f'"{k}"' for k in dataset.key)
    return (
        f"SELECT day, {ROW} FROM (SELECT day, {ROW}, row_number() OVER (PARTITION BY {keys} ORDER BY day, {ROW}) AS n"  # noqa: S608
        " FROM rows) WHERE n > 1 ORDER BY 1, 2"
    )


def orphans(rule: Rule) -> str:
    """Day and key of each row whose reference leads nowhere; `others` holds what may be referred to."""
    assert rule.refers is not None
    return (
        f'SELECT day, {ROW} FROM rows r WHERE r."{rule.field}" IS NOT NULL AND NOT EXISTS'  # noqa: S608
        f' (SELECT 1 FROM others o WHERE o."{rule.refers[1]}" = r."{rule.field}") ORDER BY 1, 2'
    )


def _of_field(f: Field) -> list[Rule]:
    found, name = [], f'"{f.name}"'
    if f.required:
        found.append(Rule(f"missing:{f.name}", f"没有{f.title}", "missing", f"{name} IS NULL", f.name))
    limits = [f"{name} < {f.minimum:g}"] if f.minimum is not None else []
    limits += [f"{name} > {f.maximum:g}"] if f.maximum is not None else []
    if limits:
        said = f"{'' if f.minimum is None else f'{f.minimum:g}'} 至 {'' if f.maximum is None else f'{f.maximum:g}'}"
        bad = f"coalesce({' OR '.join(limits)}, false)"
        found.append(Rule(f"range:{f.name}", f"{f.title}超出 {said.strip()}", "range", bad, f.name))
    if f.codes:
        bad = f"coalesce(left({name}, 1) = '{UNKNOWN}', false)"
        found.append(Rule(f"code:{f.name}", f"{f.title}有对照表里没有的代码", "code", bad, f.name))
    if f.refers:
        target, _, field = f.refers.partition(".")
        found.append(Rule(f"refers:{f.name}", f"{f.title}引用不到", "reference", "", f.name, (target, field)))
    return found
