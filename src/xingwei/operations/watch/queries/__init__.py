"""Every read of the watch that takes more than a line."""

from . import series
from .graph import graph

__all__ = ["graph", "series"]
