"""A message into a bundle, as the mapping says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..documents.delimited import parse
from ..documents.hl7 import Hl7Document
from .mapping import Element, Mapping, MappingProblem, Resource
from .types import TYPES, Number, Value, clean

_NAMESPACE = uuid.UUID("6f2c7c5e-6a1b-5d0e-9d0e-70b1a3a4b9c1")
_HEADS = ("PID", "PV1", "ORC", "OBR")
"""Segments that hold for what follows them until the next of the same name; a PID begins everything anew."""


@dataclass(slots=True)
class _Scope:
    """Where a resource stands: the line of the latest segment of each name, and the lines that follow it alone."""

    lines: dict[str, int]
    own: list[int]


@dataclass(slots=True)
class _Made:
    resource: Resource
    id: str
    scope: _Scope
    body: dict[str, Any] = field(default_factory=dict)


def convert(document: Hl7Document, by: Mapping) -> bytes:
    """The bundle's bytes (a transaction of PUTs by id). Raises MappingProblem, DocumentProblem."""
    kind = document.get("MSH-9.1")
    wanted = by.messages.get(kind)
    if wanted is None:
        raise MappingProblem(f"{kind or '没有类型的消息'}不能转换成 FHIR，可转换的有：{'、'.join(by.messages)}。")
    converter = _Converter(document, by)
    made = [one for name in wanted for one in converter.placed(by.resources[name])]
    if not any(one.resource.type == "Patient" for one in made):
        raise MappingProblem("消息里没有患者（PID-3），不能转换成 FHIR。")
    for one in made:
        one.body = converter.body(one, made)
    return _bytes(_bundle(document, by, _unique(made)))


