"""What a transaction is given, and the register of transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simhospital.faults.board import Board

from ..profile import Profile
from ..store import Store

Handler = Callable[["Call"], dict[str, Any]]
handlers: dict[str, Handler] = {}


@dataclass
class Call:
    """One transaction under way: its envelope, its checked input, the region's rules, the memory, the centre's time."""

    infno: str
    head: Mapping[str, Any]
    input: dict[str, Any]
    profile: Profile
    store: Store
    now: datetime
    board: Board

    @property
    def msgid(self) -> str:
        """The sender's message id; it becomes medins_setl_id."""
        return str(self.head.get("msgid", ""))

    @property
    def fixmedins(self) -> str:
        """The hospital's code."""
        return str(self.head.get("fixmedins_code", ""))

    @property
    def stamp(self) -> str:
        """Now, as the interface writes a moment."""
        return self.now.strftime("%Y-%m-%d %H:%M:%S")

    def number(self, kind: str) -> str:
        """A new identifier: region, time and a running number; 30 characters at most."""
        return f"{self.profile.admdvs}{self.now:%y%m%d%H%M%S}{self.store.next(kind):07d}"

    def fault(self, name: str, target: str | None = None) -> dict[str, Any] | None:
        """Whether a fault of the business itself strikes this transaction."""
        return self.board.strikes(name, self.infno if target is None else target)


def transaction(*infnos: str) -> Callable[[Handler], Handler]:
    """Register the function that carries out these transactions and gives `output`."""

    def register(handler: Handler) -> Handler:
        for infno in infnos:
            handlers[infno] = handler
        return handler

    return register
