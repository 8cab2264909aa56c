"""What goes wrong around the product, said in one Chinese sentence."""

from __future__ import annotations


class Trouble(Exception):
    """Commands stop with this sentence and exit code 1; it says what is wrong and what to do."""
