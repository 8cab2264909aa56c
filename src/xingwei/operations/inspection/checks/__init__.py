"""What a machine can look at by itself. A check reads what the other rooms know; it never changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """ok None: it could not be looked at, a person has to. value: what was seen, Chinese; figure: to be compared."""

    ok: bool | None
    value: str
    figure: float | None = None


Check = Callable[[Mapping[str, Any], str], Finding]
"""(the item's parameters, the system's code or "") → what was found."""


@dataclass(frozen=True, slots=True)
class Kind:
    """name: Chinese. parameters: those it takes, with their defaults."""

    name: str
    run: Check
    parameters: Mapping[str, Any]


_KINDS: dict[str, Kind] = {}


def register(code: str, name: str, **parameters: Any) -> Callable[[Check], Check]:
    """Decorator: a kind of check, with its parameters' defaults."""

    def keep(run: Check) -> Check:
        _KINDS[code] = Kind(name, run, parameters)
        return run

    return keep


def kinds() -> Mapping[str, Kind]:
    from . import desk, gateway, here, watching  # noqa: F401 - they register themselves

    return _KINDS


def run(check: Mapping[str, Any], system: str) -> Finding:
    """Raises KeyError for an unknown kind. What fails inside is a finding: it could not be looked at."""
    kind = kinds()[check["kind"]]
    given = {**kind.parameters, **{name: value for name, value in check.items() if name != "kind"}}
    return kind.run(given, system)
