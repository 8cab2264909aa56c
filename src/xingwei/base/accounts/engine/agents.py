"""A browser's name for itself, in words: "Chrome 128，Windows". Pure."""

from __future__ import annotations

import re
from typing import Final

# In this order: most browsers also claim to be the ones further down.
_BROWSERS: Final = (
    ("企业微信", r"wxwork/(\d+)"),
    ("微信", r"MicroMessenger/(\d+)"),
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("360 浏览器", r"360(?:SE|EE)(?:/(\d+))?"),
    ("Opera", r"OPR/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)[/ ](\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* .*Safari"),
    ("IE", r"(?:MSIE |Trident/.*rv:)(\d+)"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("macOS", "Mac OS X"),
    ("统信 UOS", "UOS"),
    ("麒麟", "Kylin"),
    ("Linux", "Linux"),
)


def in_words(agent: str) -> str:
    """Browser with its main version, and the system; the beginning of what cannot be read."""
    parts = []
    for name, pattern in _BROWSERS:
        if match := re.search(pattern, agent):
            version = match.group(1) if match.groups() else ""
            parts.append(f"{name} {version}" if version else name)
            break
    parts += [name for name, mark in _SYSTEMS if mark in agent][:1]
    return "，".join(parts) or agent[:40]
