"""Findings as a person reads them on a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from .engine.facts import yuan
from .engine.findings import Finding
from .engine.model import AFFECTS, Contract

_WIDTH = 100
_WORDS = re.compile(r"[!-~¥–]+|.", re.DOTALL)
_QUOTES = 6  # more of one fact are counted, not listed


def lines(contract: Contract, findings: Iterable[Finding]) -> Iterator[str]:
    """A heading for what each group affects, then each finding: what, where in which words, what hangs on it."""
    number = 0
    for affects, group in groupby(findings, key=lambda f: f.affects):
        found = list(group)
        yield ""
        yield f"── {AFFECTS[affects]}（{len(found)}）"
        for finding in found:
            number += 1
            yield ""
            yield f"{number}. {finding.title}  [{finding.id}]"
            yield from _facts(contract, finding)
            yield from _readings(finding)


def as_json(contract: Contract, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The same as plain data, for the command's --json and for the API."""
    return [
        {
            "id": f.id,
            "finds": f.finds,
            "affects": f.affects,
            "title": f.title,
            "facts": [
                {
                    "what": fact.what,
                    "quotes": [
                        {"at": q.at, "citation": contract.citation(q.at), "words": q.words, "says": q.says}
                        for q in fact.quotes
                    ],
                }
                for fact in f.facts
            ],
            "readings": [{"id": r.id, "label": r.label} for r in f.readings],
            "chosen": f.chosen,
            "agreed": f.agreed,
            "because": f.because,
            "computed": f.computed,
            "example": f.example
            and {
                "facts": f.example.facts,
                "outcomes": [{"reading": o.reading, "says": o.says} for o in f.example.outcomes],
            },
        }
        for f in findings
    ]


def _facts(contract: Contract, finding: Finding) -> Iterator[str]:
    for fact in finding.facts:
        yield from _wrap(fact.what, 3)
        for quote in fact.quotes[:_QUOTES]:
            says = f" —— {quote.says}" if quote.says and quote.says not in fact.what else ""
            yield from _wrap(f"{contract.citation(quote.at)}：「{quote.words}」{says}", 6)
        if len(fact.quotes) > _QUOTES:
            yield f"      （共 {len(fact.quotes)} 处）"


def _readings(finding: Finding) -> Iterator[str]:
    example = finding.example
    said = {o.reading: o.says for o in example.outcomes} if example else {}
    if example:
        stake = f"（相差 {yuan(example.at_stake)}）" if example.at_stake else ""
        yield from _wrap(f"例：{example.facts}{stake}", 3)
    for reading in finding.readings:
        mark = "●" if reading.id == finding.chosen else "○"
        outcome = f" → {said[reading.id]}" if reading.id in said else ""
        yield from _wrap(f"{mark} {reading.label}{outcome}", 3)
    if finding.chosen:
        state = "双方已确认" if finding.agreed else "双方确认前先按 ●"
        yield from _wrap(f"{state}：{finding.because}", 3)


def _wrap(text: str, indent: int) -> Iterator[str]:
    """Lines of at most _WIDTH columns; a Chinese character takes two, a number or a Latin word stays whole."""
    room = _WIDTH - indent
    line, width = "", 0
    for word in _WORDS.findall(text):
        size = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in word)
        if width + size > room:
            yield " " * indent + line.rstrip()
            line, width = "  ", 2
        line, width = line + word, width + size
    yield " " * indent + line
