"""What every document can do: read and change values by path, and be bytes again.

A document that nobody changed gives back the very bytes it was read from. A *spot* is one concrete place that a path
stands for; rules work on spots so that `OBX[*]-5` and a condition on `OBX[*]-3.1` mean the same OBX.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

LARGEST = 64 * 1024 * 1024
DEEPEST = 64

Spot = Any


class DocumentProblem(ValueError):
    """The bytes are no such document, or a path or value does not fit it. `reason`: Chinese."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Document(ABC):
    """kind: hl7, astm, json, xml or bytes. charset: the codec by which its text is read and written."""

    kind: str

    @property
    @abstractmethod
    def charset(self) -> str: ...

    @abstractmethod
    def spots(self, path: str) -> Sequence[Spot]:
        """Every place that the path stands for. Without a wildcard: one, whether anything stands there or not;
        none where its segment or parent is missing. Raises DocumentProblem for a path that is none."""

    @abstractmethod
    def bound(self, path: str, spot: Spot) -> Spot | None:
        """The place of `path` in the same occurrence as `spot`, where both have a wildcard in the same place;
        None where it is not there or they share no wildcard."""

    def lacks(self, spot: Spot, needle: bytes) -> bool:
        """Surely no value near the spot holds these bytes; cheaper than reading it. False: perhaps one does."""
        return False

    @abstractmethod
    def read(self, spot: Spot) -> str: ...

    @abstractmethod
    def write(self, spot: Spot, value: str) -> None: ...

    @abstractmethod
    def delete(self, spot: Spot) -> None: ...

    @abstractmethod
    def name(self, spot: Spot) -> str:
        """The concrete path of a spot."""

    @abstractmethod
    def fields(self) -> Iterator[tuple[str, str]]:
        """Every value that is not empty, with its concrete path, in order."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """Raises DocumentProblem where a value cannot be written in the character set."""

    @abstractmethod
    def recode(self, codec: str) -> None:
        """From here on in another character set. Raises DocumentProblem where it cannot express the text."""

    def get(self, path: str) -> str:
        """The value at the first place of the path; empty where there is none."""
        found = self.spots(path)
        return self.read(found[0]) if found else ""

    def all(self, path: str) -> list[str]:
        return [self.read(spot) for spot in self.spots(path)]

    def set(self, path: str, value: str) -> None:
        """Writes every place of the path. Raises DocumentProblem where there is none to write to."""
        if not (found := self.spots(path)) and "*" not in path:
            raise DocumentProblem(f"消息里没有 {path} 所在的段或节点。")
        for spot in found:
            self.write(spot, value)

    def remove(self, path: str) -> None:
        for spot in reversed(self.spots(path)):
            self.delete(spot)


def encode(text: str, codec: str) -> bytes:
    """Bytes that were kept as lone surrogates come out as they came in. Raises DocumentProblem."""
    try:
        return text.encode(codec, "surrogateescape")
    except UnicodeEncodeError as error:
        bad = text[error.start : error.start + 1]
        raise DocumentProblem(f"字符“{bad}”不能用 {codec.upper()} 表示：请改字符集，或先替换这个字。") from None
