"""The value of a setting, cached for a few seconds in each process."""

from __future__ import annotations

import time
from typing import Any

from .models import SettingValue
from .registry import registered

_TTL_S = 5.0
_cache: tuple[float, dict[str, Any]] | None = None


def value(key: str) -> Any:
    """The setting's value in force; KeyError for one that no room declared."""
    setting = registered()[key]
    return _changed().get(key, setting.default)


def forget() -> None:
    """Drop this process's cache (after a change, and between tests)."""
    global _cache
    _cache = None


def _changed() -> dict[str, Any]:
    global _cache
    if _cache is None or time.monotonic() - _cache[0] > _TTL_S:
        _cache = (time.monotonic(), dict(SettingValue.objects.values_list("key", "value")))
    return _cache[1]
