"""What higher rooms tell this one, registered when they start.

promises   what the sign-in page may say of the contract; never the state of a system: nobody has signed in yet
systems    the maintained systems (code, name), for roles that are held for some of them only
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """level: 1, 2 or 3; title: "2 小时内到场"; text: which faults are of that level."""

    level: int
    title: str
    text: str


promises: list[Callable[[], Sequence[Promise]]] = []
systems: list[Callable[[], Sequence[tuple[str, str]]]] = []


def all_systems() -> list[tuple[str, str]]:
    """(code, name) of every maintained system that is known."""
    return [pair for provider in systems for pair in provider()]
