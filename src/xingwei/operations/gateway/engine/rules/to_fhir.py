"""The verb that turns an HL7 v2 message into a bundle of FHIR R4 resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..documents import Document, read
from ..documents.hl7 import Hl7Document
from ..fhir import MappingProblem, convert, mapping
from .model import Context, Refused


def to_fhir(spec: Mapping[str, Any], context: Context) -> Callable[[Document], Document]:
    """tables: a released code map in place of a table of the mapping. systems: the URIs of identifier authorities and
    coding systems, by the names that the messages use. Raises Refused."""
    if context.kind != "hl7":
        raise Refused("只有 HL7 v2 消息能转换成 FHIR，而且只能转换一次。")
    if spec.get("when"):
        raise Refused("转换成 FHIR 的规则不能带条件：请写在路由的“受理哪些消息”里。")
    tables, systems = spec.get("tables") or {}, spec.get("systems") or {}
    if not isinstance(tables, Mapping) or not isinstance(systems, Mapping):
        raise Refused("“tables”和“systems”应是名称的对照。")
    for code in tables.values():
        if code not in context.maps:
            raise Refused(f"没有生效的编码对照“{code}”。")
    try:
        by = mapping().with_(
            {str(name): context.maps[code].pairs for name, code in tables.items()},
            {str(name): str(uri) for name, uri in systems.items()},
        )
    except MappingProblem as problem:
        raise Refused(str(problem)) from None

    def apply(document: Document) -> Document:
        assert isinstance(document, Hl7Document)
        try:
            return read("json", convert(document, by), "utf-8")
        except MappingProblem as problem:
            raise Refused(str(problem)) from None

    return apply
