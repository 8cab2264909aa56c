"""The numbers by which the search finds a case: of its words, and of what else is known of it (facets)."""

from __future__ import annotations

from collections.abc import Iterable

from xingwei.base.ui.grams import grams, triples


def numbers(text: str, facets: Iterable[int]) -> list[int]:
    """Characters, pairs and triples of the text, and the facets; sorted, each once."""
    return sorted({*grams(text), *triples(text), *facets})
