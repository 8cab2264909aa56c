"""Money that a message speaks of, by the path that its way out declares (`delivery.amount`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from .documents import DocumentProblem, read

EVERY = "*"
_AMOUNT = re.compile(r"\s*[¥￥]?\s*([+-]?\d{1,12}(?:,\d{3})*(?:\.\d{1,4})?)\s*(?:元)?\s*")


@dataclass(frozen=True, slots=True)
class Money:
    """yuan: the sum of what is known. unknown: how many messages do not say it."""

    yuan: Decimal = Decimal(0)
    unknown: int = 0

    def words(self) -> str:
        """12,345.60 元; 另有几笔不明; 不明."""
        if self.unknown and not self.yuan:
            return "金额不明"
        said = f"{self.yuan:,.2f} 元"
        return f"{said}，另 {self.unknown} 笔金额不明" if self.unknown else said


def path_for(declared: Mapping[str, str], type: str) -> str:
    """Where messages of a type say their amount; empty for those that move no money."""
    return declared.get(type) or declared.get(EVERY, "")


def amount(kind: str, raw: bytes, charset: str, path: str) -> Decimal | None:
    """None where the message does not say it, or cannot be read."""
    try:
        found = _AMOUNT.fullmatch(read(kind, raw, charset).get(path))
    except DocumentProblem:
        return None
    return Decimal(found[1].replace(",", "")) if found else None


def total(amounts: Iterable[Decimal | None]) -> Money:
    yuan, unknown = Decimal(0), 0
    for one in amounts:
        if one is None:
            unknown += 1
        else:
            yuan += one
    return Money(yuan, unknown)
