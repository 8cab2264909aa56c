"""What an effect is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


class EffectError(Exception):
    """The effect cannot be produced here; a Chinese sentence says why."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where an effect works: the fault's id, the hospital's directory, the address of its databases."""

    fault: str
    home: Path
    database_url: str

    @classmethod
    def here(cls, fault: str, home: Path) -> Context:
        """The context of this process."""
        return cls(fault, home, os.environ.get("SIMHOSPITAL_DATABASE_URL", ""))


class Effect:
    """Base of all kinds. Subclasses name their `kind` and are registered by that."""

    kind: ClassVar[str] = ""

    def __init__(self, spec: Mapping[str, Any], context: Context) -> None:
        self.spec = dict(spec)
        self.context = context

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.kind:
            _kinds[cls.kind] = cls

    def plan(self) -> dict[str, Any]:
        """What undoing will need; written to disk before `apply`. Raises EffectError."""
        return {}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Produce the effect; returns what was really done, for the log of truth. Raises EffectError."""
        raise NotImplementedError

    def undo(self, plan: dict[str, Any]) -> None:
        """Take the effect back; may be called twice, and by another process."""
        raise NotImplementedError


_kinds: dict[str, type[Effect]] = {}


def kinds() -> dict[str, type[Effect]]:
    """Every kind of effect."""
    from . import database, host, locks, network, processes, rows  # noqa: F401 importing registers

    return _kinds
