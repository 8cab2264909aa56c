"""The search of the ledger: newest first, exact, and as fast for a word in every tenth case as for one in none.

The index (GIN over pairs of characters) knows no order: asked for a common word it would bring a hundred thousand
cases only to throw all but fifty away. So it is asked for the newest few thousand cases first, and for more only
where they do not hold enough. Each question costs one look into the index, and the rows that it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import models
from django.db.models import F

from xingwei.base.ui.grams import query_grams, terms
from xingwei.base.ui.keyset import KeysetPage, cursor_of, values_at

from ..models import Case

_WINDOW = 5_000  # cases that are looked through first
_GROWTH = 16  # and how many times more where they do not hold enough
_ORDER = ("-id",)


# Of each inner list one must be true: numbers of engine/facets that follow from the conditions on the rows
Facets = Sequence[Sequence[int]]


def search(rows: models.QuerySet[Case], query: str, facets: Facets = ()) -> models.QuerySet[Case]:
    """Those of the rows that hold every word of the query."""
    wanted = query_grams(query)
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
    few: bool = False,
) -> KeysetPage:
    """One page of the cases that hold every word of the query, newest first. few: the rows are some thousands at most,
    as the open ones are; their words are then looked at one by one."""
    if not query_grams(query):
        return KeysetPage([], None, None)
    back = bool(before)
    found = search(rows, query, facets)
    hits = (_straight if few else _walk)(found, _id_at(before or after), back=back, enough=size + 1)
    shown = hits[:size]
    onward = cursor_of(_ORDER, shown[-1]) if len(hits) > size else None
    if back:
        shown.reverse()
        return KeysetPage(shown, cursor_of(_ORDER, shown[-1]) if shown else None, onward)
    return KeysetPage(shown, onward, cursor_of(_ORDER, shown[0]) if shown and after else None)


def _told_by_the_index(term: str) -> bool:
    """A word of one or two common characters is one number, and the index is never wrong about it."""
    return len(term) <= 2 and all(ord(c) <= 0xFFFF for c in term)


def _walk(found: models.QuerySet[Case], start: int | None, *, back: bool, enough: int) -> list[Case]:
    """Away from start, window by window, until there are enough hits or no more cases."""
    hits: list[Case] = []
    # by -id as a value, which no index has: else the rows are walked in order where the index of words is better
    ordered = found.order_by(F("pk") + 0 if back else (F("pk") + 0).desc())
    for low, high in _windows(start, back=back):
        # the bounds on both tables: PostgreSQL does not carry them from one to the other
        window = ordered.filter(pk__gt=low, pk__lte=high, words__case_id__gt=low, words__case_id__lte=high)
        hits += window[: enough - len(hits)]
        if len(hits) >= enough:
            break
    return hits


def _straight(found: models.QuerySet[Case], start: int | None, *, back: bool, enough: int) -> list[Case]:
    """Away from start, all at once."""
    if start is not None:
        found = found.filter(pk__gt=start) if back else found.filter(pk__lt=start)
    return list(found.order_by(F("pk") + 0 if back else (F("pk") + 0).desc())[:enough])


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
