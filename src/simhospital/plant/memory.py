"""Both sides in memory, with planted differences, so that a matcher can be proved without any database."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .causes import PlantError, chosen
from .derive import drawers, vouchers
from .imagine import world
from .ledger import index
from .planting import plant
from .sides import sides
from .truth import Truth
from .world import World


@dataclass(frozen=True, slots=True)
class Planted:
    """sides: dataset → rows. first, last: the first day and the day after the last one."""

    sides: dict[str, list[dict[str, Any]]]
    truth: list[Truth]
    first: date
    last: date


def planted(
    days: int = 30,
    count: int = 2000,
    seed: int = 1,
    *,
    visits: int = 0,
    causes: Sequence[str] = (),
    first: date = date(2026, 3, 1),
) -> Planted:
    """So many days of business with so many differences; the same seed gives the same rows and the same mix.

    visits: outpatients a day, at least what the differences need (0: chosen to fit). causes: see `causes.chosen`.
    Raises PlantError where they cannot all be placed.
    """
    if not 2 <= days <= 3660 or count < 0:
        raise PlantError("天数应在 2 到 3660 之间，差异数不能为负。")
    wanted = visits or max(60, round(count / days * 5))
    books = world(first, days, wanted, seed)
    numbers = itertools.count(1)

    def derive(w: World) -> None:
        if not w.pz.rows:
            vouchers(w)
            drawers(w)
            index(w)

    made = plant(books, chosen(causes), count, derive, lambda: f"{seed:05d}-{next(numbers):06d}") if count else []
    if not count:
        derive(books)
    return Planted(sides(books), made, books.first, books.last)
