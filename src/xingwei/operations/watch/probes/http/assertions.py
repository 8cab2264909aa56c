"""What must hold of an HTTP answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VALUE = {"type": ["string", "number", "boolean", "null"]}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "title": "应答应当",
    "additionalProperties": False,
    "properties": {
        "status": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "title": "状态码"},
        "contains": {"type": "string", "title": "含有"},
        "lacks": {"type": "string", "title": "不含"},
        "json": {"type": "object", "additionalProperties": _VALUE, "title": "字段等于"},
        "say": {"type": "string", "title": "出错时引用的字段"},
        "has": {"type": "array", "items": {"type": "string"}, "title": "有这些字段"},
    },
}
MISSING = object()


def at(document: Any, path: str) -> Any:
    """output.setlinfo.setl_id, items.0.code; MISSING where there is nothing."""
    for step in path.split("."):
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def wrong(expect: Mapping[str, Any], status: int, text: str, document: Any) -> str:
    """The first thing that does not hold, in Chinese; empty: all well. Without `status`, 2xx and 3xx are expected.

    `say`: a field of the answer that explains it (the other side's own words), quoted where it is there."""
    problem = _wrong(expect, status, text, document)
    said = at(document, expect["say"]) if problem and expect.get("say") else MISSING
    return f"{str(said)[:160]}（{problem}）" if said is not MISSING and said else problem


def _wrong(expect: Mapping[str, Any], status: int, text: str, document: Any) -> str:
    allowed = expect.get("status")
    if (status not in allowed) if allowed else not 200 <= status < 400:
        return f"应答状态是 {status}"
    if (needed := expect.get("contains")) and needed not in text:
        return f"应答里没有“{needed[:40]}”"
    if (banned := expect.get("lacks")) and banned in text:
        return f"应答里出现了“{banned[:40]}”"
    for path in expect.get("has") or ():
        if at(document, path) is MISSING:
            return f"应答里没有字段 {path}" if document is not None else "应答不是 JSON"
    for path, value in (expect.get("json") or {}).items():
        found = at(document, path)
        if found is MISSING:
            return f"应答里没有字段 {path}" if document is not None else "应答不是 JSON"
        if found != value and str(found) != str(value):
            return f"字段 {path} 是“{str(found)[:60]}”，应为“{value}”"
    return ""
