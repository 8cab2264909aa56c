"""What all drivers share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..engine.reasons import reason

Row = tuple[Any, ...]


class Failed(Exception):
    """The database cannot be reached or refused; str() is a Chinese sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. settings: as the connection keeps them; timeout_s: for connecting and for a statement."""

    settings: Mapping[str, Any]
    password: str
    timeout_s: int

    def text(self, name: str, default: str = "") -> str:
        return str(self.settings.get(name) or default).strip()

    def number(self, name: str, default: int) -> int:
        return int(self.settings.get(name) or default)

    @property
    def connect_s(self) -> int:
        return min(self.timeout_s, 15)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was tried, and what came of it; Chinese."""

    check: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What trying to write came to. level: account (the account may not), session (it may, the session is locked),
    failed (it could be written)."""

    level: str
    evidence: tuple[Evidence, ...]


class Driver(ABC):
    """One open connection. fields: what its form asks for, name → (label, help, required)."""

    kind: ClassVar[str]
    fields: ClassVar[Mapping[str, tuple[str, str, bool]]]
    has_password: ClassVar[bool] = True

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def connect(self) -> None:
        """Open it, with time-outs, the session locked to reading where the database can. Raises Failed."""

    @abstractmethod
    def prove(self) -> Tried:
        """Try to write, in a way that changes nothing even if it were allowed. Raises Failed where it cannot be tried."""

    @abstractmethod
    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        """Stream the answer to a statement whose parameters are in the driver's style. Raises Failed."""

    @abstractmethod
    def close(self) -> None:
        """Never raises."""

    @abstractmethod
    def begin(self) -> None:
        """Begin a snapshot that all following statements see, where the database has one."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Tables and views that can be read, at most a few hundred."""


def first_line(error: BaseException) -> str:
    """What the database said, in one line, without passwords."""
    text = str(error).strip() or type(error).__name__
    args: tuple[object, ...] = getattr(error, "args", ())
    if len(args) == 2 and isinstance(args[1], (str, bytes)):
        said = args[1]
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    line = next((part.strip() for part in text.splitlines() if part.strip()), type(error).__name__)
    return reason(re.sub(r"(?i)(password|pwd)\s*[=:]\s*\S+", r"\1=…", line)[:300])


def in_batches(fetch: Any, batch: int) -> Iterator[list[Row]]:
    """What fetchmany gives until it gives nothing."""
    while True:
        rows: Sequence[Any] = fetch(batch)
        if not rows:
            return
        yield [tuple(r) for r in rows]


def refused(check: str, error: BaseException) -> Evidence:
    return Evidence(check, True, f"被拒绝：{first_line(error)}")
