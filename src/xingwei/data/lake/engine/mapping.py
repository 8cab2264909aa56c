"""How a hospital's own tables become a canonical dataset: data in, statements and expressions out. Pure.

The business database is asked for plain columns only, over a range of its watermark column; everything else (code
maps, expressions, types, time zones) happens here, on the copy. So one mapping reads four dialects alike, and puts
the least load on the hospital.

In a mapping's expressions the columns of the main table go by their names, those of a joined table by `alias.column`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .datasets import ROW, SOURCE, ZONE, Dataset, Field, datasets

UNKNOWN = "?"  # before a code that the code map does not know


class MappingProblem(ValueError):
    """The mapping cannot be used. path: where in its document; the text is Chinese."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, slots=True)
class Join:
    """on: column of the joined table → expression over the tables before it."""

    table: str
    alias: str
    on: Mapping[str, str]
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """value: the expression (DuckDB's language over source columns). codes: source code → canonical code."""

    value: exp.Expr
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spec:
    """One mapping, checked. watermark: the column whose days the dataset's days are; "": a snapshot.

    late_days: how far back rows still arrive or change. changed: columns that tell when an old row changed.
    """

    code: str
    dataset: Dataset
    table: str
    alias: str
    joins: tuple[Join, ...]
    where: str
    key: tuple[str, ...]
    fields: Mapping[str, Source]
    watermark: str = ""
    late_days: int = 2
    changed: tuple[str, ...] = ()
    zone: str = ZONE
    days_at_once: int = 7
    time_format: str = ""

    @property
    def columns(self) -> dict[str, exp.Column]:
        """Raw name → source column, of all that must be read."""
        found: dict[str, exp.Column] = {}
        trees = [s.value for s in self.fields.values()] + [_parse(k) for k in self.key]
        for column in (c for t in trees for c in t.find_all(exp.Column)):
            found.setdefault(raw_name(column), column)
        return dict(sorted(found.items()))

    @property
    def sums(self) -> dict[str, str]:
        """Money field → raw column, for fields that are a source column as it is: they are summed on both sides."""
        return {
            f.name: raw_name(s.value)
            for f in self.dataset.money
            if (s := self.fields.get(f.name)) is not None and isinstance(s.value, exp.Column) and not s.codes
        }


def parse(document: Mapping[str, Any]) -> Spec:
    """A mapping's document, which its JSON Schema already accepted. Raises MappingProblem with the place."""
    dataset = datasets().get(document["dataset"])
    if dataset is None:
        raise MappingProblem(f"没有数据集“{document['dataset']}”，可选：{'、'.join(datasets())}", "dataset")
    fields = {n: _field(dataset, n, body) for n, body in document["fields"].items()}
    for one in dataset.fields:
        if one.required and one.name not in fields:
            raise MappingProblem(f"缺少必有的字段 {one.name}（{one.title}）", "fields")
    mark = document.get("watermark") or {}
    if dataset.day and not mark:
        raise MappingProblem(f"{dataset.title}按天存放，要写水位列 watermark", "watermark")
    if not dataset.day and mark:
        raise MappingProblem(f"{dataset.title}是整份更新的字典，不要写水位列", "watermark")
    spec = Spec(
        document["code"],
        dataset,
        document["from"],
        document.get("alias", "t"),
        # sorted: what went through the database has lost the order of its keys, and statements are known by their text
        tuple(
            Join(j["table"], j["alias"], dict(sorted(j["on"].items())), j.get("inner", False))
            for j in document.get("joins", ())
        ),
        document.get("where", ""),
        tuple(document["key"]),
        fields,
        mark.get("column", ""),
        mark.get("late_days", 2),
        tuple(mark.get("changed", ())),
        document.get("zone", ZONE),
        document.get("days_at_once", 7),
        mark.get("format", ""),
    )
    _check_columns(spec)
    return spec


def statements(spec: Spec, dialect: str) -> dict[str, str]:
    """All that will ever be run for the mapping, by what it is for; the texts that people are shown."""
    found = {"rows": _rows(spec), "check": _check(spec), "row": _one(spec)}
    if spec.watermark:
        found["bounds"] = _bounds(spec)
        found |= {f"changed {c}": _changed(spec, c) for c in spec.changed}
    return {name: _text(tree, dialect) for name, tree in found.items()}


