"""What changed between two versions of a text, line by line, with the changed words of a line marked. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONTEXT = 2  # unchanged lines shown around a change


@dataclass(frozen=True, slots=True)
class Piece:
    """changed: removed on the left, added on the right."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line beside its other self. skipped: so many unchanged lines are left out here."""

    left: Sequence[Piece] = ()
    right: Sequence[Piece] = ()
    skipped: int = 0


def rows(before: str, after: str) -> list[Row]:
    """The rows of a comparison side by side; empty where nothing changed."""
    a, b = before.splitlines(), after.splitlines()
    out: list[Row] = []
    last = 0
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT):
        if group[0][1] > last:
            out.append(Row(skipped=group[0][1] - last))
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                out += [Row((Piece(line),), (Piece(line),)) for line in a[a1:a2]]
            else:
                out += _changed(a[a1:a2], b[b1:b2])
        last = group[-1][2]
    if out and len(a) > last:
        out.append(Row(skipped=len(a) - last))
    return out


def _changed(left: Sequence[str], right: Sequence[str]) -> Iterator[Row]:
    for n in range(max(len(left), len(right))):
        a = left[n] if n < len(left) else None
        b = right[n] if n < len(right) else None
        if a is None or b is None:
            yield Row(_whole(a), _whole(b))
        else:
            yield _inside(a, b)


def _whole(line: str | None) -> Sequence[Piece]:
    return () if line is None else (Piece(line, True),)


def _inside(a: str, b: str) -> Row:
    """Two versions of a line: only what differs is marked, unless almost everything does."""
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.3:
        return Row(_whole(a), _whole(b))
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        changed = tag != "equal"
        if a2 > a1:
            left.append(Piece(a[a1:a2], changed))
        if b2 > b1:
            right.append(Piece(b[b1:b2], changed))
    return Row(left, right)
