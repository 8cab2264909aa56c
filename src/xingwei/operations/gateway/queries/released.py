"""Routes and code maps in force, compiled; and what a channel's bytes are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..channels import base as kinds
from ..engine import rules
from ..models import Channel, CodeMapVersion, Message, RouteVersion


def maps() -> dict[str, rules.CodeMapDoc]:
    """The released code maps, by code."""
    rows = CodeMapVersion.objects.filter(state=CodeMapVersion.State.RELEASED).select_related("map")
    return {v.map.code: rules.CodeMapDoc.of(v.document, v.map.name) for v in rows}


def kind_of(channel_id: int) -> str:
    """hl7, astm, json, xml or bytes: what reads the bytes of a way in."""
    row = Channel.objects.filter(pk=channel_id).only("kind", "settings").first()
    return document_of(row.kind, row.settings) if row else "bytes"


def document_of(kind_code: str, settings: Mapping[str, Any]) -> str:
    """What reads a channel's bytes: as its settings say, else as its kind says."""
    if said := settings.get("document"):
        return str(said)
    try:
        found: str = kinds.kind(kind_code).document
    except kinds.ChannelProblem:
        return "bytes"
    return found


def compiled(version_id: int) -> rules.Route | None:
    """A version compiled with the maps in force; None where it is gone. Raises RuleProblem."""
    version = RouteVersion.objects.select_related("route__source").filter(pk=version_id).first()
    if version is None:
        return None
    return compile_version(version)


def compile_version(version: RouteVersion, more: dict[str, rules.CodeMapDoc] | None = None) -> rules.Route:
    """more: code maps that stand in for those in force (a draft that is tried out). Raises RuleProblem."""
    kind = document_of(version.route.source.kind, version.route.source.settings)
    return rules.compile(version.document, {**maps(), **(more or {})}, kind)


def facts(message: Message) -> dict[str, str]:
    return {
        "$type": message.type,
        "$patient": message.patient,
        "$reference": message.reference,
        "$peer": message.peer,
        "$key": message.key,
        "$control_id": message.control_id,
    }


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of a route's document."""
    import json
    from pathlib import Path

    path = Path(__file__).parents[1] / "data" / "route.schema.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