PURPOSES = {
    "rows": "按天读取明细",
    "check": "核对行数与金额合计",
    "row": "溯源时按主键查看一行",
    "bounds": "最早与最晚的日期",
    "changed": "找出改动过的旧数据在哪些天",
}


def purpose_of(name: str) -> str:
    return PURPOSES[name.partition(" ")[0]]


def expressions(
    spec: Spec, raw_types: Mapping[str, str], *, empty: Sequence[str] = (), empty_as: str = ""
) -> dict[str, str]:
    """Dataset column → DuckDB expression over the raw columns, before the cast to its type.

    raw_types: raw column → its type in DuckDB. empty: raw columns without a single value, which have no real type;
    empty_as: the type to give them, where an expression needs one.
    """
    null = exp.cast(exp.null(), empty_as, dialect="duckdb") if empty_as else exp.null()
    found = {f.name: _expression(spec.fields.get(f.name), raw_types, empty, null) for f in spec.dataset.fields}
    parts = []
    for name in spec.key:
        column = _raw(_parse(name), {}, (), null).sql("duckdb")
        parts += [f"'{name.rpartition('.')[2].lower()}'", f"CAST({column} AS VARCHAR)"]
    return found | {SOURCE: f"'{spec.code}'", ROW: f"CAST(json_object({', '.join(parts)}) AS VARCHAR)"}


def typed(expression: str, kind: str, one: Field, zone: str) -> str:
    """An expression of DuckDB's type `kind` as the field's type. Times without a zone are of the source's zone."""
    if one.type == "time" and not kind.upper().endswith("TIME ZONE"):
        return f"timezone('{zone}', CAST({expression} AS TIMESTAMP))"
    if one.type == "day" and kind.upper().endswith("TIME ZONE"):
        return f"CAST(timezone('{zone}', {expression}) AS DATE)"
    if one.type in {"id", "code", "text"} and kind.upper().startswith("DECIMAL"):
        return f"CAST(CAST({expression} AS HUGEINT) AS VARCHAR)"
    if one.type == "bool" and kind.upper() == "VARCHAR":
        return f"(lower({expression}) IN ('1', 'y', 'true', 't'))"
    return f"CAST({expression} AS {one.column})"


def raw_name(column: exp.Expr) -> str:
    """What a source column is called in the copy."""
    name = column.name.lower()
    return f"{column.table.lower()}__{name}" if isinstance(column, exp.Column) and column.table else name


def _field(dataset: Dataset, name: str, body: Any) -> Source:
    try:
        one = dataset.field(name)
    except KeyError:
        known = "、".join(dataset.names)
        raise MappingProblem(f"{dataset.title}没有字段“{name}”，可写的是：{known}", "fields", name) from None
    text = body if isinstance(body, str) else body.get("column") or body.get("value")
    codes = {} if isinstance(body, str) else {str(k): str(v) for k, v in (body.get("codes") or {}).items()}
    try:
        value = _parse(str(text))
    except MappingProblem as problem:
        raise MappingProblem(str(problem), "fields", name) from None
    if codes and one.code_list is None:
        raise MappingProblem(f"{name} 不是代码字段，不能写代码对照", "fields", name)
    if one.code_list and (strange := set(codes.values()) - set(one.code_list.values)):
        allowed = "、".join(one.code_list.values)
        raise MappingProblem(f"{name} 没有代码 {'、'.join(sorted(strange))}，可用：{allowed}", "fields", name)
    return Source(value, codes)


def _parse(text: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise MappingProblem(f"表达式“{text[:60]}”读不懂：{str(error).splitlines()[0][:120]}") from None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query):
        raise MappingProblem(f"“{text[:60]}”不是一个表达式")
    return tree


def _check_columns(spec: Spec) -> None:
    aliases = {spec.alias, *(j.alias for j in spec.joins)}
    for name, source in spec.fields.items():
        for column in source.value.find_all(exp.Column):
            if column.table and column.table not in aliases:
                raise MappingProblem(f"没有表别名“{column.table}”，可用：{'、'.join(sorted(aliases))}", "fields", name)


