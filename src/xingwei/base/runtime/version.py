"""Which Xingwei this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def current() -> str:
    try:
        return version("xingwei")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"
