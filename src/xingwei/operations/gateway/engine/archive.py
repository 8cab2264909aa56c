"""The digest of a table's rows, the same whether they come from the database or from a file. Pure.

Every value is text (or None); a row is its values with their lengths, so that no two different rows read the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Digest(Protocol):
    def update(self, data: bytes) -> None: ...


def feed(digest: Digest, rows: Iterable[Sequence[str | None]]) -> int:
    """Add rows to the digest; returns how many."""
    count = 0
    for row in rows:
        parts = [b"-" if v is None else b"%d:%s" % (len(e := v.encode()), e) for v in row]
        digest.update(b"%d|" % len(row) + b",".join(parts) + b"\n")
        count += 1
    return count