def _expression(source: Source | None, raw_types: Mapping[str, str], empty: Sequence[str], null: exp.Expr) -> str:
    if source is None:
        return "NULL"
    text = _raw(source.value, raw_types, empty, null).sql("duckdb")
    if not source.codes:
        return text
    cases = " ".join(f"WHEN {_quoted(k)} THEN {_quoted(v)}" for k, v in source.codes.items())
    as_text = f"CAST({text} AS VARCHAR)"
    return f"CASE {as_text} {cases} ELSE '{UNKNOWN}' || {as_text} END"


def _raw(tree: exp.Expr, raw_types: Mapping[str, str], empty: Sequence[str], null: exp.Expr) -> exp.Expr:
    """The expression over the copy: raw names; texts without blanks around; NULL for what is empty throughout."""

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        name = raw_name(node)
        if name in empty:
            return null.copy()
        column = exp.column(name, quoted=True)
        if raw_types.get(name) == "VARCHAR":
            return exp.func("NULLIF", exp.func("TRIM", column), exp.Literal.string(""))
        return column

    return tree.copy().transform(change)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _base(spec: Spec) -> exp.Select:
    tree = exp.select().from_(exp.alias_(exp.to_table(spec.table), spec.alias, table=True))
    for join in spec.joins:
        on = [
            exp.EQ(this=exp.column(column, table=join.alias), expression=_qualified(_parse(other), spec))
            for column, other in join.on.items()
        ]
        table = exp.alias_(exp.to_table(join.table), join.alias, table=True)
        tree = tree.join(table, on=exp.and_(*on), join_type="inner" if join.inner else "left")
    return tree.where(_qualified(_parse(spec.where), spec)) if spec.where else tree


def _qualified(tree: exp.Expr, spec: Spec) -> exp.Expr:
    """Columns of the main table with its alias, so that no database takes them for another's."""
    for column in tree.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(spec.alias))
    return tree


def _ranged(spec: Spec, tree: exp.Select, column: str = "") -> exp.Select:
    if not spec.watermark:
        return tree
    mark = _qualified(_parse(column or spec.watermark), spec)
    return tree.where(exp.GTE(this=mark, expression=exp.Placeholder(this="since"))).where(
        exp.LT(this=mark.copy(), expression=exp.Placeholder(this="until"))
    )


def _rows(spec: Spec) -> exp.Select:
    chosen = [exp.alias_(_qualified(c.copy(), spec), n) for n, c in spec.columns.items()]
    return _ranged(spec, _base(spec).select(*chosen))


def _check(spec: Spec) -> exp.Select:
    tree = _base(spec).select(exp.alias_(exp.Count(this=exp.Star()), "n"))
    for name in spec.sums:
        column = _qualified(spec.fields[name].value.copy(), spec)
        tree = tree.select(exp.alias_(exp.Sum(this=column), f"s_{name}"))
    return _ranged(spec, tree)


def _one(spec: Spec) -> exp.Select:
    chosen = [exp.alias_(_qualified(c.copy(), spec), n) for n, c in spec.columns.items()]
    tree = _base(spec).select(*chosen)
    for at, name in enumerate(spec.key):
        tree = tree.where(exp.EQ(this=_qualified(_parse(name), spec), expression=exp.Placeholder(this=f"key{at}")))
    return tree


def _bounds(spec: Spec) -> exp.Select:
    mark = _qualified(_parse(spec.watermark), spec)
    return _base(spec).select(
        exp.alias_(exp.Min(this=mark), "first_at"), exp.alias_(exp.Max(this=mark.copy()), "last_at")
    )


def _changed(spec: Spec, column: str) -> exp.Select:
    mark = _qualified(_parse(spec.watermark), spec)
    return _ranged(spec, _base(spec).select(exp.alias_(mark, "mark")), column)


def _text(tree: exp.Select, dialect: str) -> str:
    """Readable, with parameters as :name in every dialect."""
    copy = tree.copy()
    for node in list(copy.find_all(exp.Placeholder)):
        node.replace(exp.var(f":{node.this}"))
    return copy.sql(dialect=dialect, pretty=True)
