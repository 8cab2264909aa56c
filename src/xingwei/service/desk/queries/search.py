"""The search of the ledger: newest first, exact, and as fast for a word in every tenth case as for one in none.

The index (GIN over characters, pairs and triples) knows no order: asked for a common word it would bring a hundred
thousand cases only to throw all but fifty away. So it is asked for the newest few thousand cases first, and for more
only where they do not hold enough. Only ids are looked for; what a page shows is fetched for its fifty cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import F

from xingwei.base.ui.grams import query_triples, terms
from xingwei.base.ui.keyset import KeysetPage, cursor_of, values_at

from ..models import Case

_WINDOW = 5_000  # cases that are looked through first
_GROWTH = 16  # and how many times more where they do not hold enough
_ORDER = ("-id",)


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
    found = rows.filter(words__grams__contains=[*wanted, *(f[0] for f in facets if len(f) == 1)])
    for one_of in facets:
        if len(one_of) > 1:
            found = found.filter(words__grams__overlap=list(one_of))
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
    ids = look(found, start, back=back, enough=max(size, 0 if start else count) + 1)
    total = (
        len(ids[: count + 1]) if start is None else len(look(found, None, back=False, enough=count + 1)) if count else 0
    )
    held = rows.in_bulk(ids[:size])
    shown = [held[pk] for pk in ids[:size] if pk in held]
    onward = cursor_of(_ORDER, shown[-1]) if len(ids) > size and shown else None
    if back:
        shown.reverse()
        return Hits(shown, cursor_of(_ORDER, shown[-1]) if shown else None, onward, total)
    return Hits(shown, onward, cursor_of(_ORDER, shown[0]) if shown and after else None, total)


def _told_by_the_index(term: str) -> bool:
    """A word of one or two common characters is one number, and the index is never wrong about it."""
    return len(term) <= 2 and all(ord(c) <= 0xFFFF for c in term)


def _walk(found: models.QuerySet[Case], start: int | None, *, back: bool, enough: int) -> list[int]:
    """Ids away from start, window by window, until there are enough hits or no more cases."""
    hits: list[int] = []
    for low, high in _windows(start, back=back):
        # the bounds on both tables: PostgreSQL does not carry them from one to the other
        window = found.filter(pk__gt=low, pk__lte=high, words__case_id__gt=low, words__case_id__lte=high)
        hits += _ids(window, back=back, enough=enough - len(hits))
        if len(hits) >= enough:
            break
    return hits


def _straight(found: models.QuerySet[Case], start: int | None, *, back: bool, enough: int) -> list[int]:
    """Ids away from start, all at once."""
    if start is not None:
        found = found.filter(pk__gt=start) if back else found.filter(pk__lt=start)
    return _ids(found, back=back, enough=enough)


def _ids(found: models.QuerySet[Case], *, back: bool, enough: int) -> list[int]:
    # by -id as a value, which no index has: else the rows are walked in order where the index of words is better
    return list(found.order_by(F("pk") + 0 if back else (F("pk") + 0).desc()).values_list("pk", flat=True)[:enough])


def _windows(start: int | None, *, back: bool) -> Iterator[tuple[int, int]]:
    """Ranges of ids, (above, up to], one after the other from start to the newest case (back) or to the oldest."""
    newest = Case.objects.order_by("-id").values_list("id", flat=True).first() or 0
    width = _WINDOW
    if back:
        low = start or 0
        while low < newest:
            yield low, low + width
            low, width = low + width, width * _GROWTH
        return
    high = newest if start is None else start - 1
    while high > 0:
        yield high - width, high
        high, width = high - width, width * _GROWTH


def _id_at(cursor: str) -> int | None:
    """The id in a cursor of this search; None for none, or one that cannot be read."""
    values = values_at(cursor)
    return values[0] if values and len(values) == 1 and isinstance(values[0], int) else None
