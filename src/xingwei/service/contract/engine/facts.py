"""What a finder hands over: what it found, and the words that show it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Cited:
    """Exact words, the passage they stand in, and in short what they say."""

    at: str
    words: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """what: one Chinese sentence, computed from the data."""

    what: str
    quotes: tuple[Cited, ...]


def number(value: Decimal | int) -> str:
    """97, 89.5: a number without trailing zeros and without exponent."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def yuan(value: Decimal) -> str:
    """¥1,280,000 or ¥64,000.50."""
    return f"¥{value:,.0f}" if value == value.to_integral_value() else f"¥{value:,.2f}"
