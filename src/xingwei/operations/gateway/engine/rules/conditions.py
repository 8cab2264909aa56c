"""Conditions: `{"path", "equals" | "in" | "matches" | "exists"}`, `"not": true`, and `{"any": […]}`, `{"all": […]}`.

A condition on a path with [*] that shares its segment or list with the rule's own path speaks of the same occurrence;
otherwise it holds where any occurrence does. `$type`, `$patient`, `$reference`, `$peer`, `$key` and `$control_id` are
what the channel read of the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..documents import Document, DocumentProblem, Spot, check_path
from .model import Refused
from .patterns import compile_pattern, matches

FACTS = ("$type", "$patient", "$reference", "$peer", "$key", "$control_id")

Facts = Mapping[str, str]
Test = Callable[[str], bool]
Condition = Callable[[Document, Spot | None, Facts], bool]
_DEEPEST = 5


def always(document: Document, spot: Spot | None, facts: Facts) -> bool:
    return True


def compile_all(specs: Any, kind: str, depth: int = 0) -> Condition:
    """All of them must hold. Raises Refused."""
    if not specs:
        return always
    if not isinstance(specs, Sequence) or isinstance(specs, str) or depth > _DEEPEST:
        raise Refused("条件应是一个列表。")
    parts = [_compile(spec, kind, depth) for spec in specs]
    if len(parts) == 1:
        return parts[0]
    return lambda document, spot, facts: all(part(document, spot, facts) for part in parts)


def _compile(spec: Any, kind: str, depth: int) -> Condition:
    if not isinstance(spec, Mapping):
        raise Refused("条件应写明 path 和要满足什么。")
    negate = bool(spec.get("not", False))
    if "any" in spec or "all" in spec:
        inner = _group(spec, kind, depth)
    else:
        inner = _single(spec, kind)
    return (lambda document, spot, facts: not inner(document, spot, facts)) if negate else inner


def _group(spec: Mapping[str, Any], kind: str, depth: int) -> Condition:
    if "all" in spec:
        return compile_all(spec["all"], kind, depth + 1)
    if not isinstance(spec["any"], list) or not spec["any"] or depth > _DEEPEST:
        raise Refused("any 里应是一个条件列表。")
    parts = [_compile(part, kind, depth + 1) for part in spec["any"]]
    return lambda document, spot, facts: any(part(document, spot, facts) for part in parts)


def _single(spec: Mapping[str, Any], kind: str) -> Condition:
    path = spec.get("path")
    if not isinstance(path, str):
        raise Refused("条件缺少 path。")
    test = _test(spec)
    if path.startswith("$"):
        if path not in FACTS:
            raise Refused(f"没有“{path}”，可用的是 {'、'.join(FACTS)}。")
        return lambda document, spot, facts: test(_fact(document, facts, path))
    try:
        check_path(kind, path)
    except DocumentProblem as problem:
        raise Refused(problem.reason) from None
    if "*" not in path:
        return lambda document, spot, facts: test(document.get(path))

    needle = _needle(spec)

    def bound(document: Document, spot: Spot | None, facts: Facts) -> bool:
        if spot is not None and (same := document.bound(path, spot)) is not None:
            return not (needle and document.lacks(same, needle)) and test(document.read(same))
        return any(test(value) for value in document.all(path)) or (not document.spots(path) and test(""))

    return bound


def _needle(spec: Mapping[str, Any]) -> bytes:
    """The bytes without which `equals` cannot hold; empty where the value might be written in another way."""
    wanted = str(spec.get("equals", ""))
    return wanted.encode() if wanted.isascii() and wanted.isalnum() else b""


def _fact(document: Document, facts: Facts, path: str) -> str:
    if path in facts:
        return facts[path]
    if path == "$type" and document.kind == "hl7":
        return "^".join(part for part in (document.get("MSH-9.1"), document.get("MSH-9.2")) if part)
    return ""


def _test(spec: Mapping[str, Any]) -> Test:
    if "equals" in spec:
        wanted = str(spec["equals"])
        return lambda value: value == wanted
    if "in" in spec:
        if not isinstance(spec["in"], list):
            raise Refused("in 里应是一个列表。")
        among = frozenset(str(value) for value in spec["in"])
        return lambda value: value in among
    if "matches" in spec:
        pattern = compile_pattern(str(spec["matches"]))
        return lambda value: matches(pattern, value)
    if "exists" in spec:
        there = bool(spec["exists"])
        return lambda value: (value != "") is there
    raise Refused("条件要写 equals、in、matches 或 exists 之一。")
