"""Search of Chinese text without a dictionary: single characters and pairs as integers, for a GIN index. Pure.

A pair of characters of the basic plane is their two code points in one 32-bit number, so there are no collisions;
what lies outside that plane (rare characters, emoji) is folded. Words of two or more characters are found by all
their pairs; the few texts that hold every pair but not the word itself are sorted out by `holds`.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

MAX_TERMS = 6
_SIGN = 1 << 31


def normal(text: str) -> str:
    """Compatibility form (full-width letters become half-width), lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def grams(text: str) -> list[int]:
    """The numbers of a text, sorted, each once: what is stored with a row."""
    found: set[int] = set()
    for run in _runs(normal(text)):
        found.update(_number(0, c) for c in run)
        found.update(_number(a, b) for a, b in pairwise(run))
    return sorted(found)


def terms(query: str) -> list[str]:
    """The words of a query: split at spaces and punctuation, at most MAX_TERMS."""
    return ["".join(run) for run in _runs(normal(query))][:MAX_TERMS]


def query_grams(query: str) -> list[int]:
    """The numbers that a row must hold, all of them: pairs of each word, the character itself for one-character words."""
    wanted: set[int] = set()
    for term in terms(query):
        wanted.update((_number(a, b) for a, b in pairwise(term)) if len(term) > 1 else [_number(0, term)])
    return sorted(wanted)


def holds(text: str, query: str) -> bool:
    """Whether every word of the query stands in the text: the exact check behind the index."""
    runs = ["".join(run) for run in _runs(normal(text))]
    return all(any(term in run for run in runs) for term in terms(query))


def _runs(text: str) -> list[list[str]]:
    """Maximal runs of letters, digits and characters; everything else separates."""
    out: list[list[str]] = []
    run: list[str] = []
    for c in text:
        if c.isalnum():
            run.append(c)
        elif run:
            out.append(run)
            run = []
    if run:
        out.append(run)
    return out


def _number(a: str | int, b: str) -> int:
    high = 0 if isinstance(a, int) else ord(a) % 65_521 if ord(a) > 0xFFFF else ord(a)
    low = ord(b) % 65_521 if ord(b) > 0xFFFF else ord(b)
    value = high << 16 | low
    return value - (1 << 32) if value >= _SIGN else value
