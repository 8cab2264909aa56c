"""Where rules write: the places of a path, and what was changed there."""

from __future__ import annotations

from collections.abc import Sequence

from ..documents import Document, Spot
from .model import Refused

Found = tuple[str, str, str]


def there(document: Document, path: str) -> Sequence[Spot]:
    """The places of a path that a rule means to write: one that cannot be written is no success."""
    if not (spots := document.spots(path)) and "*" not in path:
        raise Refused(f"消息里没有 {path} 所在的段或节点。")
    return spots


def other(document: Document, path: str, spot: Spot) -> Spot:
    """The place of another path in the same occurrence, or its first."""
    same = document.bound(path, spot) if "*" in path else None
    if same is not None:
        return same
    if not (found := document.spots(path)):
        raise Refused(f"消息里没有 {path} 所在的段或节点。")
    return found[0]


def put(document: Document, spot: Spot, value: str, found: list[Found] | None) -> None:
    before = document.read(spot)
    if before != value:
        document.write(spot, value)
        if found is not None:
            found.append((document.name(spot), before, value))
