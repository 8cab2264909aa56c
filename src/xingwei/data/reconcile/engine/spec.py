"""A reconciliation as data: what the sides are, by what rows belong together, what is compared, what counts as a cause.

The document is checked against `data/reconciliation.schema.json`; `Spec.read` adds what a schema cannot say.
Amounts inside the engine are whole minor units (fen at scale 2), times microseconds of local time. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jsonschema import Draft202012Validator

Type = Literal["text", "money", "integer", "date", "time"]
Test = Mapping[str, Any]


class SpecProblem(ValueError):
    """The document cannot be a reconciliation; the text says all that is wrong, in Chinese."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that the sides share under one name."""

    name: str
    title: str
    type: Type


@dataclass(frozen=True, slots=True)
class Column:
    """Where a side has a field. constant: every row has this value. codes: what is written there → what it means."""

    column: str = ""
    unit: Literal["yuan", "fen"] = "yuan"
    negate: bool = False
    codes: Mapping[str, str] | None = None
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One book. where: only rows whose field holds one of these values belong to it."""

    name: str
    title: str
    fields: Mapping[str, Column]
    where: Mapping[str, tuple[str, ...]]
    dataset: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A table that proves causes: the message log, answers of the insurer, another channel."""

    name: str
    title: str
    fields: Mapping[str, Column]
    types: Mapping[str, Type]
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """sign: a refund has the number of its original, so that the sign of the amount belongs to the key."""

    name: str
    fields: tuple[str, ...]
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """A field that must agree. tolerance and cap (a day) in minor units; line: where what is tolerated is booked."""

    field: str
    tolerance: int = 0
    cap: int | None = None
    line: str = "抹零"


@dataclass(frozen=True, slots=True)
class Combine:
    fields: tuple[str, ...]
    most: int = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Rows without a common number: same amount, near in time; fields and their weights make the score."""

    seconds: int
    time: str
    fields: Mapping[str, float]
    accept: float = 0.75
    margin: float = 0.2


@dataclass(frozen=True, slots=True)
class Refund:
    """How a refund is told: a flag field with these values, or the minus sign."""

    flag: str = ""
    values: tuple[str, ...] = ("1",)


@dataclass(frozen=True, slots=True)
class Remedy:
    act: str
    title: str
    precondition: str = ""
    requires: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """A rule. The first whose tests all hold names the cause of a difference."""

    code: str
    title: str
    rule: str
    when: tuple[Test, ...]
    detail: str = ""
    why: str = ""
    confidence: float = 1.0
    expected: bool = False
    owner: str = ""
    sla_hours: float | None = None
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides held against each other."""

    left: str
    right: str
    title: str
    keys: tuple[Key, ...]
    amount: str
    compare: tuple[Compare, ...]
    day: str = ""
    groups: tuple[str, ...] = ()
    refund: Refund = Refund()
    combine: tuple[Combine, ...] = ()
    net: tuple[tuple[str, ...], ...] = ()
    window: Window | None = None
    show: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    left_where: Mapping[str, tuple[str, ...]] | None = None
    right_where: Mapping[str, tuple[str, ...]] | None = None

    @property
    def name(self) -> str:
        return f"{self.left}-{self.right}"

    def used(self) -> Iterator[str]:
        """Every field that the pair needs of both its sides, each once."""
        names = [f for key in self.keys for f in key.fields] + [self.amount] + [c.field for c in self.compare]
        names += [self.day] * bool(self.day) + list(self.groups) + [self.refund.flag] * bool(self.refund.flag)
        names += [f for c in self.combine for f in c.fields] + [f for fields in self.net for f in fields]
        if self.window:
            names += [self.window.time] * bool(self.window.time) + list(self.window.fields)
        names += list(self.show) + [f for cause in self.causes for f in fields_of_tests(cause.when)]
        names += [f for c in self.causes if c.remedy for f in fields_of_tests(c.remedy.requires)]
        return iter(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Spec:
    code: str
    title: str
    sides: tuple[Side, ...]
    fields: Mapping[str, Field]
    pairs: tuple[Pair, ...]
    evidence: Mapping[str, Evidence]
    scale: int = 2
    timezone_hours: float = 8
    profile: str = ""
    schedule: str = ""
    note: str = ""

    def side(self, name: str) -> Side:
        return next(side for side in self.sides if side.name == name)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Spec:
        """The document of YAML or JSON as a Spec. Raises SpecProblem with everything that is wrong."""
        problems = [_complaint(error) for error in Draft202012Validator(schema()).iter_errors(document)]
        if problems:
            raise SpecProblem("\n".join(problems))
        from .specread import build

        return build(document)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a reconciliation."""
    text = files("xingwei.data.reconcile").joinpath("data/reconciliation.schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def minor(text: str, scale: int) -> int:
    """ "0.01" at scale 2 → 1. Digits beyond the scale are refused."""
    value = Decimal(text).scaleb(scale)
    if value != value.to_integral_value():
        raise SpecProblem(f"{text} 的小数位超过 {scale} 位。")
    return int(value)


def fields_of_tests(tests: tuple[Test, ...] | list[Test]) -> Iterator[str]:
    """Fields of a difference's own rows that the tests look at."""
    for test in tests:
        for name, body in test.items():
            if name in {"any", "all"}:
                yield from fields_of_tests(body)
            elif name == "not":
                yield from fields_of_tests([body])
            elif name == "field":
                yield body["name"]
            elif name == "partner":
                yield from body["on"]


def partners(tests: tuple[Test, ...] | list[Test]) -> Iterator[Mapping[str, Any]]:
    """Every partner that the tests ask for."""
    for test in tests:
        for name, body in test.items():
            if name in {"any", "all"}:
                yield from partners(body)
            elif name == "not":
                yield from partners([body])
            elif name == "partner":
                yield body


def _complaint(error: Any) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "方案"
    kinds = {
        "required": f"缺少 {'、'.join(sorted(set(error.validator_value) - set(error.instance or ())))}"
        if error.validator == "required"
        else "",
        "additionalProperties": "有不认识的键",
        "enum": f"只能是 {error.validator_value}",
        "pattern": f"写法不对：{error.instance}",
        "type": f"类型不对，应为 {error.validator_value}",
    }
    return f"{where}：{kinds.get(str(error.validator)) or error.message}"
