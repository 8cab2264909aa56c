"""Questions over the canonical datasets, written once, in the words of DuckDB's SELECT, for DuckDB and for Spark.

`read` parses and judges: one SELECT, tables that are datasets, nothing that reaches outside. `write` gives the text for
an engine through the tree, where the two differ (FILTER, GROUP BY ALL, division of integers …).
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .datasets import datasets

ENGINES = ("duckdb", "spark")
_OUTSIDE = (
    "read_",
    "glob",
    "parquet_",
    "csv",
    "sniff_",
    "query",
    "getenv",
    "pragma_",
    "duckdb_",
    "java_method",
    "reflect",
)


class Misunderstood(ValueError):
    """The question cannot be asked; says why, in Chinese."""


def read(text: str) -> exp.Query:
    """The question as a tree. Raises Misunderstood."""
    try:
        found = [t for t in sqlglot.parse(text, read="duckdb") if t is not None]
    except (SqlglotError, RecursionError) as error:
        raise Misunderstood(f"查询读不懂：{_first_line(error)}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise Misunderstood("只能写一条 SELECT 查询。")
    tree = found[0]
    for node in tree.walk():
        _judge(node)
    for table in tables(tree):
        if table not in datasets():
            raise Misunderstood(f"没有数据集“{table}”，可以查的是：{'、'.join(datasets())}")
    return tree


def tables(tree: exp.Expr) -> list[str]:
    """Names of the datasets that the question reads, without its own WITH."""
    own = {c.alias_or_name for c in tree.find_all(exp.CTE)}
    return sorted({t.name for t in tree.find_all(exp.Table)} - own)


def write(tree: exp.Expr, engine: str, *, names: Mapping[str, str] | None = None) -> str:
    """The text for an engine. names: what a dataset is called there, where it is not by its own name."""
    copy = tree.copy()
    for node in list(copy.find_all(exp.Filter)):
        node.replace(_without_filter(node))
    for division in list(copy.find_all(exp.IntDiv)):
        whole = exp.func("FLOOR", exp.Div(this=_decimal(division.this), expression=division.expression.copy()))
        division.replace(exp.cast(whole, "BIGINT"))
    if names:
        for table in copy.find_all(exp.Table):
            if table.name in names:
                alias = table.alias_or_name
                table.replace(exp.alias_(exp.to_table(names[table.name]), alias, table=True))
    return copy.sql(dialect=engine, normalize_functions="upper")


def _without_filter(node: exp.Filter) -> exp.Expr:
    """SUM(x) FILTER (WHERE c) → SUM(CASE WHEN c THEN x END): several times quicker in DuckDB, and known to Spark."""
    condition = node.expression.this
    call: exp.Expr = node.this.copy()
    if isinstance(call, exp.Count) and isinstance(call.this, exp.Star):
        call.set("this", exp.case().when(condition.copy(), exp.Literal.number(1)))
        return call
    inner = call.this
    if isinstance(inner, exp.Distinct):
        inner.set("expressions", [exp.case().when(condition.copy(), e.copy()) for e in inner.expressions])
    elif isinstance(call, (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count)):
        call.set("this", exp.case().when(condition.copy(), inner.copy()))
    else:
        raise Misunderstood(f"{call.key} 不能带 FILTER，请改写成 CASE。")
    return call


def _decimal(node: exp.Expr) -> exp.Expr:
    return exp.cast(node.copy(), "DECIMAL(38, 6)")


def _judge(node: exp.Expr) -> None:
    if isinstance(node, (exp.DML, exp.DDL, exp.Command, exp.Into)):
        raise Misunderstood("只能查询，不能改动。")
    if isinstance(node, exp.Table) and not _plain(node):
        raise Misunderstood("只能查数据集，不能读文件或别的库。")
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if name.startswith(_OUTSIDE):
            raise Misunderstood(f"不能用函数 {name}。")


def _plain(table: exp.Table) -> bool:
    return not (isinstance(table.this, exp.Func) or table.db or table.catalog) and table.name.isidentifier()


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__
