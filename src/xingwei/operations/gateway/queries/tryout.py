"""What a draft would do otherwise: the released version and the draft over messages that really came, field by field."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..engine import documents, masking, rules, text
from ..models import Channel, CodeMap, CodeMapVersion, Message, Route, RouteVersion
from . import detail, lookups, released

MOST, SHOWN, FIELDS_SHOWN = 500, 30, 12
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Changed:
    path: str
    before: str
    after: str
    covered: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One message whose result differs. before, after: what becomes of it, in words."""

    number: str
    before: str
    after: str
    fields: tuple[Changed, ...]
    more: int = 0


@dataclass(slots=True)
class TryOut:
    """looked: messages that were run. by_field: how often each field differs, repetitions together."""

    looked: int = 0
    same: int = 0
    cases: list[Case] = field(default_factory=list)
    different: int = 0
    by_field: Counter[str] = field(default_factory=Counter)
    by_outcome: Counter[str] = field(default_factory=Counter)
    problem: str = ""

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        return self.by_outcome.most_common(10)


@dataclass(frozen=True, slots=True)
class _Result:
    word: str
    fields: dict[str, str]
    raw: bytes = b""


def of_route(draft: RouteVersion, *, count: int, number: str = "") -> TryOut:
    """The draft of a route against the version in force, over the newest messages of its channel, or over one."""
    route: Route = draft.route
    current = RouteVersion.objects.filter(route=route, state="released").select_related("route__source").first()
    made = TryOut()
    try:
        after = released.compile_version(draft)
        before = released.compile_version(current) if current else None
    except rules.RuleProblem as problem:
        made.problem = str(problem)
        return made
    kind = released.document_of(route.source.kind, route.source.settings)
    for message in _messages(route.source, count, number):
        _compare(made, message, kind, before, after)
    return made


def of_map(draft: CodeMapVersion, *, count: int) -> TryOut:
    """The draft of a code map, in all routes that use it, over the newest messages of their channels."""
    owner: CodeMap = draft.map
    made = TryOut()
    using = [v for v in _released() if any(_uses(r, owner.code) for r in v.document.get("rules") or [])]
    if not using:
        made.problem = "没有生效的路由使用这张对照表，试算不出差别。"
        return made
    more = {owner.code: rules.CodeMapDoc.of(draft.document, owner.name)}
    for version in using:
        try:
            before, after = released.compile_version(version), released.compile_version(version, more)
        except rules.RuleProblem as problem:
            made.problem = str(problem)
            return made
        source = version.route.source
        kind = released.document_of(source.kind, source.settings)
        for message in _messages(source, count // len(using) or 1, ""):
            _compare(made, message, kind, before, after)
    return made


def _uses(rule: dict[str, Any], code: str) -> bool:
    return rule.get("map") == code or code in (rule.get("tables") or {}).values()


def _released() -> list[RouteVersion]:
    rows = RouteVersion.objects.filter(state="released", route__active=True)
    return list(rows.select_related("route__source").order_by("route__code"))


def _messages(source: Channel, count: int, number: str) -> list[Message]:
    if number:
        found = detail.find(number)
        return [found] if found is not None and found.channel_id == source.pk else []
    rows = Message.objects.filter(channel_id=source.pk, state=Message.State.ACCEPTED)
    return list(rows.order_by("-received_at", "-id")[: min(count, MOST)])


def _compare(made: TryOut, message: Message, kind: str, before: rules.Route | None, after: rules.Route) -> None:
    made.looked += 1
    old = _run(message, kind, before)
    new = _run(message, kind, after)
    if old.word == new.word and old.raw == new.raw:
        made.same += 1
        return
    made.different += 1
    if old.word != new.word:
        made.by_outcome[f"{old.word} → {new.word}"] += 1
    paths = [p for p in dict.fromkeys([*old.fields, *new.fields]) if old.fields.get(p, "") != new.fields.get(p, "")]
    for path in paths:
        made.by_field[_INDEX.sub("[*]", path)] += 1
    if len(made.cases) < SHOWN:
        types = {p.rsplit("-", 1)[0]: v for p, v in old.fields.items() if p.startswith("OBX") and p.endswith("-2")}
        shown = tuple(_changed(kind, p, old, new, types) for p in paths[:FIELDS_SHOWN])
        made.cases.append(Case(message.number, old.word, new.word, shown, max(0, len(paths) - FIELDS_SHOWN)))


def _run(message: Message, kind: str, route: rules.Route | None) -> _Result:
    if route is None:
        return _Result("没有生效的版本", {})
    try:
        document = documents.read(kind, bytes(message.raw), message.charset)
        facts = released.facts(message)
        if not route.matches(document, facts):
            return _Result("不受理", {})
        key = route.key(document)
        applied = route.apply(document, facts, answers=lookups.of(message.id))
        if applied.dropped:
            return _Result("不转发", {})
        raw = b"\n".join(part.to_bytes() for part in applied.parts or [applied.document])
    except rules.Needs as needs:
        return _Result(f"送出前{needs}", {})
    except (documents.DocumentProblem, rules.RuleProblem) as problem:
        return _Result(f"隔离：{problem}", {})
    fields = dict(applied.document.fields())
    fields["（顺序键）"] = key
    return _Result(f"送往 {'、'.join(route.targets)}", fields, raw)


def _changed(kind: str, path: str, old: _Result, new: _Result, types: dict[str, str]) -> Changed:
    if path == "（顺序键）":
        return Changed(path, "（值不显示）", "（值不显示）", True)
    type_ = types.get(path.rsplit("-", 1)[0], "")
    texts = [text.readable(r.fields.get(path, "")) for r in (old, new)]
    values = [masking.masked_value(kind, path, found, type_) for found in texts]
    covered = any(masking.OPEN in v for v in values)
    before, after = ("".join(p.text for p in masking.parts(v)) for v in values)
    return Changed(path, before[:200], after[:200], covered)


def summary(made: TryOut) -> list[tuple[str, Any]]:
    """The fields that differ most, first."""
    return made.by_field.most_common(20)