class _Converter:
    def __init__(self, document: Hl7Document, by: Mapping) -> None:
        self.document = document
        self.by = by
        self._scopes = list(self._walk())

    def _walk(self) -> Iterator[tuple[str, _Scope]]:
        """Every segment with where it stands."""
        document, found = self.document, list[tuple[str, _Scope]]()
        lines: dict[str, int] = {}
        for at in range(len(document)):
            name = document.segment(at)
            if name == "PID":
                lines = {k: v for k, v in lines.items() if k == "MSH"}
            elif name == "OBR":
                lines = {k: v for k, v in lines.items() if k != "OBX"}
            if name in (*_HEADS, "MSH", "OBX"):
                lines = {**lines, name: at}
                found.append((name, _Scope(lines, [at])))
            elif found:
                found[-1][1].own.append(at)
        yield from found

    def placed(self, resource: Resource) -> Iterator[_Made]:
        seen: dict[str, int] = {}
        for name, scope in self._scopes:
            if name != resource.each:
                continue
            if resource.within and resource.within not in scope.lines:
                raise MappingProblem(f"{name} 前面没有 {resource.within}：请先用“调整顺序”的规则排好段的次序。")
            if any(self._text(path, scope) in values for path, values in resource.unless.items()):
                continue
            if resource.type == "Patient" and not self._text("PID-3.1", scope):
                continue
            seed = "|".join((resource.type, *(self._text(path, scope) for path in resource.id)))
            if resource.each not in ("PID", "PV1"):  # results that a device numbers alike are results of their own
                seen[seed] = seen.get(seed, 0) + 1
                seed += f"|{seen[seed]}" if seen[seed] > 1 else ""
            yield _Made(resource, str(uuid.uuid5(_NAMESPACE, seed)), scope)

    def body(self, one: _Made, made: Sequence[_Made]) -> dict[str, Any]:
        body: dict[str, Any] = {"resourceType": one.resource.type, "id": one.id}
        for element in one.resource.elements:
            value = clean(self._value(element, one, made))
            if value is None:
                continue
            if element.kind == "value":
                body |= value
                continue
            *parents, last = element.path
            place = body
            for parent in parents:
                place = place.setdefault(parent, {})
            if isinstance(value, list):
                place[last] = [*place.get(last, []), *value]
            elif last not in place:
                place[last] = value
        return body

    def _value(self, element: Element, one: _Made, made: Sequence[_Made]) -> Any:
        spec, scope = element.spec, one.scope
        if element.kind in ("reference", "references"):
            found = [_reference(other) for other in made if self._belongs(other, one, str(spec["to"]))]
            return (found or None) if element.kind == "references" else (found[-1] if found else None)
        if "unless" in spec and self._text(str(spec["unless"]), scope):
            return None
        for path, fixed in (spec.get("instead") or {}).items():
            if self._text(str(path), scope):
                return fixed
        values = [TYPES[element.kind](value) for value in self._values(element, scope)]
        values = [
            {**value, **spec["with"]} if isinstance(value, dict) and "with" in spec else value
            for found in values
            if (value := clean(found)) is not None
        ]
        if element.many or element.kind == "Annotation":
            return values
        return values[0] if values else spec.get("default")

    def _belongs(self, other: _Made, one: _Made, wanted: str) -> bool:
        """A report's results are those of its OBR; its patient and visit are those that stand above it."""
        if other.resource.type != wanted:
            return False
        each, own = other.resource.each, one.resource.each
        if other.resource.within == own:
            return other.scope.lines.get(own) == one.scope.lines[own]
        return other.scope.lines[each] == one.scope.lines.get(each)

    def _text(self, path: str, scope: _Scope) -> str:
        spot = self._spot(path, scope)
        return str(self.document.read(spot)).strip() if spot is not None else ""

    def _spot(self, path: str, scope: _Scope) -> Any:
        wanted = parse(path)
        line = scope.lines.get(wanted.segment.decode())
        return None if line is None else (line, wanted.field, wanted.repetition, wanted.component, wanted.sub)

    def _values(self, element: Element, scope: _Scope) -> Iterator[Value]:
        segment, _, rest = element.source.partition("-")
        name = segment[:3]
        lines = [line for line in scope.own if self.document.segment(line) == name] if "[*]" in segment else [
            line for line in [scope.lines.get(name)] if line is not None
        ]  # fmt: skip
        number, _, component = rest.partition(".")
        for line in lines:
            yield from self._repetitions(line, int(number), int(component or 0), element, scope)

    def _repetitions(self, line: int, number: int, component: int, element: Element, scope: _Scope) -> Iterator[Value]:
        document = self.document
        whole = document.read((line, number, -1, 0, 0))
        if not whole:
            return
        count = whole.count(document.repetition_sep) + 1
        everything = [self._plain(line, number, n) for n in range(1, count + 1)]
        single = element.kind in ("Range", "value") or not (element.many or element.kind == "Annotation")
        for repetition in range(1, 2 if single else count + 1):
            text = str(document.read((line, number, repetition, 0, 0)))
            parts = [
                [
                    str(document.read((line, number, repetition, c, s)))
                    for s in range(1, (piece.count(document.sub_sep) + 1) + 1)
                ]
                for c, piece in enumerate(text.split(document.component_sep), 1)
            ]
            if component:
                parts = parts[component - 1 : component]
            joined = everything[repetition - 1] if not component else parts[0][0] if parts else ""
            if element.kind == "Range":  # 3.5~9.5 is a range, not two
                joined = "~".join(everything)
            elif element.kind == "value":
                joined = "\n".join(everything)
            yield Value(
                parts,
                joined,
                self._text("OBX-2.1", scope) if element.kind == "value" else "",
                self._unit(scope) if element.kind in ("value", "Range") else None,
                element.spec,
                self.by.tables,
                self.by.codings,
                self.by.authorities,
                self.by.zone,
            )

    def _plain(self, line: int, number: int, repetition: int) -> str:
        """A repetition as people read it: without escapes, its components as on the wire."""
        document = self.document
        text = str(document.read((line, number, repetition, 0, 0)))
        count = text.count(document.component_sep) + 1
        return "^".join(str(document.read((line, number, repetition, n, 0))) for n in range(1, count + 1))

    def _unit(self, scope: _Scope) -> Value:
        return Value([[self._text(f"OBX-6.{n}", scope)] for n in (1, 2, 3)])


def _reference(one: _Made) -> dict[str, str]:
    return {"reference": f"{one.resource.type}/{one.id}"}


def _unique(made: Sequence[_Made]) -> list[_Made]:
    """What stands twice under one id (a repeated PID, or visit) goes in once, the later one."""
    found: dict[tuple[str, str], _Made] = {}
    for one in made:
        found[one.resource.type, one.id] = one
    return list(found.values())


def _bundle(document: Hl7Document, by: Mapping, made: Sequence[_Made]) -> dict[str, Any]:
    stamp = Value([[document.get("MSH-7.1")]], zone=by.zone)
    control = document.get("MSH-10")
    return {
        "resourceType": "Bundle",
        "identifier": {"system": f"urn:id:{document.get('MSH-3.1') or 'hl7'}".replace(" ", "-"), "value": control}
        if control
        else None,
        "type": "transaction",
        "timestamp": TYPES["instant"](stamp),
        "entry": [
            {
                "fullUrl": f"urn:uuid:{one.id}",
                "resource": one.body,
                "request": {"method": "PUT", "url": f"{one.resource.type}/{one.id}"},
            }
            for one in made
        ],
    }


def _bytes(bundle: dict[str, Any]) -> bytes:
    return _dump(clean(bundle)).encode()


def _dump(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
