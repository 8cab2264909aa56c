"""What a plan's copies prove today. A backup that was never restored is no backup, however many files there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much is proven of a copy; each needs the one before."""

    TAKEN = "taken"
    VERIFIED = "verified"
    RESTORED = "restored"


class State(StrEnum):
    PROVEN = "proven"  # restored and row-checked within its time, and taken in time
    STALE = "stale"  # proven once, but taken, verified or restored too long ago
    UNPROVEN = "unproven"  # copies, but none of them was ever restored: shown as none
    NONE = "none"  # no copy at all


@dataclass(frozen=True, slots=True)
class Proof:
    """One trial of one copy. ok: it passed."""

    level: Level
    at: dt.datetime
    ok: bool
    copy: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How old each proof may be."""

    taken: dt.timedelta
    verified: dt.timedelta
    restored: dt.timedelta

    def of(self, level: Level) -> dt.timedelta:
        return {Level.TAKEN: self.taken, Level.VERIFIED: self.verified, Level.RESTORED: self.restored}[level]


@dataclass(frozen=True, slots=True)
class Standing:
    """state, when each level was last reached, which of them are late, and the last failure that nothing has mended."""

    state: State
    last: dict[Level, dt.datetime]
    late: tuple[Level, ...]
    failure: Proof | None = None

    def age(self, level: Level, now: dt.datetime) -> dt.timedelta | None:
        """None where the level was never reached."""
        at = self.last.get(level)
        return None if at is None else now - at


def standing(proofs: Iterable[Proof], limits: Limits, now: dt.datetime) -> Standing:
    """Order does not matter; of two trials at one moment the failed one counts."""
    last: dict[Level, dt.datetime] = {}
    newest: dict[Level, Proof] = {}
    for proof in sorted(proofs, key=lambda p: (p.at, not p.ok)):
        newest[proof.level] = proof
        if proof.ok:
            last[proof.level] = proof.at
    failures = [p for p in newest.values() if not p.ok]
    failure = max(failures, key=lambda p: p.at, default=None)
    late = tuple(level for level in Level if level not in last or now - last[level] > limits.of(level))
    if Level.TAKEN not in last:
        state = State.NONE
    elif Level.RESTORED not in last:
        state = State.UNPROVEN
    else:
        state = State.STALE if late or failure is not None else State.PROVEN
    return Standing(state, last, late, failure)
