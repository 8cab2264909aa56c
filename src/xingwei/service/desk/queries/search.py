"""The search of the ledger: newest first, exact, and as fast for a word in every tenth case as for one in none.

The index (GIN over pairs of characters) knows no order: asked for a common word it would bring a hundred thousand
cases only to throw all but fifty away. So it is asked for the newest few thousand cases first, and for more only
where they do not hold enough. Each question costs one look into the index, and the rows that it gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import models

from xingwei.base.ui.grams import holds, query_grams, terms
from xingwei.base.ui.keyset import KeysetPage, cursor_of, values_at

from ..models import Case
from ..services.text import searchable

_WINDOW = 5_000  # cases that are looked through first
_GROWTH = 16  # and how many times more where they do not hold enough
_LIMIT = 5_000  # candidates that are read for one page at most
_ORDER = ("-id",)


def search(rows: models.QuerySet[Case], query: str) -> models.QuerySet[Case]:
    """Rows that may hold every word of the query: the index's answer, not yet checked against the text."""
    wanted = query_grams(query)
    return rows.filter(words__grams__contains=wanted) if wanted else rows.none()


def search_page(
    rows: models.QuerySet[Case], query: str, *, after: str = "", before: str = "", size: int = 50
) -> KeysetPage:
    """One page of hits, newest first, exact: what the index lets through by mistake is left out.

    Where nearly everything that the index lets through is wrong, it stops after 5,000 candidates and shows what it
    has, with a way on.
    """
    if not query_grams(query):
        return KeysetPage([], None, None)
    back = bool(before)
    found = _collect(rows, query, _id_at(before or after), back=back, enough=size + 1)
    shown = found.hits[:size]
    edge = shown[-1] if len(found.hits) > size else found.last if found.broke_off else None
    if back:
        shown.reverse()
    onward = cursor_of(_ORDER, edge) if edge is not None else None
    if back:
        return KeysetPage(shown, cursor_of(_ORDER, shown[-1]) if shown else None, onward)
    return KeysetPage(shown, onward, cursor_of(_ORDER, shown[0]) if shown and after else None)


@dataclass(slots=True)
class _Found:
    """hits: in the order of walking. last: the last candidate read. broke_off: there may be more behind it."""

    hits: list[Case] = field(default_factory=list)
    last: Case | None = None
    broke_off: bool = False


def _collect(rows: models.QuerySet[Case], query: str, start: int | None, *, back: bool, enough: int) -> _Found:
    """Walk away from start, window by window, until there are enough hits or no more cases."""
    found = _Found()
    seen = 0
    # a word of two characters is one pair, and the index is right about it
    portion = enough if all(len(t) <= 2 for t in terms(query)) else 2 * enough
    candidates = search(rows, query).order_by("id" if back else "-id")
    for low, high in _windows(start, back=back):
        above, upto = low, high
        while above < upto:
            # the bounds on both tables: PostgreSQL does not carry them from one to the other
            window = candidates.filter(pk__gt=above, pk__lte=upto, words__case_id__gt=above, words__case_id__lte=upto)
            part = list(window[:portion])
            found.hits += [row for row in part if holds(searchable(row), query)]
            seen += len(part)
            if part:
                found.last = part[-1]
            if len(found.hits) >= enough:
                return found
            if len(part) < portion:
                break
            if seen >= _LIMIT:
                found.broke_off = True
                return found
            above, upto = (part[-1].pk, high) if back else (low, part[-1].pk - 1)
    return found


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
