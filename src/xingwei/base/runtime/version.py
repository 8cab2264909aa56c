"""Which Xingwei this is."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version


def current() -> str:
    try:
        return version("xingwei")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"


def newer(this: str, than: str) -> bool:
    """Compare versions by their numbers: "0.10.0" is newer than "0.9.3"."""
    return _numbers(this) > _numbers(than)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]
