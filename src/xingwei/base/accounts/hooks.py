"""What higher rooms tell this one, registered when they start.

welcomes   what the sign-in page may say of the contract; never the state of a system: nobody has signed in yet
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


@dataclass(frozen=True, slots=True)
class Welcome:
    """lead, foot: one line each, below the headline and at the bottom of the page."""

    lead: str
    foot: str
    promises: tuple[Promise, ...] = ()


welcomes: list[Callable[[], Welcome | None]] = []
systems: list[Callable[[], Sequence[tuple[str, str]]]] = []


def welcome() -> Welcome | None:
    """The first that any room has to say."""
    return next((said for provider in welcomes if (said := provider()) is not None), None)


def all_systems() -> list[tuple[str, str]]:
    """(code, name) of every maintained system that is known."""
    return [pair for provider in systems for pair in provider()]
