"""The verb that asks another system: the patient of a barcode, the ward of a visit.

Rules do not ask by themselves. A question that is not among the answers stops them (`Needs`); who applies them asks,
keeps what was found with the message, and applies them again. So the same message gives the same outcome ever after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..documents import Document, check_path
from .conditions import Condition, Facts, always
from .model import Answers, Context, Needs, Question, Refused, choice_of, text_of
from .places import Found, other, put

NO_ANSWERS: Answers = {}
Asks = Callable[[Document, Condition, Facts, Answers, "list[Found] | None"], None]


def lookup(spec: Mapping[str, Any], context: Context) -> Asks:
    """path: what is asked about; to: where the answer goes; source: the way out that is asked; column: which part of
    its answer. missing: keep, refuse, default. Raises Refused."""
    path, target = text_of(spec, "path"), text_of(spec, "to")
    check_path(context.kind, path)
    check_path(context.kind, target)
    source, column = text_of(spec, "source"), text_of(spec, "column")
    missing, default = choice_of(spec, "missing", ["keep", "refuse", "default"], "keep"), text_of(spec, "default", "")

    def value(row: Mapping[str, str] | None) -> str | None:
        """None: leave what is there."""
        if row is not None and column not in row:
            raise Refused(f"“{source}”的查询结果里没有“{column}”这一项。")
        if row is not None and row[column]:
            return row[column]
        if missing == "refuse":
            raise Refused(f"在“{source}”里查不到。")
        return default if missing == "default" else None

    def asks(document: Document, when: Condition, facts: Facts, answers: Answers, found: list[Found] | None) -> None:
        asked = [
            (spot, Question(source, text))
            for spot in document.spots(path)
            if (when is always or when(document, spot, facts)) and (text := document.read(spot).strip())
        ]
        unknown = list(dict.fromkeys(question for _, question in asked if question not in answers))
        if unknown:
            raise Needs(unknown)
        for spot, question in asked:
            answer = value(answers[question])
            if answer is not None:
                put(document, other(document, target, spot), answer, found)

    return asks
