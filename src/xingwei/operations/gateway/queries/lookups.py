"""The answers that were kept with messages, as the rules want them."""

from __future__ import annotations

from collections.abc import Iterable

from ..engine.rules import Answers, Question
from ..models import Lookup


def of(message_id: int) -> Answers:
    return of_all([message_id]).get(message_id, {})


def of_all(message_ids: Iterable[int]) -> dict[int, Answers]:
    """In one query."""
    found: dict[int, dict[Question, dict[str, str] | None]] = {}
    for row in Lookup.objects.filter(message_id__in=list(message_ids)):
        found.setdefault(row.message_id, {})[Question(row.source, row.question)] = row.answer
    return dict(found)
