"""Search of Chinese text without a dictionary: single characters and pairs as integers, for a GIN index. Pure.

A pair of characters of the basic plane is their two code points in one 32-bit number, so there are no collisions;
what lies outside that plane (rare characters, emoji) is folded. Words of two or more characters are found by all
their pairs; the few texts that hold every pair but not the word itself are sorted out by `holds`.
"""

from __future__ import annotations

import unicodedata

MAX_TERMS = 6
_SIGN = 1 << 31
_TRIPLES = 0xD800  # surrogates: no character of a text is one
_FACETS = 0xFFF1  # above every letter, digit and character of the basic plane, and above what is folded


def normal(text: str) -> str:
    """Compatibility form (full-width letters become half-width), lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def grams(text: str) -> list[int]:
    """The numbers of a text, sorted, each once: what is stored with a row."""
    found: set[int] = set()
    for run in _runs(normal(text)):
        codes = [_code(c) for c in run]
        found.update(codes)
        found.update(map(_pair, codes, codes[1:]))
    return sorted(found)


def triples(text: str) -> list[int]:
    """Numbers for every three characters in a row, for a room that stores them beside the grams: what holds the pairs
    of a word, but not the word, is then not even looked at. Folded into 27 bits, so a triple tells only what may hold;
    none meets a pair.
    """
    found: set[int] = set()
    for run in _runs(normal(text)):
        codes = [_code(c) for c in run]
        found.update(map(_triple, codes, codes[1:], codes[2:]))
    return sorted(found)


def terms(query: str, most: int | None = MAX_TERMS) -> list[str]:
    """The words of a query: split at spaces and punctuation, at most so many."""
    return ["".join(run) for run in _runs(normal(query))][:most]


def query_grams(query: str) -> list[int]:
    """The numbers that a row must hold, all of them: pairs of each word, the character itself for one-character words."""
    wanted: set[int] = set()
    for term in terms(query):
        codes = [_code(c) for c in term]
        wanted.update(map(_pair, codes, codes[1:]) if len(codes) > 1 else codes)
    return sorted(wanted)


def query_triples(query: str) -> list[int]:
    """As query_grams, where triples are stored too: they say all that the pairs of a longer word say, and more."""
    wanted: set[int] = set()
    for term in terms(query):
        wanted.update(triples(term) if len(term) > 2 else query_grams(term))
    return sorted(wanted)


def facet(kind: int, value: int) -> int:
    """Something else that is true of a row (its system, its department), as a number among those of its words: one
    look into the index answers for both. kind: 0 to 14. Values that differ by a multiple of 65,536 share a number, so
    a facet narrows, and the row itself decides.
    """
    return _pair(_FACETS + kind, value & 0xFFFF)


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


def _code(c: str) -> int:
    n = ord(c)
    return n % 65_521 if n > 0xFFFF else n


def _triple(a: int, b: int, c: int) -> int:
    n = (a * 40_503 + b) * 40_503 + c
    return _pair(_TRIPLES | n >> 16 & 0x7FF, n & 0xFFFF)


def _pair(a: int, b: int) -> int:
    value = a << 16 | b
    return value - (1 << 32) if value >= _SIGN else value
