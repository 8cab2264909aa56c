"""A route's version, compiled: which messages it takes, in what order they stay, how it changes them, where they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..documents import Document, DocumentProblem, Spot, check_path, read
from .conditions import Condition, Facts, always, compile_all
from .lookup import NO_ANSWERS, Asks, lookup
from .model import (
    Answers,
    Applied,
    Change,
    CodeMapDoc,
    Context,
    Drop,
    Refused,
    RuleProblem,
    Structure,
    Transform,
    text_of,
)
from .places import Found, other, put, there
from .structure import STRUCTURES, split
from .to_fhir import to_fhir
from .values import VALUES

MOST_RULES = 500
OTHER_VERBS = ("copy", "remove", "drop_segment", "drop", "split", "fhir", "lookup")
VERBS = (*VALUES, *STRUCTURES, *OTHER_VERBS)

_NO_FACTS: Facts = {}


class Subject(Protocol):
    """What a channel has read of a message (channels.base.Received)."""

    raw: bytes
    control_id: str
    type: str
    key: str
    patient: str
    reference: str
    charset: str
    peer: str


def facts_of(subject: Subject) -> Facts:
    return {
        "$type": subject.type,
        "$patient": subject.patient,
        "$reference": subject.reference,
        "$peer": subject.peer,
        "$key": subject.key,
        "$control_id": subject.control_id,
    }


Act = Callable[[Document, Condition, Facts, "list[Found] | None"], None]
"""Changes the document; what it changed goes on the list, where there is one."""


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    name: str
    when: Condition
    act: Act
    splits: Callable[[Document], list[Document]] | None = None
    converts: Callable[[Document], Document] | None = None
    asks: Asks | None = None
    source: str = ""


class Route:
    """Deterministic: the same document and facts give the same outcome under the same version."""

    __slots__ = ("_key", "_rules", "_when", "kind", "targets")

    def __init__(
        self, kind: str, when: Condition, key: Sequence[str], rules: Sequence[_Rule], targets: list[str]
    ) -> None:
        self.kind = kind
        self.targets = targets
        self._when = when
        self._key = tuple(key)
        self._rules = tuple(rules)

    def matches(self, subject: Document | Subject, facts: Facts = _NO_FACTS) -> bool:
        """Raises DocumentProblem where the message has to be read and cannot be."""
        if self._when is always:
            return True
        if isinstance(subject, Document):
            return self._when(subject, None, facts)
        return self._when(_Late(self.kind, subject), None, facts_of(subject))

    def key(self, subject: Document | Subject) -> str:
        """What must stay in order; empty where the route names no path, or nothing stands there."""
        if not self._key:
            return ""
        document: Document = subject if isinstance(subject, Document) else _Late(self.kind, subject)
        return "|".join(value for path in self._key if (value := document.get(path)))

    @property
    def sources(self) -> tuple[str, ...]:
        """The ways out that its rules ask."""
        return tuple(dict.fromkeys(rule.source for rule in self._rules if rule.source))

    def apply(
        self, document: Document, facts: Facts = _NO_FACTS, *, trace: bool = True, answers: Answers = NO_ANSWERS
    ) -> Applied:
        """Changes the document itself. trace: say what each rule changed; without it the same is done faster.
        Raises RuleProblem, Needs; the document is then of no use."""
        changes: list[Change] = []
        parts = [document]
        found: list[Found] | None
        for rule in self._rules:
            try:
                if rule.splits is not None:
                    if len(parts) == 1 and rule.when(parts[0], None, facts):
                        parts = rule.splits(parts[0])
                        if len(parts) > 1:
                            changes.append(Change("消息", "1 条", f"{len(parts)} 条", rule.id, rule.name))
                    continue
                if rule.asks is not None:
                    found = [] if trace else None
                    for part in parts:
                        rule.asks(part, rule.when, facts, answers, found)
                    changes.extend(Change(*change, rule.id, rule.name) for change in found or ())
                    continue
                if rule.converts is not None:
                    before = f"{parts[0].kind.upper()} 消息"
                    parts = [rule.converts(part) for part in parts]
                    changes.append(Change("消息", before, "FHIR R4 资源包", rule.id, rule.name))
                    continue
                for part in parts:
                    found = [] if trace else None
                    rule.act(part, rule.when, facts, found)
                    if found:
                        changes.extend(Change(*change, rule.id, rule.name) for change in found)
            except Drop:
                return Applied(document, changes, dropped=True)
            except (Refused, DocumentProblem) as problem:
                raise RuleProblem(rule.id, rule.name, problem.reason) from None
        return Applied(parts[0], changes, parts=parts)


class _Late(Document):
    """A message that is read only when a condition asks for one of its fields."""

    def __init__(self, kind: str, subject: Subject) -> None:
        self.kind = kind
        self._subject = subject
        self._document: Document | None = None

    def _read(self) -> Document:
        if self._document is None:
            self._document = read(self.kind, self._subject.raw, self._subject.charset)
        return self._document

    @property
    def charset(self) -> str:
        return self._read().charset

    def get(self, path: str) -> str:
        return self._read().get(path)

    def spots(self, path: str) -> Sequence[Spot]:
        return self._read().spots(path)

    def bound(self, path: str, spot: Spot) -> Spot | None:
        return self._read().bound(path, spot)

    def read(self, spot: Spot) -> str:
        return self._read().read(spot)

    def write(self, spot: Spot, value: str) -> None:
        raise AssertionError("conditions do not write")

    def delete(self, spot: Spot) -> None:
        raise AssertionError("conditions do not write")

    def name(self, spot: Spot) -> str:
        return self._read().name(spot)

    def fields(self) -> Any:
        return self._read().fields()

    def to_bytes(self) -> bytes:
        return self._read().to_bytes()

    def recode(self, codec: str) -> None:
        raise AssertionError("conditions do not write")


def compile_route(
    document: Mapping[str, Any], maps: Mapping[str, CodeMapDoc | Mapping[str, Any]], kind: str = "hl7"
) -> Route:
    """document: see data/route.schema.json. maps: the released code maps, by code. kind: of the way in's documents.
    Raises RuleProblem, which names the rule, in Chinese."""
    context = Context(kind, {code: CodeMapDoc.of(found, code) for code, found in maps.items()})
    try:
        when = compile_all(document.get("when"), kind)
        keys = document.get("key") or []
        if not isinstance(keys, list):
            raise Refused("“key”应是字段路径的列表。")
        for path in keys:
            check_path(kind, str(path))
        targets = document.get("to") or []
        if not isinstance(targets, list) or not all(isinstance(code, str) for code in targets):
            raise Refused("“to”应是送出通道代码的列表。")
        specs = document.get("rules") or []
        if not isinstance(specs, list) or len(specs) > MOST_RULES:
            raise Refused(f"“rules”应是规则的列表，至多 {MOST_RULES} 条。")
    except (Refused, DocumentProblem) as problem:
        raise RuleProblem("", "", problem.reason) from None
    rules = []
    seen: set[str] = set()
    for at, spec in enumerate(specs, 1):
        if not isinstance(spec, Mapping):
            raise RuleProblem(str(at), f"第 {at} 条", "应是一条规则。")
        rule_id = str(spec.get("id") or at)
        name = str(spec.get("name") or rule_id)
        if rule_id in seen:
            raise RuleProblem(rule_id, name, "规则编号重复。")
        seen.add(rule_id)
        if spec.get("off") is True:
            continue
        try:
            rules.append(_rule(rule_id, name, spec, context))
        except (Refused, DocumentProblem) as problem:
            raise RuleProblem(rule_id, name, problem.reason) from None
        if rules[-1].converts is not None:
            context = Context("json", context.maps)  # what follows changes the resources
    return Route(kind, when, [str(path) for path in keys], rules, [str(code) for code in targets])


def _rule(rule_id: str, name: str, spec: Mapping[str, Any], context: Context) -> _Rule:
    verb = text_of(spec, "do")
    when = compile_all(spec.get("when"), context.kind)
    if verb in ("split", "lookup", "fhir", "drop"):
        return _whole(verb, _Rule(rule_id, name, when, _drop if verb == "drop" else _nothing), spec, context)
    if verb in STRUCTURES:
        if "path" in spec:
            check_path(context.kind, text_of(spec, "path"))
        return _Rule(rule_id, name, when, _structural(STRUCTURES[verb](spec, context)))
    path = text_of(spec, "path")
    check_path(context.kind, path)
    if verb in ("remove", "drop_segment"):
        if verb == "drop_segment" and (context.kind not in ("hl7", "astm") or "-" in path):
            raise Refused("删除段要写段名，如 ZPI 或 OBX[*]。")
        return _Rule(rule_id, name, when, _removal(path))
    if verb == "copy":
        source = text_of(spec, "from")
        check_path(context.kind, source)
        return _Rule(rule_id, name, when, _copy(path, source))
    if verb not in VALUES:
        raise Refused(f"没有“{verb}”这个动作。")
    transform = VALUES[verb](spec, context)
    target = ""
    if verb == "map" and "to" in spec:
        target = text_of(spec, "to")
        check_path(context.kind, target)
    unit = spec.get("unit") if verb == "scale" else None
    if unit is None:
        return _Rule(rule_id, name, when, _values(path, transform, target, must=verb == "set"))
    if not isinstance(unit, Mapping):
        raise Refused("“unit”应写明 path 和 value。")
    check_path(context.kind, text_of(unit, "path"))
    return _Rule(rule_id, name, when, _values(path, transform, "", (text_of(unit, "path"), text_of(unit, "value"))))


def _whole(verb: str, plain: _Rule, spec: Mapping[str, Any], context: Context) -> _Rule:
    """A rule that does more than change values in place."""
    if verb == "split":
        return replace(plain, splits=split(spec, context))
    if verb == "lookup":
        return replace(plain, asks=lookup(spec, context), source=text_of(spec, "source"))
    return replace(plain, converts=to_fhir(spec, context)) if verb == "fhir" else plain


def _nothing(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
    """What splits is no act on one document."""


def _drop(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
    if when(document, None, facts):
        raise Drop


def _structural(structure: Structure) -> Act:
    def act(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
        if when(document, None, facts):
            done = list(structure(document))
            if found is not None:
                found.extend(done)

    return act


def _removal(path: str) -> Act:
    def act(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
        spots = [spot for spot in document.spots(path) if when is always or when(document, spot, facts)]
        if found is not None:
            found += [(document.name(spot), before, "") for spot in spots if (before := document.read(spot))]
        for spot in reversed(spots):
            document.delete(spot)

    return act


def _copy(path: str, source: str) -> Act:
    def act(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
        for spot in there(document, path):
            if when is always or when(document, spot, facts):
                same = document.bound(source, spot) if "*" in source else None
                put(document, spot, document.get(source) if same is None else document.read(same), found)

    return act


def _values(
    path: str, transform: Transform, target: str, unit: tuple[str, str] | None = None, *, must: bool = False
) -> Act:
    def act(document: Document, when: Condition, facts: Facts, found: list[Found] | None) -> None:
        for spot in there(document, path) if must and when is always else document.spots(path):
            if when is not always and not when(document, spot, facts):
                continue
            before = document.read(spot)
            after = transform(before)
            if target:
                put(document, other(document, target, spot), after, found)
            elif after != before:
                document.write(spot, after)
                if found is not None:
                    found.append((document.name(spot), before, after))
                if unit is not None:
                    put(document, other(document, unit[0], spot), unit[1], found)

    return act
