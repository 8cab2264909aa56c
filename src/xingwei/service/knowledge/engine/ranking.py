"""Which guides help with a text that somebody is typing: overlap of character pairs, weighed by how rare a pair is,
by where it stands, and by how often the guide has helped. Pure.

Pairs of characters need no dictionary; a pair that most guides hold ("系统", "提示") says little, one that few hold
("挂账") says much.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from xingwei.base.ui.grams import grams

TITLE_WEIGHT = 3.0
SAME_SYSTEM, OTHER_SYSTEM = 1.25, 0.6
LEAST = 0.16  # share of the text's weight that a guide must cover to be worth offering …
LEAST_IN_BODY = 0.3  # … and where its title says nothing of the sort
NEAR = 0.3  # share of the best guide's score below which others only distract
LONGEST = 400  # characters of the text that are looked at


def pairs(text: str) -> frozenset[int]:
    """The text's pairs of characters; single ones, which stand for almost any text, are left out."""
    return frozenset(g for g in grams(text) if g >> 16)


@dataclass(frozen=True, slots=True)
class Entry:
    """A guide as the ranking sees it. title: pairs of title and keywords; body: of everything."""

    id: int
    system: int | None
    title: frozenset[int]
    body: frozenset[int]
    offered: int = 0
    helped: int = 0

    @property
    def helpfulness(self) -> float:
        """From 0.85 to 1.25: how often it helped when it was offered, with a prior for what was offered little."""
        return 0.85 + 0.4 * (self.helped + 1) / (max(self.offered, self.helped) + 4)


@dataclass(frozen=True)
class Index:
    entries: Sequence[Entry]

    @cached_property
    def _rarity(self) -> dict[int, float]:
        seen = Counter(g for e in self.entries for g in e.body)
        return {g: math.log((len(self.entries) + 1) / n) for g, n in seen.items()}

    def rank(self, text: str, system: int | None = None, limit: int = 3, near: float = NEAR) -> list[int]:
        """The ids of the best guides, best first; none where nothing fits well enough."""
        wanted = pairs(text[:LONGEST])
        weight = {g: self._rarity[g] for g in wanted if g in self._rarity}
        total = sum(weight.values()) + 0.5 * (len(wanted) - len(weight))
        if not weight or total <= 0:
            return []
        scored = []
        for entry in self.entries:
            title, body = _sum(weight, entry.title), _sum(weight, entry.body)
            if body / total < (LEAST if title else LEAST_IN_BODY):
                continue
            place = 1.0 if system is None else SAME_SYSTEM if entry.system == system else _elsewhere(entry)
            score = (body + TITLE_WEIGHT * title) * place * entry.helpfulness
            scored.append((score, -entry.id))
        scored.sort(reverse=True)
        return [-n for score, n in scored[:limit] if score >= near * scored[0][0]]


def _sum(weight: dict[int, float], held: frozenset[int]) -> float:
    return sum(w for g, w in weight.items() if g in held)


def _elsewhere(entry: Entry) -> float:
    """A guide that belongs to no system fits all of them."""
    return 1.0 if entry.system is None else OTHER_SYSTEM


def index(entries: Iterable[Entry]) -> Index:
    return Index(tuple(entries))
