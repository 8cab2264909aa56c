"""Addresses with sample values in place of their parameters: "1" and "x", which nothing has."""

from __future__ import annotations

from typing import Any

SAMPLES: dict[str, Any] = {
    "int": "1",
    "str": "x",
    "slug": "x",
    "path": "x",
    "uuid": "00000000-0000-0000-0000-000000000001",
}


def filled(route: str, opening: str = "<", closing: str = ">", untyped: str = "x") -> str:
    """The route of a page (<int:pk>) or, with braces, of an operation ({int:pk}) as an address."""
    out = ""
    while opening in route:
        before, _, rest = route.partition(opening)
        parameter, _, route = rest.partition(closing)
        kind, colon, _ = parameter.partition(":")
        out += before + (SAMPLES[kind] if colon else untyped)
    return out + route
