"""From a number back to its rows: the question that gave the number, turned into the one that gives the rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from .compile import Misunderstood, read, tables
from .datasets import ROW, SOURCE, datasets


def rows_behind(text: str, group: Mapping[str, Any] | None = None, *, limit: int = 200) -> str:
    """The rows of which a total is made: `text` is an aggregate over one dataset, group the values of its line.

    The answer has `_source` and `_row` (which mapping, which key in the source) and all columns that the question
    uses. Raises Misunderstood where the question reads several datasets: then ask each for itself.
    """
    tree = read(text)
    if not isinstance(tree, exp.Select) or tree.find(exp.CTE, exp.Join, exp.Subquery) or len(tables(tree)) != 1:
        raise Misunderstood("只能追溯直接从一个数据集算出的数；用了几个数据集的，请分别追溯。")
    dataset = datasets()[tables(tree)[0]]
    named = {e.alias_or_name: e.unalias() for e in tree.expressions}
    used = sorted({c.name for c in tree.find_all(exp.Column)} & set(dataset.names))
    answer = exp.select(*(exp.column(n) for n in dict.fromkeys([SOURCE, ROW, *dataset.key, *used]))).from_(dataset.code)
    if where := tree.args.get("where"):
        answer = answer.where(_bare(where.this))
    for name, value in (group or {}).items():
        if name not in named or named[name].find(exp.AggFunc):
            raise Misunderstood(f"“{name}”不是这个查询的分组列。")
        answer = answer.where(_equals(_bare(named[name]), value))
    return answer.order_by(SOURCE, ROW).limit(limit).sql("duckdb")


def _bare(tree: exp.Expr) -> exp.Expr:
    """Columns without the alias of the one table."""

    def change(node: exp.Expr) -> exp.Expr:
        return exp.column(node.name) if isinstance(node, exp.Column) else node

    return tree.copy().transform(change)


def _equals(column: exp.Expr, value: Any) -> exp.Expr:
    if value is None:
        return exp.Is(this=column, expression=exp.null())
    return exp.EQ(this=exp.cast(column, "VARCHAR"), expression=exp.Literal.string(str(value)))
