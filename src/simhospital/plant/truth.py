"""What was really done: one row a difference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Truth:
    """One planted difference.

    more: which side has rows or money that the other lacks (left is the hospital; both: rows on both sides disagree).
    keys: side → numbers of its rows (`sides.KEYS` says which columns). amount: what is in question; gap: left minus right
    in yuan (total of the bill for insurance), zero where amounts only lie otherwise. day: of the event at the hospital.
    family: visit or voucher that was touched, so that a later planting leaves it alone.
    """

    id: str
    cause: str
    reconciliation: str
    happens: str
    more: str
    day: str
    amount: Decimal
    gap: Decimal
    keys: dict[str, list[str]] = field(default_factory=dict)
    incident: str = ""
    family: str = ""

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str)


def append(path: Path, rows: Iterable[Truth]) -> None:
    """Add rows to the log of truth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{row.line()}\n" for row in rows)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows logged so far."""
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield json.loads(line)
