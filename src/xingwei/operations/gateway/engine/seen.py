"""Has this control id perhaps been here? Bounded memory, no false "no" within its span.

Two Bloom filters take turns: the younger one is filled; when it is full it becomes the elder and the elder is
forgotten. So the last `span` ids at least are remembered, and about one in three thousand others is asked about in
the database for nothing.
"""

from __future__ import annotations

_BITS_AN_ID = 16


class Seen:
    """span: how many ids are remembered at least; 2 × 16 bits each."""

    __slots__ = ("_count", "_elder", "_mask", "_span", "_younger")

    def __init__(self, span: int = 65_536) -> None:
        bits = 1 << max(10, (span * _BITS_AN_ID - 1).bit_length())
        self._span, self._mask, self._count = span, bits - 1, 0
        self._younger, self._elder = bytearray(bits >> 3), bytearray(bits >> 3)

    @property
    def full(self) -> bool:
        """The younger filter is about to become the elder: more ids would push older ones out."""
        return self._count >= self._span

    def add(self, id: str) -> None:
        if self._count >= self._span:
            self._elder, self._younger, self._count = self._younger, bytearray(len(self._younger)), 0
        self._count += 1
        bits, mask, number, step = self._younger, self._mask, *_numbers(id)
        for _ in range(4):
            at = number & mask
            bits[at >> 3] |= 1 << (at & 7)
            number += step

    def maybe(self, id: str) -> bool:
        mask, number, step = self._mask, *_numbers(id)
        return _holds(self._younger, mask, number, step) or _holds(self._elder, mask, number, step)


def _numbers(id: str) -> tuple[int, int]:
    number = hash(id) & 0xFFFF_FFFF_FFFF_FFFF
    return number, (number >> 32) | 1


def _holds(bits: bytearray, mask: int, number: int, step: int) -> bool:
    for _ in range(4):
        at = number & mask
        if not bits[at >> 3] & (1 << (at & 7)):
            return False
        number += step
    return True
