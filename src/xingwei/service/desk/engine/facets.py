"""What the search knows of a case besides its words: numbers beside those of its words, in the same index.

A common word in a small department would else mean a hundred thousand cases with the word, looked up one by one for
their department. Facets only narrow; the conditions on the case itself still decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from xingwei.base.ui.grams import facet

_SYSTEM, _KIND, _DEPARTMENT, _PERSON = range(4)


def system(pk: int) -> int:
    return facet(_SYSTEM, pk)


def kind(key: str) -> int:
    return facet(_KIND, crc32(key.encode()))


def department(pk: int) -> int:
    return facet(_DEPARTMENT, pk)


def person(pk: int) -> int:
    """Somebody who takes part."""
    return facet(_PERSON, pk)


def of(*, system_id: int | None, kind_key: str, department_id: int | None, people: Iterable[int]) -> list[int]:
    """All facets of a case."""
    known = [kind(kind_key), *(person(pk) for pk in people)]
    if system_id is not None:
        known.append(system(system_id))
    if department_id is not None:
        known.append(department(department_id))
    return known
