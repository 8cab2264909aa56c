"""The document rebuilt from the data, line by line: proof that the transcription is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Contract, Scorecard

_BOOKMARK = re.compile(r"\[bookmark: [^\]]*\]")
_SPACES = re.compile(r"\s+")


def normal(line: str) -> str:
    """A line without the word processor's bookmarks, its runs of white space made one space."""
    return _SPACES.sub(" ", _BOOKMARK.sub("", line)).strip()


def source_lines(source: str) -> list[str]:
    """The non-blank lines of the document, normalised."""
    return [line for raw in source.splitlines() if (line := normal(raw))]


def transcript(contract: Contract) -> list[str]:
    """The same lines from the data, in order, normalised alike."""

    def lines() -> Iterator[str]:
        yield contract.hospital
        yield contract.title
        for passage in contract.walk():
            yield from passage.lines
            if passage.insert == "scorecard":
                yield from _scorecard(contract.scorecard)

    return [normal(line) for line in lines()]


def _scorecard(card: Scorecard) -> Iterator[str]:
    yield card.caption
    if card.date_line:
        yield card.date_line
    for column in card.columns:
        yield from column
    for item in card.items:
        yield item.number
        yield item.title
        yield from item.criteria.split("\n")
        yield item.printed_points
    if card.total_label:
        yield card.total_label
    if card.remarks_label:
        yield card.remarks_label
    for remark in card.remarks:
        yield f"{remark.number}{remark.text}"
    if card.overall_label:
        yield card.overall_label
