"""Figures that stand on every page: counted once in a while for a process, not anew for each page."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
SECONDS = 20.0
_kept: dict[Any, tuple[float, Any]] = {}


def brief(count: Callable[[], T]) -> Callable[[], T]:
    """Decorator: the result is kept for SECONDS. For what is the same whoever looks."""

    @wraps(count)
    def kept() -> T:
        found = _kept.get(count)
        if found is None or time.monotonic() > found[0]:
            found = _kept[count] = (time.monotonic() + SECONDS, count())
        result: T = found[1]
        return result

    return kept


def forget() -> None:
    """Count anew (tests)."""
    _kept.clear()
