"""What of a case the search finds."""

from __future__ import annotations

from xingwei.base.ui.grams import grams

from ..models import Case, CaseText


def searchable(row: Case) -> str:
    """Number, title, words, diagnosis, cause, solution, who and tags, one a line."""
    parts = [row.number, row.title, row.description, row.tried, row.cause, row.solution, row.reporter_name, *row.tags]
    return "\n".join(p for p in parts if p)


def index_words(row: Case) -> None:
    """Let the search find the case by what it says now. Inside the act's transaction, when the row is saved."""
    CaseText.objects.bulk_create(
        [CaseText(case=row, grams=grams(searchable(row)))],
        update_conflicts=True,
        unique_fields=["case"],
        update_fields=["grams"],
    )
