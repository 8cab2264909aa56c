"""What of a case the search finds."""

from __future__ import annotations

from xingwei.base.ui.grams import normal

from ..engine import facets
from ..engine.numbers import numbers
from ..models import Case, CaseText


def searchable(row: Case) -> str:
    """Number, title, words, diagnosis, cause, solution, who and tags, one a line."""
    parts = [row.number, row.title, row.description, row.tried, row.cause, row.solution, row.reporter_name, *row.tags]
    return "\n".join(p for p in parts if p)


def index_words(row: Case) -> None:
    """Let the search find the case by what it says, and by who takes part, now. Inside the act's transaction, when the row is saved."""
    said = normal(searchable(row))
    known = facets.of(system_id=row.system_id, kind_key=row.kind, department_id=row.department_id, people=row.people)
    CaseText.objects.bulk_create(
        [CaseText(case=row, text=said, grams=numbers(said, known))],
        update_conflicts=True,
        unique_fields=["case"],
        update_fields=["text", "grams"],
    )
