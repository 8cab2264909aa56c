"""The canonical datasets: what indicators, reports and reconciliation know of a hospital.

Each is a YAML file in lake/datasets with its fields, types, units, keys and code lists; the code lists, after the
national standards where there is one, are in lake/data/codes.yaml. A hospital's own tables are mapped onto these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

ROOM = "xingwei.data.lake"
ZONE = "Asia/Shanghai"  # days of the lake begin at midnight here

# type → the column's type in DuckDB; all of them exist under the same name in Spark.
TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "code": "VARCHAR",
    "int": "BIGINT",
    "decimal": "DECIMAL(18,4)",
    "money": "DECIMAL(18,2)",
    "time": "TIMESTAMP WITH TIME ZONE",
    "day": "DATE",
    "bool": "BOOLEAN",
}
TYPE_TITLES = {
    "id": "编号",
    "text": "文字",
    "code": "代码",
    "int": "整数",
    "decimal": "小数",
    "money": "金额",
    "time": "时间",
    "day": "日期",
    "bool": "是否",
}
SOURCE, ROW = "_source", "_row"  # of every row: the mapping it came by, and its key in the source as JSON


@dataclass(frozen=True, slots=True)
class CodeList:
    """The values that a code field may have. standard: where they come from, "" for the house's own."""

    code: str
    title: str
    values: Mapping[str, str]
    standard: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """codes: name of a CodeList. refers: "dataset.field" that must have the value. personal: masked on pages."""

    name: str
    title: str
    type: str
    unit: str = ""
    codes: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    refers: str = ""
    standard: str = ""
    personal: bool = False

    @property
    def column(self) -> str:
        return TYPES[self.type]

    @property
    def type_title(self) -> str:
        return TYPE_TITLES[self.type]

    @property
    def code_list(self) -> CodeList | None:
        return code_lists()[self.codes] if self.codes else None


@dataclass(frozen=True, slots=True)
class RowRule:
    """What must hold in every row (unknown counts as held). alarm: share of bad rows of a day that calls people."""

    code: str
    title: str
    must: str
    kind: str
    alarm: float = 0.01


@dataclass(frozen=True, slots=True)
class Dataset:
    """key: fields that together occur once. day: the field by whose day rows are partitioned; "": one snapshot."""

    code: str
    title: str
    what: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    day: str = ""
    rules: tuple[RowRule, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    def field(self, name: str) -> Field:
        """Raises KeyError for a field that the dataset does not have."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def money(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.type == "money")

    @property
    def columns(self) -> dict[str, str]:
        """Name → type of all columns of its files, those of lineage last."""
        return {f.name: f.column for f in self.fields} | {SOURCE: "VARCHAR", ROW: "VARCHAR"}


@cache
def datasets() -> dict[str, Dataset]:
    """All canonical datasets by their codes, in the order of their files."""
    directory = resources.files(ROOM) / "datasets"
    found = [
        _dataset(yaml.safe_load(p.read_text("utf-8")))
        for p in sorted(directory.iterdir(), key=lambda p: p.name)
        if p.name.endswith(".yaml")
    ]
    return {d.code: d for d in found}


@cache
def code_lists() -> dict[str, CodeList]:
    document = yaml.safe_load((resources.files(ROOM) / "data" / "codes.yaml").read_text("utf-8"))
    return {
        code: CodeList(code, body["title"], {str(k): v for k, v in body["values"].items()}, body.get("standard", ""))
        for code, body in document.items()
    }


def _dataset(document: Mapping[str, Any]) -> Dataset:
    fields = tuple(_field(name, body) for name, body in document["fields"].items())
    rules = tuple(
        RowRule(r["code"], r["title"], r["must"], r["kind"], r.get("alarm", 0.01)) for r in document.get("rules", ())
    )
    return Dataset(
        document["code"],
        document["title"],
        document["what"],
        fields,
        tuple(document["key"]),
        document.get("day", ""),
        rules,
    )


def _field(name: str, body: Mapping[str, Any]) -> Field:
    return Field(
        name,
        body["title"],
        body["type"],
        body.get("unit", ""),
        body.get("codes", ""),
        body.get("required", False),
        body.get("min"),
        body.get("max"),
        body.get("refers", ""),
        body.get("standard", ""),
        body.get("personal", False),
    )
