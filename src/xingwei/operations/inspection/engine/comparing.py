"""One inspection beside the last of its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    NONE = ""
    OK = "ok"
    HAZARD = "hazard"
    SKIPPED = "skipped"


class Change(StrEnum):
    NEW = "new"  # a hazard that was none last time
    STAYS = "stays"  # a hazard then and now
    MENDED = "mended"  # was a hazard, is none
    SAME = "same"
    UNKNOWN = "unknown"  # not looked at then or now


Key = tuple[str, str, str]
"""(checklist, system, item)."""


@dataclass(frozen=True, slots=True)
class Counts:
    ok: int = 0
    hazard: int = 0
    skipped: int = 0
    open: int = 0

    @property
    def all(self) -> int:
        return self.ok + self.hazard + self.skipped + self.open


def count(results: Iterable[str]) -> Counts:
    seen = Counter(results)
    return Counts(seen[Result.OK], seen[Result.HAZARD], seen[Result.SKIPPED], seen[Result.NONE])


def compare(now: Mapping[Key, str], last: Mapping[Key, str]) -> dict[Key, Change]:
    """What became of each item since the last inspection."""
    known = (Result.OK, Result.HAZARD)
    found: dict[Key, Change] = {}
    for key, result in now.items():
        before = last.get(key, Result.NONE)
        if result not in known or before not in known:
            found[key] = Change.NEW if result == Result.HAZARD and before not in known else Change.UNKNOWN
        elif result == Result.HAZARD:
            found[key] = Change.STAYS if before == Result.HAZARD else Change.NEW
        else:
            found[key] = Change.MENDED if before == Result.HAZARD else Change.SAME
    return found
