"""What of a case the search finds."""

from __future__ import annotations

from xingwei.base.ui.grams import grams

from ..models import Case


def searchable(row: Case) -> str:
    """Number, title, words, diagnosis, cause, solution, who and tags, one a line."""
    parts = [row.number, row.title, row.description, row.tried, row.cause, row.solution, row.reporter_name, *row.tags]
    return "\n".join(p for p in parts if p)


def index_text(row: Case) -> list[int]:
    return grams(searchable(row))
