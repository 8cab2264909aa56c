"""The mapping as it is written, checked once."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from .types import TYPES


class MappingProblem(ValueError):
    """The mapping asks for what there is not. Chinese."""


@dataclass(frozen=True, slots=True)
class Element:
    """path: of the element (period.start). source: the field. kind: one of types.TYPES, or reference(s)."""

    path: tuple[str, ...]
    kind: str
    source: str = ""
    many: bool = False
    spec: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """each: its segment. within: the segment whose group it belongs to. unless: not made where a field is such."""

    type: str
    each: str
    id: tuple[str, ...]
    elements: tuple[Element, ...]
    within: str = ""
    unless: Dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """messages: type of message → resources. tables: code tables by name. codings, authorities: URIs by name."""

    messages: Dict[str, tuple[str, ...]]
    resources: Dict[str, Resource]
    tables: Dict[str, Dict[str, str]]
    codings: Dict[str, str]
    authorities: Dict[str, str]
    zone: str

    def with_(self, tables: Dict[str, Dict[str, str]], systems: Dict[str, str]) -> Mapping:
        """With a hospital's own code maps in place of tables (theirs first), and its own URIs. Raises MappingProblem."""
        unknown = sorted(set(tables) - set(self.tables))
        if unknown:
            raise MappingProblem(f"没有“{unknown[0]}”这张代码表，可换的有：{'、'.join(sorted(self.tables))}。")
        merged = {name: {**table, **tables.get(name, {})} for name, table in self.tables.items()}
        return replace(
            self,
            tables=merged,
            codings={**self.codings, **systems},
            authorities={**self.authorities, **systems},
        )


@lru_cache(1)
def mapping() -> Mapping:
    """The one that comes with the product. Raises MappingProblem."""
    text = files("xingwei.operations.gateway").joinpath("data/fhir-r4.yaml").read_text("utf-8")
    return of(yaml.safe_load(text))


def of(document: Dict[str, Any]) -> Mapping:
    """Raises MappingProblem."""
    resources = {name: _resource(name, spec) for name, spec in document["resources"].items()}
    tables = {name: {str(k): str(v) for k, v in table.items()} for name, table in document["tables"].items()}
    messages = {name: tuple(wanted) for name, wanted in document["messages"].items()}
    for name, wanted in messages.items():
        for kind in wanted:
            if kind not in resources:
                raise MappingProblem(f"消息 {name} 要生成 {kind}，但没有写它的对应关系。")
    for resource in resources.values():
        for element in resource.elements:
            table = element.spec.get("table")
            if table and table not in tables:
                raise MappingProblem(f"{resource.type}.{'.'.join(element.path)} 用的代码表“{table}”没有写。")
    systems = document.get("systems", {})
    return Mapping(
        messages,
        resources,
        tables,
        dict(systems.get("codings") or {}),
        dict(systems.get("authorities") or {}),
        str(document.get("zone", "+08:00")),
    )


def _resource(name: str, spec: Dict[str, Any]) -> Resource:
    elements = [
        _element(name, path, one)
        for path, given in spec["elements"].items()
        for one in (given if isinstance(given, list) else [given])
    ]
    unless = {str(k): tuple(str(x) for x in v) for k, v in (spec.get("unless") or {}).items()}
    return Resource(name, str(spec["each"]), tuple(spec["id"]), tuple(elements), str(spec.get("within", "")), unless)


def _element(name: str, path: str, spec: Dict[str, Any]) -> Element:
    kind = str(spec["as"])
    if kind not in TYPES and kind not in ("reference", "references"):
        raise MappingProblem(f"{name}.{path}：没有“{kind}”这种类型。")
    return Element(tuple(path.split(".")), kind, str(spec.get("from", "")), bool(spec.get("many")), spec)
