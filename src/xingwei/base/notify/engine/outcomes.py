"""What became of one attempt to send."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    """SENT: the service's own answer says so. RETRY: may succeed later. LIMITED: too fast, wait. DEAD: never."""

    SENT = "sent"
    RETRY = "retry"
    LIMITED = "limited"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Outcome:
    """said: one Chinese sentence for the outbox. pause: how long the whole lane must be silent (LIMITED)."""

    result: Result
    said: str
    pause: dt.timedelta = dt.timedelta(0)


def sent(said: str = "已送达") -> Outcome:
    return Outcome(Result.SENT, said)


def retry(said: str) -> Outcome:
    return Outcome(Result.RETRY, said)


def limited(said: str, pause: dt.timedelta) -> Outcome:
    return Outcome(Result.LIMITED, said, pause)


def dead(said: str) -> Outcome:
    return Outcome(Result.DEAD, said)
