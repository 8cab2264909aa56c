"""Planting: so many of each kind, in random order, each truth with its number."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from . import insurance, ledger, payments
from .causes import Kind, PlantError, mix
from .truth import Truth
from .world import World

LAST = ("ledger", "cash")  # those follow from the rest
_MODULES = {"insurance": insurance, "payments": payments, "deposits": payments, "ledger": ledger, "cash": ledger}


def event(kind: Kind) -> Callable[[World], Truth | None]:
    """The function of a kind; None when nobody is left whom it can befall."""
    found: Callable[[World], Truth | None] = getattr(_MODULES[kind.reconciliation], kind.happens)
    return found


def plant(
    w: World, found: Sequence[Kind], count: int, derive: Callable[[World], None], number: Callable[[], str]
) -> list[Truth]:
    """Plant `count` differences of these kinds. derive: post ledger and cash, after the rest has happened.

    Where there are not enough bills for a kind, others take its place. Raises PlantError where none is left at all.
    """
    wanted = mix(found, count, w.chance)
    first = {k: n for k, n in wanted.items() if k.reconciliation not in LAST}
    then = {k: n for k, n in wanted.items() if k.reconciliation in LAST}
    made = _filled(w, first, _capped(w, then) if first else 0, number)
    derive(w)
    made += _filled(w, then, 0, number)
    if (missing := count - len(made)) > 0:
        raise PlantError(
            f"业务太少，放不下 {count} 处差异，少了 {missing} 处：请增加天数或每天的人次，或多选几种原因。"
        )
    return made


def _capped(w: World, then: dict[Kind, int]) -> int:
    """One difference of the ledger and one of the drawers in two days at most; how many were struck off."""
    off, days = 0, (w.last - w.first).days // 2
    for part in LAST:
        mine = [k for k in then if k.reconciliation == part]
        while sum(then[k] for k in mine) > days:
            most = max(mine, key=lambda k: then[k])
            then[most] -= 1
            off += 1
    return off


def _filled(w: World, wanted: dict[Kind, int], extra: int, number: Callable[[], str]) -> list[Truth]:
    """As many as are wanted and so many more; kinds that can befall nobody any more are replaced by others."""
    target, spent = sum(wanted.values()) + extra, set[Kind]()
    made = _round(w, wanted, number, spent)
    while (missing := target - len(made)) > 0 and (able := [k for k in wanted if k not in spent]):
        made += _round(w, mix(able, missing, w.chance), number, spent)
    return made


def _round(w: World, wanted: dict[Kind, int], number: Callable[[], str], spent: set[Kind]) -> list[Truth]:
    turns = [kind for kind, n in wanted.items() for _ in range(n)]
    random.Random(w.chance.getrandbits(64)).shuffle(turns)  # noqa: S311 - a hospital, no secret
    scarce = [k for k in turns if k.happens in SCARCE]
    made = []
    for kind in [*scarce, *(k for k in turns if k.happens not in SCARCE)]:
        if kind in spent:
            continue
        w.claimed.clear()
        truth = event(kind)(w)
        if truth is None:
            spent.add(kind)
            continue
        truth.id = truth.incident = number()
        truth.cause, truth.reconciliation, truth.happens, truth.more = (
            kind.cause,
            kind.reconciliation,
            kind.happens,
            kind.more,
        )
        truth.family = ",".join(w.claimed[-1:])
        made.append(truth)
    return made


SCARCE = {
    "not_there_yet", "not_billed_yet", "part_given_back", "cancelled_after_clearing", "refunded_here_only", "not_given_back",
    "deposit_not_given_back", "keyed_wrong", "part_taken_back",
}  # fmt: skip
