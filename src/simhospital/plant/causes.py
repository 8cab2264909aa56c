"""Which differences there are (data/causes.yaml), and how many of each are planted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


class PlantError(Exception):
    """What was asked for cannot be planted; a Chinese sentence says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way for two books to differ. happens: which event does it."""

    cause: str
    reconciliation: str
    happens: str
    more: str
    title: str


@cache
def kinds() -> tuple[Kind, ...]:
    """All of data/causes.yaml."""
    text = (resources.files("simhospital") / "data" / "causes.yaml").read_text("utf-8")
    return tuple(Kind(**row) for row in yaml.safe_load(text))


def chosen(causes: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds of these causes, reconciliations, `reconciliation:cause` or events; all where none is named."""
    if not causes:
        return kinds()
    names = set(causes)
    found = tuple(k for k in kinds() if names & {k.cause, k.reconciliation, k.happens, f"{k.reconciliation}:{k.cause}"})
    known = {n for k in kinds() for n in (k.cause, k.reconciliation, k.happens, f"{k.reconciliation}:{k.cause}")}
    if unknown := names - known:
        raise PlantError(f"没有这种差异：{'、'.join(sorted(unknown))}。可用“simhospital plant --list”查看全部。")
    return found


def mix(found: Sequence[Kind], count: int, chance: random.Random) -> dict[Kind, int]:
    """How many of each: shares drawn anew by the seed, at least one of each where the count allows it."""
    weights = [chance.expovariate(1) + 0.05 for _ in found]
    least = 1 if count >= len(found) else 0
    left = count - least * len(found)
    drawn = dict.fromkeys(found, least)
    for kind in chance.choices(found, weights, k=left):
        drawn[kind] += 1
    return drawn
