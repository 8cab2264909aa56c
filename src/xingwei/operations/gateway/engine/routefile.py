"""A route's document as people write it (YAML), and what differs between two of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from xingwei.base.ui.datafiles import FileProblems, Problem, read, validate

_TOP = ("when", "key", "rules", "to")
_RULE = (
    "id",
    "name",
    "note",
    "off",
    "do",
    "path",
    "when",
    "map",
    "from",
    "to",
    "value",
    "factor",
    "offset",
    "digits",
    "unit",
)
NAME = "规则"


class _Lines(yaml.SafeDumper):
    """Rules and conditions in one line each where they are short."""


def text_of(document: Mapping[str, Any]) -> str:
    """The document as YAML, keys in the order in which people read them (the database does not keep it)."""
    made = {k: document[k] for k in (*_TOP, *sorted(set(document) - set(_TOP))) if k in document}
    if "rules" in made:
        made["rules"] = [_ordered(rule) for rule in made["rules"]]
    return yaml.dump(made, Dumper=_Lines, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)


def document_of(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The document that somebody wrote, checked against the schema. Raises FileProblems with lines, in Chinese."""
    source = read({NAME: text})
    problems = validate(source, schema)
    if problems:
        raise FileProblems(problems)
    if not source.document:
        raise FileProblems([Problem("内容是空的", (), NAME, 1)])
    return source.document


def _ordered(rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    return {k: rule[k] for k in (*_RULE, *sorted(set(rule) - set(_RULE))) if k in rule}


@dataclass(frozen=True, slots=True)
class Difference:
    """what: added, removed, changed. parts: (name, before, after) of what changed within."""

    what: str
    label: str
    parts: tuple[tuple[str, str, str], ...] = field(default=())


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What the later document does otherwise: conditions, key and targets, then rule by rule."""
    found = []
    for key, label in (("when", "受理哪些消息"), ("key", "顺序键"), ("to", "送往")):
        if before.get(key) != after.get(key):
            found.append(Difference("changed", label, ((label, _said(before.get(key)), _said(after.get(key))),)))
    old = {str(r.get("id")): r for r in before.get("rules") or []}
    new = {str(r.get("id")): r for r in after.get("rules") or []}
    for pk, rule in new.items():
        label = f"{pk} {rule.get('name', '')}"
        if pk not in old:
            found.append(Difference("added", label, (("规则", "", _said(rule)),)))
        elif old[pk] != rule:
            keys = [k for k in {**old[pk], **rule} if old[pk].get(k) != rule.get(k)]
            parts = tuple((k, _said(old[pk].get(k)), _said(rule.get(k))) for k in keys)
            found.append(Difference("changed", label, parts))
    found += [
        Difference("removed", f"{pk} {rule.get('name', '')}", (("规则", _said(rule), ""),))
        for pk, rule in old.items()
        if pk not in new
    ]
    kept = [pk for pk in old if pk in new]
    if kept != [pk for pk in new if pk in old]:
        found.append(
            Difference("changed", "规则的先后", (("先后", "、".join(kept), "、".join(p for p in new if p in old)),))
        )
    return found


def map_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Pair by pair, and what becomes of codes that are in none."""
    found = []
    for key, label in (("missing", "对不上时"), ("default", "默认值")):
        if (before.get(key) or "") != (after.get(key) or ""):
            found.append(Difference("changed", label, ((label, _said(before.get(key)), _said(after.get(key))),)))
    old, new = before.get("pairs") or {}, after.get("pairs") or {}
    for code, value in new.items():
        if code not in old:
            found.append(Difference("added", code, (("对照", "", str(value)),)))
        elif old[code] != value:
            found.append(Difference("changed", code, (("对照", str(old[code]), str(value)),)))
    found += [Difference("removed", code, (("对照", str(v), ""),)) for code, v in old.items() if code not in new]
    return found


def _said(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return "、".join(value)
    shown = _ordered(value) if isinstance(value, Mapping) else value
    return yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, default_flow_style=True, width=1000).strip()
