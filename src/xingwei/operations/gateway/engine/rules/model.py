"""What rules are made of, and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..documents import Document

LARGEST_VALUE = 1_000_000  # characters; above it a value is data, not something to be rewritten


class RuleProblem(ValueError):
    """A rule cannot be applied to this message, or is none. The message goes aside; nothing is lost.

    rule_id, rule_name: which rule; empty where the route itself is wrong. reason: Chinese, what is wrong.
    """

    def __init__(self, rule_id: str, rule_name: str, reason: str) -> None:
        super().__init__(f"规则“{rule_name or rule_id}”：{reason}" if rule_id or rule_name else reason)
        self.rule_id = rule_id
        self.rule_name = rule_name
        self.reason = reason


class Refused(ValueError):
    """What a verb says when it cannot do its work; the engine adds the rule. Chinese."""

    @property
    def reason(self) -> str:
        return str(self)


class Drop(Exception):
    """The message is not to be forwarded by this route."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule wants to know of another system. source: the code of the way out that is asked."""

    source: str
    value: str


Answers = Mapping[Question, Mapping[str, str] | None]
"""What was found: columns or JSON paths with their texts; None where the source knows nothing of it."""


class Needs(Exception):
    """The rules cannot go on before these are answered; whoever applies them asks, and applies them once more."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__(f"要先向“{questions[0].source}”查询")
        self.questions = tuple(questions)


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a rule changed. path: concrete, as Document.name gives it, where it stood when it was changed."""

    path: str
    before: str
    after: str
    rule_id: str
    rule_name: str


@dataclass(frozen=True, slots=True)
class Applied:
    """parts: the documents to send, one but for a rule that splits. dropped: nothing is to be sent."""

    document: Document
    changes: list[Change] = field(default_factory=list)
    dropped: bool = False
    parts: list[Document] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CodeMapDoc:
    """missing: what becomes of a code that is not in the pairs: keep, refuse, default."""

    pairs: Mapping[str, str]
    missing: str = "keep"
    default: str = ""
    name: str = ""

    @classmethod
    def of(cls, document: CodeMapDoc | Mapping[str, Any], name: str = "") -> CodeMapDoc:
        """From a version's document: {"pairs": {from: to}, "missing": …, "default": …}."""
        if isinstance(document, CodeMapDoc):
            return document
        return cls(
            {str(k): str(v) for k, v in dict(document.get("pairs") or {}).items()},
            str(document.get("missing") or "keep"),
            str(document.get("default") or ""),
            name,
        )


Transform = Callable[[str], str]
"""A value's new text; raises Refused."""

Structure = Callable[[Document], Iterable[tuple[str, str, str]]]
"""Changes the segments; yields path, before, after. Raises Refused, Drop."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a verb may look up while it is compiled."""

    kind: str
    maps: Mapping[str, CodeMapDoc]


def text_of(spec: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = spec.get(name, default)
    if value is None:
        raise Refused(f"缺少“{name}”。")
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise Refused(f"“{name}”应是文字。")
    return str(value)


def number_of(spec: Mapping[str, Any], name: str, default: int | None = None, *, most: int = 10_000) -> int:
    value = spec.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Refused(f"“{name}”应是 0 到 {most} 的整数。")
    return value


def choice_of(spec: Mapping[str, Any], name: str, choices: Sequence[str], default: str | None = None) -> str:
    value = text_of(spec, name, default)
    if value not in choices:
        raise Refused(f"“{name}”应是 {'、'.join(choices)} 之一。")
    return value
