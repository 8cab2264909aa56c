"""Evidence that obligations are kept: higher rooms count it, the contract shows and judges it.

    evidence.register("inspection", provider)      # in ready() of the room that records inspections

A provider is asked for a period and answers with rows; one row may stand for many (count) where there are many.
The kinds are those of the contract's obligations (obligations.yaml, evidence.kind).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .engine.due import Done
from .engine.periods import Period


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """on: the day it was done. system: its code, "" for the whole hospital. due: the due day it answers, where known."""

    on: dt.date
    label: str
    url: str = ""
    system: str = ""
    count: int = 1
    due: dt.date | None = None

    @property
    def done(self) -> Done:
        return Done(self.on, self.system, self.due)


Provider = Callable[[Period], Iterable[EvidenceRow]]
_providers: dict[str, list[Provider]] = defaultdict(list)


def register(kind: str, provider: Provider) -> None:
    """Count evidence of this kind; several rooms may count the same kind."""
    if provider not in _providers[kind]:
        _providers[kind].append(provider)


def unregister(kind: str, provider: Provider) -> None:
    """Take a provider back (tests)."""
    _providers[kind].remove(provider)


def counted(kind: str) -> bool:
    """Whether any room counts this kind."""
    return bool(_providers.get(kind))


def rows(kind: str, period: Period) -> list[EvidenceRow]:
    """All evidence of a kind within a period, newest first."""
    found = [row for provider in _providers.get(kind, ()) for row in provider(period)]
    return sorted(found, key=lambda row: row.on, reverse=True)
