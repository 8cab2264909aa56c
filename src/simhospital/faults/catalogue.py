"""The faults that can be switched on, as data: `data/faults.yaml`, with the ids and signal names of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from .board import BoardError


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that can be set when a fault is started: a number between two bounds, one of some words, or a text."""

    name: str
    label: str
    default: Any
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, given: Any) -> Any:
        """The value as the effect needs it. Raises BoardError with a Chinese sentence."""
        if given is None or given == "":
            return self.default
        if isinstance(self.default, (int, float)):
            try:
                number = type(self.default)(float(given))
            except ValueError:
                raise BoardError(f"“{self.label}”应填数字。") from None
            if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
                raise BoardError(f"“{self.label}”应在 {self.least} 到 {self.most} 之间。")
            return number
        if self.choices and given not in self.choices:
            raise BoardError(f"“{self.label}”只能是：{'、'.join(self.choices)}。")
        return str(given)


@dataclass(frozen=True, slots=True)
class Definition:
    """One fault: what the reference catalogue says of it, what is done, and how it is undone."""

    code: str
    name: str
    group: str
    catalogue: tuple[str, ...]
    layer: str
    party: str
    severity: int
    words: str
    does: str
    undone: str
    signals: tuple[str, ...]
    minutes: int
    parameters: tuple[Parameter, ...]
    effects: tuple[Mapping[str, Any], ...]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value. Raises BoardError for one that is unknown or wrong."""
        if unknown := set(given) - {parameter.name for parameter in self.parameters}:
            raise BoardError(f"故障 {self.code} 没有参数“{'、'.join(sorted(unknown))}”。")
        return {parameter.name: parameter.read(given.get(parameter.name)) for parameter in self.parameters}

    def rendered(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The effects with the parameters put in."""
        return [_put(effect, values) for effect in self.effects]

    def facts(self) -> dict[str, Any]:
        """What the log of truth says of this fault."""
        return {
            "title": self.name,
            "catalogue": list(self.catalogue),
            "layer": self.layer,
            "party": self.party,
            "severity": self.severity,
            "signals": list(self.signals),
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A fault of a combination, so many seconds after its beginning and for so long (0: to the end)."""

    fault: str
    after_s: int
    for_s: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Combination:
    """Faults together: the trap they set, and the right answer."""

    code: str
    name: str
    kind: str
    trap: str
    answer: str
    minutes: int
    steps: tuple[Step, ...]


def _put(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _put(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put(inner, values) for inner in value]
    if isinstance(value, str) and "${" in value:
        for name, given in values.items():
            if value == f"${{{name}}}":
                return given
            value = value.replace(f"${{{name}}}", str(given))
    return value


@cache
def _document() -> dict[str, Any]:
    text = resources.files("simhospital").joinpath("data/faults.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _definition(row: Mapping[str, Any]) -> Definition:
    return Definition(
        code=row["code"],
        name=row["name"],
        group=row["group"],
        catalogue=tuple(row["catalogue"]),
        layer=row["layer"],
        party=row["party"],
        severity=int(row["severity"]),
        words=row["words"],
        does=row["does"],
        undone=row["undone"],
        signals=tuple(row["signals"]),
        minutes=int(row.get("minutes", 10)),
        parameters=tuple(
            Parameter(name, p["label"], p["default"], p.get("least"), p.get("most"), tuple(p.get("choices", ())))
            for name, p in row.get("parameters", {}).items()
        ),
        effects=tuple(row["effects"]),
    )


@cache
def definitions() -> dict[str, Definition]:
    """Every fault by its code, in the order of the file."""
    return {row["code"]: _definition(row) for row in _document()["faults"]}


@cache
def combinations() -> dict[str, Combination]:
    """Every combination by its code."""
    return {
        row["code"]: Combination(
            row["code"], row["name"], row["kind"], row["trap"], row["answer"], int(row.get("minutes", 15)),
            tuple(
                Step(s["fault"], int(s.get("after_s", 0)), int(s.get("for_s", 0)), s.get("parameters", {}))
                for s in row["steps"]
            ),
        )
        for row in _document()["combinations"]
    }  # fmt: skip


def find(code: str) -> Definition:
    """The fault of this code (upper or lower case). Raises BoardError."""
    found = definitions().get(code) or definitions().get(code.upper())
    if found is None:
        raise BoardError(f"没有故障“{code}”，可用“simhospital fault list”查看全部。")
    return found


def search(text: str) -> Iterator[Definition]:
    """The faults whose code, name, words, signals or description has every word of the text."""
    words = text.lower().split()
    for one in definitions().values():
        whole = " ".join(
            (one.code, one.name, one.group, one.layer, one.party, one.words, one.does, *one.signals)
        ).lower()
        if all(word in whole for word in words):
            yield one
