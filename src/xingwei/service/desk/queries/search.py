"""The search of the ledger: newest first, exact, and as fast for a word in every tenth case as for one in none.

The index (GIN over characters, pairs and triples) knows no order: asked for a common word it would bring a hundred
thousand cases only to throw all but fifty away. So it is asked for the newest thousand cases first, and for more
only where they do not hold enough. Only ids are looked for; what a page shows is fetched for its fifty cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db import models

from xingwei.base.ui.grams import query_triples, terms
from xingwei.base.ui.keyset import KeysetPage, cursor_of, values_at

from ..models import Case
from .windows import having, ids, walk

_ORDER = ("-id",)
_walk = partial(walk, bounds=("pk", "words__case_id"))


# Of each inner list one must be true: numbers of engine/facets that follow from the conditions on the rows
Facets = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Hits(KeysetPage):
    """total: how many there are in all, at most one more than was asked to be counted; 0 where nothing was."""

    total: int = 0


def search(rows: models.QuerySet[Case], query: str, facets: Facets = ()) -> models.QuerySet[Case]:
    """Those of the rows that hold every word of the query."""
    wanted = query_triples(query)
    if not wanted:
        return rows.none()
    found = having(rows, "words__grams", [*([number] for number in wanted), *facets])
    for term in terms(query):
        if not _told_by_the_index(term):
            found = found.filter(words__text__contains=term)
    return found


def search_page(
    rows: models.QuerySet[Case],
    query: str,
    *,
    facets: Facets = (),
    after: str = "",
    before: str = "",
    size: int = 50,
    count: int = 0,
    few: bool = False,
) -> Hits:
    """One page of the cases that hold every word of the query, newest first. count: count them, up to that many. few:
    the rows are some thousands at most, as the open ones are; their words are then looked at one by one."""
    if not query_triples(query):
        return Hits([], None, None)
    back, start = bool(before), _id_at(before or after)
    found = search(rows.select_related(None).order_by(), query, facets)
    look = _straight if few else _walk
    hits = look(found, start, back=back, enough=max(size, count if start is None else 0) + 1)
    counted = hits if start is None or not count else look(found, None, back=False, enough=count + 1)
    total = len(counted[: count + 1]) if count else 0
    held = rows.in_bulk(hits[:size])
    shown = [held[pk] for pk in hits[:size] if pk in held]
    onward = cursor_of(_ORDER, shown[-1]) if len(hits) > size and shown else None
    if back:
        shown.reverse()
        return Hits(shown, cursor_of(_ORDER, shown[-1]) if shown else None, onward, total)
    return Hits(shown, onward, cursor_of(_ORDER, shown[0]) if shown and after else None, total)


def _told_by_the_index(term: str) -> bool:
    """A word of one or two common characters is one number, and the index is never wrong about it."""
    return len(term) <= 2 and all(ord(c) <= 0xFFFF for c in term)


def _straight(found: models.QuerySet[Case], start: int | None, *, back: bool, enough: int) -> list[int]:
    """Ids away from start, all at once."""
    if start is not None:
        found = found.filter(pk__gt=start) if back else found.filter(pk__lt=start)
    return ids(found, back=back, enough=enough)


def _id_at(cursor: str) -> int | None:
    """The id in a cursor of this search; None for none, or one that cannot be read."""
    values = values_at(cursor)
    return values[0] if values and len(values) == 1 and isinstance(values[0], int) else None
