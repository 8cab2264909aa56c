"""The number by which people name a message (engine.numbers)."""

from ..engine.numbers import number_of, parse

__all__ = ["number_of", "parse"]
