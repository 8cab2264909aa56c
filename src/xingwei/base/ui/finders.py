"""The front-end packages' files that pages use, served under static/vendor/ (locked in package-lock.json)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from xingwei.base.runtime.config import REPO

MODULES = REPO / "node_modules"
VENDOR = {
    "vendor/tabler/css/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/icons/tabler-icons.min.css": "@tabler/icons-webfont/dist/tabler-icons.min.css",
    "vendor/icons/fonts/tabler-icons.woff2": "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2",
    "vendor/icons/fonts/tabler-icons.woff": "@tabler/icons-webfont/dist/fonts/tabler-icons.woff",
    "vendor/icons/fonts/tabler-icons.ttf": "@tabler/icons-webfont/dist/fonts/tabler-icons.ttf",
    "vendor/echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "vendor/tom-select/tom-select.min.css": "tom-select/dist/css/tom-select.min.css",
    "vendor/tom-select/tom-select.min.js": "tom-select/dist/js/tom-select.complete.min.js",
}


class _Mapped(FileSystemStorage):
    """Reads a vendor path from where the package keeps it."""

    def path(self, name: str) -> str:
        return str(MODULES / VENDOR[name])


class VendorFinder(BaseFinder):
    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self.storage = _Mapped(location=MODULES)
        self.storage.prefix = ""  # type: ignore[attr-defined]

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = MODULES / VENDOR[path] if path in VENDOR else None
        if found is None or not found.exists():
            return []
        return [str(found)] if find_all else str(found)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        for name, source in VENDOR.items():
            if (MODULES / source).exists():
                yield name, self.storage


def missing() -> list[Path]:
    """Vendor files that set-up has not fetched."""
    return [MODULES / source for source in VENDOR.values() if not (MODULES / source).exists()]
